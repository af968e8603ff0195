"""Messages as the page shows them to one person: who, when, what, and what hangs on each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.rehearsal import attachments, dates, mrkdwn, seen
from bot.rehearsal.state import Channel, Json, Member, Message
from bot.rehearsal.workspace import Workspace
from bot.rendering import unescape

COMPACT = timedelta(minutes=5)  # messages of one author this close together share one heading
SYSTEM = ("channel_topic", "channel_purpose", "tombstone")  # told by the workspace rather than said


class Articles:
    """One channel's messages, drawn for one person in their zone and language."""

    def __init__(self, workspace: Workspace, user: Member, channel: Channel) -> None:
        self.workspace, self.user, self.channel = workspace, user, channel
        self._tz, self._locale = ZoneInfo(user.tz), dates.locale_of(user.locale)
        self._now = workspace.now().astimezone(self._tz)

    def visible(self) -> list[Message]:
        """What stands in the channel itself, oldest first."""
        return [m for m in seen.visible(self.channel, self.user) if not m.is_reply or m.broadcast]

    def thread(self, ts: str) -> list[Message]:
        """A thread's parent and replies; nothing without a parent's timestamp."""
        return [m for m in seen.visible(self.channel, self.user) if ts and ts in (m.ts, m.thread_ts)]

    def drawn(self, messages: Sequence[Message], before: Message | None = None) -> list[Json]:
        """The values of each message; `before` is the one that stands above the first."""
        values = []
        for message in messages:
            values.append(self._one(message, before))
            before = message
        return values

    def _one(self, message: Message, before: Message | None) -> Json:
        at = self._local(message)
        earlier = self._local(before) if before else None
        same_day = earlier is not None and earlier.date() == at.date()
        close = earlier is not None and same_day and at - earlier < COMPACT
        author = self.workspace.members.get(message.user)
        replies = [ts for ts in message.replies if ts in self.channel.messages]
        files = self.workspace.files
        return {
            "ts": message.ts,
            "channel": message.channel,
            "thread_ts": message.thread_ts,
            "name": author_name(self.workspace, message),
            "initials": initials(author) if author else "?",
            "role": author.role if author else "bot",
            "is_bot": bool(message.bot_id or (author and author.bot_id)),
            "time": dates.clock_time(at, self._locale),
            "iso": at.isoformat(timespec="seconds"),
            "day": "" if same_day else dates.day(at, self._locale, self._now),
            "compact": close and before is not None and _heading(before) == _heading(message),
            "text": message.text,
            "source": unescape(message.text),
            "plain": not message.mrkdwn,
            "blocks": message.blocks if message.bot_id else [],
            "attachments": [attachments.drawn(each) for each in message.attachments],
            "at": {"values": message.state.get(self.user.id, {}), "errors": {}},
            "ephemeral": message.only_for is not None,
            "pinned": bool(message.pinned_by),
            "reply": message.is_reply,
            "broadcast": message.broadcast,
            "edited": message.edited is not None,
            "gone": message.subtype == "tombstone",
            "system": message.subtype in SYSTEM,
            "mine": message.user == self.user.id,
            "files": [files[id_].as_dict("") for id_ in message.files if id_ in files],
            "reactions": self._reactions(message),
            "replies": len(replies),
            "new_replies": len(seen.new_replies(self.channel, self.user, message)) if replies else 0,
            "last_reply": self._time(self.channel.messages[replies[-1]]) if replies else "",
        }

    def _local(self, message: Message) -> datetime:
        seconds, _, micros = message.ts.partition(".")
        instant = datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros))
        return instant.astimezone(self._tz)

    def _time(self, message: Message) -> str:
        return dates.clock_time(self._local(message), self._locale)

    def _reactions(self, message: Message) -> list[Json]:
        return [
            {
                "name": name,
                "emoji": mrkdwn.emoji(name),
                "count": len(users),
                "mine": self.user.id in users,
                "people": ", ".join(self.workspace.members[user].real_name for user in users),
            }
            for name, users in message.reactions.items()
        ]


def author_name(workspace: Workspace, message: Message) -> str:
    """What a message's author is called: by the message itself, else by the account."""
    member = workspace.members.get(message.user)
    return message.username or (member.real_name if member else message.user)


def initials(member: Member) -> str:
    """Two letters for a member's picture: of the place for people, of the name for bots."""
    word = member.real_name.rpartition(" in ")[2]
    parts = word.split()
    return (parts[0][0] + parts[1][0] if len(parts) > 1 else word[:2]).upper()


def _heading(message: Message) -> tuple[object, ...]:
    """What two messages must share to stand under one heading."""
    return (
        message.user,
        message.username,
        message.only_for,
        bool(message.pinned_by),
        message.subtype in SYSTEM,
    )
