"""What a person can reach: channels they are in, messages they see, their open views, the app's offers.

Raises DeedError for the rest: nobody could do it in Slack.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.rehearsal import attachments, payloads
from bot.rehearsal.state import BOT_USER, Channel, Json, Member, Message, View
from bot.rehearsal.views import Views
from bot.rehearsal.workspace import Workspace


class DeedError(Exception):
    """A deed that nobody could do in Slack: a code, and a sentence that says why."""

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the app's manifest allows people to do. None stands for anything."""

    commands: dict[str, Json] | None = None  # by "/name"
    shortcuts: list[Json] | None = None

    @classmethod
    def read(cls, manifest: Json | None) -> Manifest:
        """The commands and shortcuts of a manifest as Slack's `apps.manifest` knows it."""
        if manifest is None:
            return cls()
        features = manifest.get("features", {})
        return cls(
            commands={each["command"]: each for each in features.get("slash_commands", [])},
            shortcuts=features.get("shortcuts", []),
        )


class Reach:
    """Finds what a deed is about, from the side of the person who does it."""

    def __init__(self, workspace: Workspace, views: Views, manifest: Manifest) -> None:
        self.workspace = workspace
        self.views = views
        self.manifest = manifest

    def actor(self, reference: str) -> Member:
        """Somebody with a working account, by id or handle."""
        member = self.workspace.member(reference)
        if member is None or member.deleted:
            raise DeedError("user_not_found", f"there is nobody called {reference!r}")
        return member

    def own_channel(self, user: Member, wish: Json) -> Channel:
        """The channel a deed happens in; the person must be in it."""
        channel = self._channel(wish, user)
        if user.id not in channel.members:
            raise DeedError("not_in_channel", f"{user.name} is not in #{channel.name}")
        if channel.archived:
            raise DeedError("is_archived", "the channel is archived")
        return channel

    def seen_message(self, user: Member, wish: Json) -> tuple[Channel, Message]:
        """A message that the person can see."""
        channel = self.own_channel(user, wish)
        message = channel.messages.get(str(wish.get("ts") or ""))
        if message is None or message.only_for not in (None, user.id):
            raise DeedError("message_not_found", f"{user.name} sees no such message")
        return channel, message

    def _channel(self, wish: Json, user: Member) -> Channel:
        reference = str(wish.get("channel") or wish.get("dm") or "")
        if reference in ("bot", "dm", BOT_USER):
            return self.workspace.direct(BOT_USER, user.id)
        other = self.workspace.members.get(reference)
        if other is not None:
            return self.workspace.direct(user.id, other.id)
        channel = self.workspace.channel(reference)
        if channel is None or (channel.kind != "channel" and user.id not in channel.members):
            raise DeedError("channel_not_found", f"{user.name} sees no channel {reference!r}")
        return channel

    def _own_message(self, user: Member, wish: Json) -> Message:
        message = self.seen_message(user, wish)[1]
        if message.user != user.id:
            raise DeedError("not_your_message", "only one's own messages can be changed")
        return message

    def _view(self, user: Member, wish: Json) -> View:
        view = self.views.find(view_id=str(wish.get("view_id") or ""))
        if view is None or view.user != user.id:
            raise DeedError("view_not_found", f"{user.name} has no such view open")
        return view

    def _in_message(self, message: Message, wish: Json) -> tuple[Json, Json, Json | None]:
        """A block of a message, the element of it that a wish names, and the attachment it stands in."""
        number = str(wish.get("attachment") or "")
        inside = list(attachments.blocks_of(message.attachments, number))
        outside = [] if number else message.blocks
        block, element = self._element([*outside, *(block for _, block in inside)], wish)
        return block, element, next((each for each, other in inside if other is block), None)

    def _element(self, blocks: list[Json], wish: Json) -> tuple[Json, Json]:
        for block in blocks:
            if wish.get("block_id") not in (None, "", block.get("block_id")):
                continue
            for element, _ in payloads.elements_of(block):
                if element.get("action_id") == wish.get("action_id"):
                    return block, element
        raise DeedError("element_not_found", f"there is no element {wish.get('action_id')!r}")

    def _shortcut(self, wish: Json, kind: str) -> str:
        callback_id = str(wish.get("callback_id") or "")
        known = self.manifest.shortcuts
        if not callback_id or (
            known is not None
            and not any((each["callback_id"], each["type"]) == (callback_id, kind) for each in known)
        ):
            raise DeedError("unknown_shortcut", f"the app has no {kind} shortcut {callback_id!r}")
        return callback_id
