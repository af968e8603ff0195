"""The Web API methods this workspace speaks: each with its tier and the bot scopes it needs.

One of the scopes suffices. `tests/rehearsal/test_methods.py` compares this table with what is served and
with what slack_sdk calls them (reference: Web API methods, "Rate limits").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.rehearsal.calls import Call
from bot.rehearsal.methods import chat, conversations, files, groups, marks, people, streams, surfaces
from bot.rehearsal.rates import Tier
from bot.rehearsal.state import Json


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is served.

    `needs` names the arguments without which Slack answers `invalid_arguments`; `app_token` marks the one
    method that takes an app-level token, `open` the one that takes none.
    """

    handler: Callable[[Call], Awaitable[Json]]
    tier: Tier
    scopes: tuple[str, ...] = ()
    needs: str = ""
    app_token: bool = False
    open: bool = False


async def _connections_open(call: Call) -> Json:
    ticket = call.workspace.mint("ticket-")
    return {"url": f"{call.origin.replace('http', 'ws', 1)}/link?ticket={ticket}&app_id=A0WORKSHOP"}


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_TOPIC = ("channels:write.topic", "channels:manage", "groups:write.topic", "groups:write")
_MANAGE = ("channels:manage", "groups:write")

METHODS: dict[str, Method] = {
    "api.test": Method(people.api_test, 4, open=True),
    "apps.connections.open": Method(_connections_open, 3, app_token=True),
    "assistant.threads.setStatus": Method(
        chat.set_status, "special", ("chat:write",), needs="channel_id thread_ts status"
    ),
    "assistant.threads.setSuggestedPrompts": Method(
        chat.set_status, 4, ("assistant:write",), needs="channel_id thread_ts prompts"
    ),
    "assistant.threads.setTitle": Method(
        chat.set_status, 4, ("assistant:write",), needs="channel_id thread_ts title"
    ),
    "auth.revoke": Method(people.auth_revoke, 3),
    "auth.test": Method(people.auth_test, "special"),
    "bookmarks.add": Method(marks.bookmarks_add, 2, ("bookmarks:write",), needs="channel_id title type"),
    "bookmarks.edit": Method(marks.bookmarks_edit, 2, ("bookmarks:write",), needs="channel_id bookmark_id"),
    "bookmarks.list": Method(marks.bookmarks_list, 3, ("bookmarks:read",), needs="channel_id"),
    "bookmarks.remove": Method(
        marks.bookmarks_remove, 2, ("bookmarks:write",), needs="channel_id bookmark_id"
    ),
    "bots.info": Method(people.bots_info, 3, ("users:read",)),
    "chat.appendStream": Method(streams.append, 4, ("chat:write",), needs="channel ts"),
    "chat.delete": Method(chat.delete, 3, ("chat:write",), needs="channel ts"),
    "chat.deleteScheduledMessage": Method(
        chat.delete_scheduled_message, 3, ("chat:write",), needs="channel scheduled_message_id"
    ),
    "chat.getPermalink": Method(chat.get_permalink, "special", needs="channel message_ts"),
    "chat.meMessage": Method(chat.me_message, 3, ("chat:write",), needs="channel text"),
    "chat.postEphemeral": Method(chat.post_ephemeral, 4, ("chat:write",), needs="channel user"),
    "chat.postMessage": Method(chat.post_message, "posting", ("chat:write",), needs="channel"),
    "chat.scheduleMessage": Method(chat.schedule_message, 3, ("chat:write",), needs="channel post_at"),
    "chat.scheduledMessages.list": Method(chat.scheduled_messages_list, 3),
    "chat.startStream": Method(streams.start, 2, ("chat:write",), needs="channel"),
    "chat.stopStream": Method(streams.stop, 2, ("chat:write",), needs="channel ts"),
    "chat.update": Method(chat.update, 3, ("chat:write",), needs="channel ts"),
    "conversations.archive": Method(conversations.archive, 2, _MANAGE, needs="channel"),
    "conversations.close": Method(
        conversations.close, 2, (*_MANAGE, "im:write", "mpim:write"), needs="channel"
    ),
    "conversations.create": Method(conversations.create, 2, _MANAGE, needs="name"),
    "conversations.history": Method(conversations.history, 3, _HISTORY, needs="channel"),
    "conversations.info": Method(conversations.info, 3, _READ, needs="channel"),
    "conversations.invite": Method(
        conversations.invite, 3, ("channels:write.invites", *_MANAGE), needs="channel users"
    ),
    "conversations.join": Method(conversations.join, 3, ("channels:join",), needs="channel"),
    "conversations.kick": Method(conversations.kick, 3, _MANAGE, needs="channel"),
    "conversations.leave": Method(conversations.leave, 3, _MANAGE, needs="channel"),
    "conversations.list": Method(conversations.list_, 2, _READ),
    "conversations.mark": Method(
        conversations.mark, 3, (*_MANAGE, "im:write", "mpim:write"), needs="channel ts"
    ),
    "conversations.members": Method(conversations.members, 4, _READ, needs="channel"),
    "conversations.open": Method(conversations.open_, 3, ("im:write", "mpim:write")),
    "conversations.rename": Method(conversations.rename, 2, _MANAGE, needs="channel name"),
    "conversations.replies": Method(conversations.replies, 3, _HISTORY, needs="channel ts"),
    "conversations.setPurpose": Method(conversations.set_purpose, 2, _TOPIC, needs="channel purpose"),
    "conversations.setTopic": Method(conversations.set_topic, 2, _TOPIC, needs="channel topic"),
    "conversations.unarchive": Method(conversations.unarchive, 2, _MANAGE, needs="channel"),
    "dnd.info": Method(people.dnd_info, 3, ("dnd:read",)),
    "emoji.list": Method(people.emoji_list, 2, ("emoji:read",)),
    "files.completeUploadExternal": Method(files.complete_upload, 4, ("files:write",), needs="files"),
    "files.delete": Method(files.delete, 3, ("files:write",), needs="file"),
    "files.getUploadURLExternal": Method(files.get_upload_url, 4, ("files:write",), needs="filename length"),
    "files.info": Method(files.info, 4, ("files:read",), needs="file"),
    "files.list": Method(files.list_, 3, ("files:read",)),
    "files.upload": Method(files.upload, 2, ("files:write",)),
    "pins.add": Method(marks.pins_add, 2, ("pins:write",), needs="channel"),
    "pins.list": Method(marks.pins_list, 2, ("pins:read",), needs="channel"),
    "pins.remove": Method(marks.pins_remove, 2, ("pins:write",), needs="channel"),
    "reactions.add": Method(marks.reactions_add, 3, ("reactions:write",), needs="channel name"),
    "reactions.get": Method(marks.reactions_get, 3, ("reactions:read",)),
    "reactions.list": Method(marks.reactions_list, 2, ("reactions:read",)),
    "reactions.remove": Method(marks.reactions_remove, 2, ("reactions:write",), needs="name"),
    "team.info": Method(people.team_info, 3, ("team:read",)),
    "usergroups.create": Method(groups.create, 2, ("usergroups:write",), needs="name"),
    "usergroups.disable": Method(groups.disable, 2, ("usergroups:write",), needs="usergroup"),
    "usergroups.enable": Method(groups.enable, 2, ("usergroups:write",), needs="usergroup"),
    "usergroups.list": Method(groups.list_, 2, ("usergroups:read",)),
    "usergroups.update": Method(groups.update, 2, ("usergroups:write",), needs="usergroup"),
    "usergroups.users.list": Method(groups.users_list, 2, ("usergroups:read",), needs="usergroup"),
    "usergroups.users.update": Method(groups.users_update, 2, ("usergroups:write",), needs="usergroup users"),
    "users.conversations": Method(conversations.of_user, 3, _READ),
    "users.getPresence": Method(people.users_get_presence, 3, ("users:read",)),
    "users.info": Method(people.users_info, 4, ("users:read",), needs="user"),
    "users.list": Method(people.users_list, 2, ("users:read",)),
    "users.lookupByEmail": Method(people.users_lookup_by_email, 3, ("users:read.email",), needs="email"),
    "users.profile.get": Method(people.users_profile_get, 4, ("users.profile:read",)),
    "users.setPresence": Method(people.users_set_presence, 2, ("users:write",), needs="presence"),
    "views.open": Method(surfaces.open_, 4, needs="view"),
    "views.publish": Method(surfaces.publish, 4, needs="user_id view"),
    "views.push": Method(surfaces.push, 4, needs="view"),
    "views.update": Method(surfaces.update, 4, needs="view"),
}
