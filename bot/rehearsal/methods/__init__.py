"""The Web API methods this workspace speaks: each with its tier and the bot scopes it needs.

One of the scopes suffices. `tests/rehearsal/test_methods.py` compares this table with what is served and
with what slack_sdk calls them (reference: Web API methods, "Rate limits").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.rehearsal.calls import Call
from bot.rehearsal.methods import chat, conversations, files, marks, people, surfaces
from bot.rehearsal.rates import Tier
from bot.rehearsal.state import Json


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is served. `app_token` marks the one that takes an app-level token."""

    handler: Callable[[Call], Awaitable[Json]]
    tier: Tier
    scopes: tuple[str, ...] = ()
    app_token: bool = False


async def _connections_open(call: Call) -> Json:
    ticket = call.workspace.mint("ticket-")
    return {"url": f"{call.origin.replace('http', 'ws', 1)}/link?ticket={ticket}&app_id=A0WORKSHOP"}


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_TOPIC = ("channels:write.topic", "channels:manage", "groups:write.topic", "groups:write")
_MANAGE = ("channels:manage", "groups:write")

METHODS: dict[str, Method] = {
    "api.test": Method(people.api_test, 4),
    "apps.connections.open": Method(_connections_open, 3, app_token=True),
    "auth.test": Method(people.auth_test, "special"),
    "bookmarks.add": Method(marks.bookmarks_add, 2, ("bookmarks:write",)),
    "bookmarks.edit": Method(marks.bookmarks_edit, 2, ("bookmarks:write",)),
    "bookmarks.list": Method(marks.bookmarks_list, 3, ("bookmarks:read",)),
    "bookmarks.remove": Method(marks.bookmarks_remove, 2, ("bookmarks:write",)),
    "bots.info": Method(people.bots_info, 3, ("users:read",)),
    "chat.delete": Method(chat.delete, 3, ("chat:write",)),
    "chat.deleteScheduledMessage": Method(chat.delete_scheduled_message, 3, ("chat:write",)),
    "chat.getPermalink": Method(chat.get_permalink, "special"),
    "chat.postEphemeral": Method(chat.post_ephemeral, 4, ("chat:write",)),
    "chat.postMessage": Method(chat.post_message, "posting", ("chat:write",)),
    "chat.scheduleMessage": Method(chat.schedule_message, 3, ("chat:write",)),
    "chat.scheduledMessages.list": Method(chat.scheduled_messages_list, 3),
    "chat.update": Method(chat.update, 3, ("chat:write",)),
    "conversations.archive": Method(conversations.archive, 2, _MANAGE),
    "conversations.create": Method(conversations.create, 2, _MANAGE),
    "conversations.history": Method(conversations.history, 3, _HISTORY),
    "conversations.info": Method(conversations.info, 3, _READ),
    "conversations.invite": Method(conversations.invite, 3, ("channels:write.invites", *_MANAGE)),
    "conversations.join": Method(conversations.join, 3, ("channels:join",)),
    "conversations.leave": Method(conversations.leave, 3, _MANAGE),
    "conversations.list": Method(conversations.list_, 2, _READ),
    "conversations.mark": Method(conversations.mark, 3, (*_MANAGE, "im:write", "mpim:write")),
    "conversations.members": Method(conversations.members, 4, _READ),
    "conversations.open": Method(conversations.open_, 3, ("im:write", "mpim:write")),
    "conversations.replies": Method(conversations.replies, 3, _HISTORY),
    "conversations.setPurpose": Method(conversations.set_purpose, 2, _TOPIC),
    "conversations.setTopic": Method(conversations.set_topic, 2, _TOPIC),
    "files.completeUploadExternal": Method(files.complete_upload, 4, ("files:write",)),
    "files.delete": Method(files.delete, 3, ("files:write",)),
    "files.getUploadURLExternal": Method(files.get_upload_url, 4, ("files:write",)),
    "files.info": Method(files.info, 4, ("files:read",)),
    "pins.add": Method(marks.pins_add, 2, ("pins:write",)),
    "pins.list": Method(marks.pins_list, 2, ("pins:read",)),
    "pins.remove": Method(marks.pins_remove, 2, ("pins:write",)),
    "reactions.add": Method(marks.reactions_add, 3, ("reactions:write",)),
    "reactions.get": Method(marks.reactions_get, 3, ("reactions:read",)),
    "reactions.remove": Method(marks.reactions_remove, 2, ("reactions:write",)),
    "team.info": Method(people.team_info, 3, ("team:read",)),
    "usergroups.list": Method(people.usergroups_list, 2, ("usergroups:read",)),
    "usergroups.users.list": Method(people.usergroups_users_list, 2, ("usergroups:read",)),
    "users.conversations": Method(conversations.of_user, 3, _READ),
    "users.getPresence": Method(people.users_get_presence, 3, ("users:read",)),
    "users.info": Method(people.users_info, 4, ("users:read",)),
    "users.list": Method(people.users_list, 2, ("users:read",)),
    "users.lookupByEmail": Method(people.users_lookup_by_email, 3, ("users:read.email",)),
    "users.profile.get": Method(people.users_profile_get, 4, ("users.profile:read",)),
    "views.open": Method(surfaces.open_, 4),
    "views.publish": Method(surfaces.publish, 4),
    "views.push": Method(surfaces.push, 4),
    "views.update": Method(surfaces.update, 4),
}
