"""The workspace's state and everything that may happen to it, with the event each happening raises.

Nothing here knows HTTP or WebSockets: `emit` hands an event to whoever delivers it to the app. Message
timestamps follow the workshop clock and are unique and strictly increasing over the whole workspace.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.rehearsal import blockkit, composer
from bot.rehearsal.emoji import SAME_EMOJI
from bot.rehearsal.state import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    SLACKBOT,
    TEAM_ID,
    Channel,
    File,
    Json,
    Member,
    Message,
    Scheduled,
    Share,
    UserGroup,
    View,
)

Emit = Callable[[str, Json], None]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Workspace:
    """All state; `revision` counts its changes and `changed()` wakes those who watch."""

    def __init__(self, clock: Clock, emit: Emit, run_id: str) -> None:
        self.clock = clock
        self.emit = emit
        self.run_id = run_id
        self.url = ""
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.files: dict[str, File] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.scheduled: dict[str, Scheduled] = {}
        self.revision = 0
        self.day = 0
        self.closed = False
        self._watchers: set[asyncio.Event] = set()
        self._minted: dict[str, int] = {}
        self._last_ts = 0

    def clear(self) -> None:
        """Forget everything that was said and done; `day` counts how often that happened."""
        for held in (self.members, self.channels, self.groups, self.files, self.homes, self.scheduled):
            held.clear()
        self.modals.clear()
        self._last_ts = 0
        self.day += 1

    # --- identity and time ------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.clock.now()

    def mint(self, prefix: str) -> str:
        """A new id of Slack's form; the run's own part keeps it apart from those of earlier runs."""
        self._minted[prefix] = self._minted.get(prefix, 0) + 1
        return f"{prefix}{self.run_id}{self._minted[prefix]:05X}"

    def next_ts(self) -> str:
        """The workshop's instant as a Slack timestamp, later than every one before."""
        self._last_ts = max(self._last_ts + 1, (self.now() - _EPOCH) // timedelta(microseconds=1))
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06}"

    def changed(self) -> None:
        """Count a change and wake everyone who waits for one."""
        self.revision += 1
        self.wake()

    def wake(self) -> None:
        """Let everyone who waits look again, though nothing in the workspace changed."""
        for watcher in self._watchers:
            watcher.set()

    def close(self) -> None:
        """Send everyone who waits away: nothing will change any more."""
        self.closed = True
        self.wake()

    def watch(self, watcher: asyncio.Event) -> None:
        """Set `watcher` at every change from now on."""
        self._watchers.add(watcher)

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Set `watcher` no more."""
        self._watchers.discard(watcher)

    async def wait_for(self, predicate: Callable[[], object], seconds: float) -> bool:
        """Wait until `predicate()` holds, asked again at every change; False after `seconds` of wall time."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        try:
            async with asyncio.timeout(seconds):
                while not predicate():
                    if self.closed:
                        return False
                    watcher.clear()
                    await watcher.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._watchers.discard(watcher)

    # --- finding ----------------------------------------------------------------------------------

    def member(self, reference: str) -> Member | None:
        """An account by id or handle."""
        found = self.members.get(reference)
        return found or next((m for m in self.members.values() if m.name == reference), None)

    def channel(self, reference: str) -> Channel | None:
        """A channel by id or by name, with or without #."""
        found = self.channels.get(reference)
        name = reference.removeprefix("#")
        return found or next((c for c in self.channels.values() if not c.direct and c.name == name), None)

    def direct(self, *members: str) -> Channel:
        """The direct message between these members, made when it does not exist yet."""
        everyone = list(dict.fromkeys(members))
        id_ = _direct_id(everyone)
        if id_ in self.channels:
            return self.channels[id_]
        kind = "im" if len(everyone) <= 2 else "mpim"
        name = (
            "directmessage" if kind == "im" else "mpdm-" + "--".join(self.members[m].name for m in everyone)
        )
        channel = Channel(
            id=id_,
            name=name,
            kind="im" if kind == "im" else "mpim",
            members=everyone,
            created=int(self.now().timestamp()),
            creator=everyone[0],
        )
        self.channels[channel.id] = channel
        self.changed()
        return channel

    def channels_of(self, member: str) -> list[Channel]:
        return [channel for channel in self.channels.values() if member in channel.members]

    # --- messages ---------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Add a message and raise its event; ephemeral ones raise none."""
        channel = self.channels[message.channel]
        channel.messages[message.ts] = message
        if message.only_for is None:
            if message.is_reply and message.thread_ts in channel.messages:
                channel.messages[message.thread_ts].replies.append(message.ts)
            channel.last_read[message.user] = message.ts
            self._message_event(channel, self.message_dict(message))
        self.changed()
        return message

    def say(
        self, user: str, channel: Channel, typed: str, *, thread_ts: str | None = None, files: list[str]
    ) -> Message:
        """What a person types into the composer and sends."""
        ts = self.next_ts()
        text = composer.typed(typed, self.members.values(), self.channels.values())
        message = Message(
            ts=ts,
            channel=channel.id,
            user=user,
            text=text,
            blocks=self.with_ids(composer.rich_text(text)) if text else [],
            thread_ts=thread_ts,
            subtype="file_share" if files else None,
            files=files,
            client_msg_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{channel.id}/{ts}")),
        )
        self.share(message, channel)
        if f"<@{BOT_USER}>" in text and not channel.direct and BOT_USER in channel.members:
            data = self.message_dict(message)
            keep = (
                "user",
                "text",
                "ts",
                "team",
                "thread_ts",
                "blocks",
                "client_msg_id",
                "files",
                "parent_user_id",
            )
            mention = {key: data[key] for key in keep if key in data}
            self.emit(
                "app_mention", {"type": "app_mention", **mention, "channel": channel.id, "event_ts": ts}
            )
        return message

    def edit(
        self, message: Message, change: Callable[[], None], *, flag: bool, editor: str = BOT_USER
    ) -> None:
        """Carry out `change` on `message` and tell of it; with `flag` it shows "(edited)"."""
        previous = self.message_dict(message)
        change()
        if flag:
            message.edited = {"user": editor, "ts": self.next_ts()}
        channel = self.channels[message.channel]
        if message.only_for is None:
            event = {
                "subtype": "message_changed",
                "message": self.message_dict(message),
                "previous_message": previous,
            }
            self._changed_event(channel, event)
        self.changed()

    def remove(self, message: Message) -> None:
        """Delete a message; one with replies leaves a tombstone, as in Slack."""
        channel = self.channels[message.channel]
        previous = self.message_dict(message)
        if any(ts in channel.messages for ts in message.replies):
            message.subtype, message.text, message.blocks = "tombstone", "This message was deleted.", []
            message.user, message.bot_id, message.metadata, message.files = SLACKBOT, None, None, []
        else:
            del channel.messages[message.ts]
            parent = channel.messages.get(message.thread_ts or "")
            if parent is not None and message.ts in parent.replies:
                parent.replies.remove(message.ts)
        if message.only_for is None:
            event = {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": previous}
            self._changed_event(channel, event)
        self.changed()

    def message_dict(self, message: Message, *, metadata: bool = False) -> Json:
        """A message as the Web API and events show it; metadata only when asked for."""
        data: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": TEAM_ID,
        }
        if message.bot_id:
            data |= {"bot_id": message.bot_id, "app_id": APP_ID, "bot_profile": self.bot_profile()}
        optional = {
            "client_msg_id": message.client_msg_id,
            "subtype": message.subtype,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "thread_ts": message.thread_ts,
            "edited": message.edited,
            "username": message.username,
            "icons": message.icon,
            "metadata": message.metadata if metadata else None,
        }
        data |= {key: value for key, value in optional.items() if value}
        if message.files:
            data["files"] = [self.files[id_].as_dict(self.url) for id_ in message.files]
        if message.reactions:
            data["reactions"] = reactions(message)
        if message.pinned_by:
            data |= {"pinned_to": [message.channel], "pinned_info": {"channel": message.channel}}
        return data | self._thread_fields(message)

    def bot_profile(self) -> Json:
        bot = self.members[BOT_USER]
        return {
            "id": BOT_ID,
            "app_id": APP_ID,
            "user_id": BOT_USER,
            "name": bot.real_name,
            "icons": {},
            "deleted": False,
            "updated": 1_700_000_000,
            "team_id": TEAM_ID,
        }

    def with_ids(self, blocks: Iterable[Json]) -> list[Json]:
        """Blocks with the block and action ids that the server assigns where the app gave none."""
        completed = [
            block if block.get("block_id") else block | {"block_id": self.mint("b")} for block in blocks
        ]
        for block in completed:
            for element, _ in blockkit.elements_of(block):
                if not element.get("action_id") and element.get("type") != "image":
                    element["action_id"] = self.mint("a")
        return completed

    def _thread_fields(self, message: Message) -> Json:
        messages = self.channels[message.channel].messages
        replies = [messages[ts] for ts in message.replies if ts in messages]
        if replies:
            people = list(dict.fromkeys(reply.user for reply in replies))
            return {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(people),
                "latest_reply": replies[-1].ts,
                "reply_users": people[:5],
                "is_locked": False,
                "subscribed": False,
            }
        parent = messages.get(message.thread_ts or "")
        return {"parent_user_id": parent.user} if parent is not None and parent is not message else {}

    def _message_event(self, channel: Channel, data: Json) -> None:
        if BOT_USER in channel.members:
            event = {**data, "channel": channel.id, "channel_type": channel.kind, "event_ts": data["ts"]}
            self.emit(channel.event_kind, event)

    def _changed_event(self, channel: Channel, fields: Json) -> None:
        ts = self.next_ts()
        self._message_event(channel, {"type": "message", **fields, "hidden": True, "ts": ts})

    # --- membership, reactions --------------------------------------------------------------------

    def join(self, member: str, channel: Channel, *, inviter: str | None = None) -> bool:
        """Admit a member; False when already in."""
        if member in channel.members:
            return False
        channel.members.append(member)
        event = {
            "type": "member_joined_channel",
            "user": member,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "channel" else "G",
            "team": TEAM_ID,
            "event_ts": self.next_ts(),
        }
        self._member_event(channel, event | ({"inviter": inviter} if inviter else {}))
        self.changed()
        return True

    def leave(self, member: str, channel: Channel) -> bool:
        """Let a member go; False when not in."""
        if member not in channel.members:
            return False
        event = {
            "type": "member_left_channel",
            "user": member,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "channel" else "G",
            "team": TEAM_ID,
            "event_ts": self.next_ts(),
        }
        self._member_event(channel, event)
        channel.members.remove(member)
        self.changed()
        return True

    def _member_event(self, channel: Channel, event: Json) -> None:
        if BOT_USER in channel.members:
            self.emit(str(event["type"]), event)

    def pin(self, member: str, message: Message, *, add: bool) -> bool:
        """Pin a message to its channel, or take the pin away; False when there is nothing to change."""
        if bool(message.pinned_by) == add:
            return False
        channel = self.channels[message.channel]
        item = {"type": "message", "channel": channel.id, "message": self.message_dict(message)}
        if add:
            message.pinned_by[member] = self.now().timestamp()
        else:
            message.pinned_by.clear()
        kind = "pin_added" if add else "pin_removed"
        event = {"type": kind, "user": member, "channel_id": channel.id, "item": item}
        self._member_event(channel, event | {"event_ts": self.next_ts()})
        self.changed()
        return True

    def share(self, message: Message, channel: Channel) -> None:
        """Post a message with its files, and tell of each that it is shared here."""
        for id_ in message.files:
            place = Share(channel.id, channel.kind, message.ts, message.thread_ts)
            self.files[id_].shares.append(place)
        self.post(message)
        for id_ in message.files:
            event = {"type": "file_shared", "file_id": id_, "file": {"id": id_}}
            event |= {"user_id": self.files[id_].user, "channel_id": channel.id}
            self._member_event(channel, event | {"event_ts": self.next_ts()})

    def channel_event(self, kind: str, channel: Channel) -> None:
        """Tell of a channel that was made, renamed, archived or brought back."""
        named = {"id": channel.id, "name": channel.name, "created": channel.created}
        whole = kind in ("channel_created", "channel_rename")
        event: Json = {"type": kind, "channel": named if whole else channel.id, "user": BOT_USER}
        if channel.kind == "channel" or BOT_USER in channel.members:
            self.emit(kind, event | {"event_ts": self.next_ts()})
        self.changed()

    def react(self, member: str, message: Message, name: str, *, add: bool) -> bool:
        """Add or take back one person's reaction; False when there is nothing to change."""
        name = SAME_EMOJI.get(name, name)
        users = message.reactions.get(name, [])
        if (member in users) == add:
            return False
        if add:
            message.reactions.setdefault(name, []).append(member)
        else:
            users.remove(member)
            if not users:
                del message.reactions[name]
        if BOT_USER in self.channels[message.channel].members:
            kind = "reaction_added" if add else "reaction_removed"
            event = {
                "type": kind,
                "user": member,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": message.channel, "ts": message.ts},
                "event_ts": self.next_ts(),
            }
            self.emit(kind, event)
        self.changed()
        return True


def _direct_id(members: list[str]) -> str:
    # The same people have the same direct message in every run: an app may have stored its id.
    if len(members) == 2 and BOT_USER in members:
        return "D" + next(member for member in members if member != BOT_USER)[1:]
    digest = hashlib.sha256(" ".join(sorted(members)).encode()).hexdigest()[:10].upper()
    return ("D" if len(members) <= 2 else "G") + digest


def reactions(message: Message) -> list[Json]:
    """A message's reactions in Slack's shape."""
    return [
        {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
    ]
