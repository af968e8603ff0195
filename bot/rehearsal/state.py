"""What a workspace consists of: members, channels, messages, views, files. Plain values, in memory.

Shapes given out by `as_dict` are Slack's own (reference: types "user", "conversation", "message", "view",
"file"). Changing them, with the events that follow from a change, is `workspace.py`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.rendering import zone_city

Json = dict[str, Any]

TEAM_ID = "T0WORKSHOP"
TEAM_DOMAIN = "workshop-rehearsal"
APP_ID = "A0WORKSHOP"
BOT_ID = "B0WORKSHOP"
BOT_USER = "U0WORKSHOPBOT"
SLACKBOT = "USLACKBOT"

ChannelKind = Literal["channel", "group", "im", "mpim"]


@dataclass(slots=True)
class Member:
    """A person's or a bot's account."""

    id: str
    name: str  # the handle, without @
    real_name: str
    tz: str = "Etc/UTC"
    locale: str = "en-US"
    role: str = "participant"
    bot_id: str | None = None
    restricted: bool = False
    deleted: bool = False
    admin: bool = False

    @property
    def email(self) -> str:
        """An address that reaches nobody: the domain is reserved for examples."""
        return f"{self.name}@example.org" if self.bot_id is None and self.id != SLACKBOT else ""

    def as_dict(self, now: datetime, *, locale: bool = False, email: bool = True) -> Json:
        first, _, last = self.real_name.partition(" ")
        profile: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "first_name": first,
            "last_name": last,
            "title": self.role,
            "phone": "",
            "skype": "",
            "status_text": "",
            "status_emoji": "",
            "status_expiration": 0,
            "avatar_hash": "",
            "fields": None,
            "team": TEAM_ID,
        }
        if email and self.email:
            profile["email"] = self.email
        if self.bot_id:
            profile |= {"bot_id": self.bot_id, "api_app_id": APP_ID if self.bot_id == BOT_ID else "A0OTHER"}
        data: Json = {
            "id": self.id,
            "team_id": TEAM_ID,
            "name": self.name,
            "deleted": self.deleted,
            "profile": profile,
            "is_bot": self.bot_id is not None,
            "is_app_user": False,
            "updated": 1_700_000_000,
        }
        if self.deleted:
            return data
        offset = now.astimezone(ZoneInfo(self.tz)).utcoffset()
        data |= {
            "real_name": self.real_name,
            "color": "4bbe2e",
            "tz": self.tz,
            "tz_label": zone_city(ZoneInfo(self.tz)),
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "is_admin": self.admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.restricted,
            "is_ultra_restricted": False,
            "is_email_confirmed": True,
        }
        if locale:
            data["locale"] = self.locale
        return data


@dataclass(slots=True)
class Message:
    """One message; `ts` is its identity within a channel. With `only_for` it is ephemeral."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    bot_id: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    edited: Json | None = None
    client_msg_id: str | None = None
    only_for: str | None = None
    username: str | None = None
    icon: Json | None = None
    mrkdwn: bool = True
    streaming: bool = False
    files: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    pinned_by: dict[str, float] = field(default_factory=dict)
    state: dict[str, Json] = field(default_factory=dict)  # per person: what they chose in its selects

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class Channel:
    """A public channel, a private one ("group"), or a direct message between two or more members."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str] = field(default_factory=list)
    created: int = 1_700_000_000
    creator: str = SLACKBOT
    topic: Json = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})
    purpose: Json = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)  # in order of `ts`
    bookmarks: dict[str, Json] = field(default_factory=dict)
    last_read: dict[str, str] = field(default_factory=dict)

    @property
    def direct(self) -> bool:
        return self.kind in ("im", "mpim")

    @property
    def event_kind(self) -> str:
        """The bot event that a message here raises: "message.im", "message.channels", …"""
        return {
            "channel": "message.channels",
            "group": "message.groups",
            "im": "message.im",
            "mpim": "message.mpim",
        }[self.kind]

    def other(self, member: str) -> str:
        """The other side of a direct message, from `member`'s side."""
        return next((each for each in self.members if each != member), member)

    def as_dict(self, member: str, *, num_members: bool = False) -> Json:
        data: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "pending_shared": [],
            "shared_team_ids": [TEAM_ID],
            "unlinked": 0,
            "parent_conversation": None,
            "context_team_id": TEAM_ID,
            "updated": self.created * 1000,
        }
        if self.kind == "im":
            data |= {"user": self.other(member), "is_user_deleted": False, "is_open": True, "priority": 0}
            return data
        data |= {
            "name": self.name,
            "name_normalized": self.name,
            "creator": self.creator,
            "is_general": False,
            "is_member": member in self.members,
            "is_shared": False,
            "is_ext_shared": False,
            "topic": dict(self.topic),
            "purpose": dict(self.purpose),
            "previous_names": [],
        }
        if num_members:
            data["num_members"] = len(self.members)
        return data


@dataclass(slots=True)
class View:
    """An open modal or a published Home tab; `values` is what the person has filled in so far."""

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    values: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def external_id(self) -> str:
        return str(self.body.get("external_id") or "")

    def as_dict(self) -> Json:
        body = self.body
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "type": body["type"],
            "blocks": body["blocks"],
            "private_metadata": body.get("private_metadata") or "",
            "callback_id": body.get("callback_id") or "",
            "state": {"values": self.values},
            "hash": self.hash,
            "title": body.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(body.get("clear_on_close")),
            "notify_on_close": bool(body.get("notify_on_close")),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "app_id": APP_ID,
            "external_id": self.external_id,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
        }


@dataclass(frozen=True, slots=True)
class Share:
    """Where a file was shared: the message that shows it."""

    channel: str
    kind: ChannelKind
    ts: str
    thread_ts: str | None = None

    def as_dict(self) -> Json:
        data: Json = {"ts": self.ts, "reply_users": [], "reply_users_count": 0, "reply_count": 0}
        return data | ({"thread_ts": self.thread_ts} if self.thread_ts else {})


@dataclass(slots=True)
class File:
    """An uploaded file; it becomes visible when its upload is completed."""

    id: str
    name: str
    length: int
    user: str
    created: int
    title: str = ""
    content: bytes | None = None
    mimetype: str = "application/octet-stream"
    shares: list[Share] = field(default_factory=list)
    complete: bool = False

    def as_dict(self, url: str) -> Json:
        address = f"{url}/files/{self.id}/{self.name}"
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.filetype,
            "user": self.user,
            "size": len(self.content or b""),
            "mode": "hosted",
            "is_external": False,
            "is_public": bool(self._places("channel")),
            "url_private": address,
            "url_private_download": address,
            "permalink": address,
            "pretty_type": self.filetype.upper(),
            "editable": False,
            "display_as_bot": False,
            "username": "",
            "public_url_shared": False,
            "has_rich_preview": False,
            "file_access": "visible",
            "comments_count": 0,
            "channels": self._places("channel"),
            "groups": self._places("group"),
            "ims": self._places("im", "mpim"),
            "shares": {
                name: {share.channel: [share.as_dict()] for share in self.shares if share.kind in kinds}
                for name, kinds in (("public", ("channel",)), ("private", ("group", "im", "mpim")))
                if any(share.kind in kinds for share in self.shares)
            },
        }

    @property
    def filetype(self) -> str:
        return self.name.rpartition(".")[2].lower() or "binary"

    def _places(self, *kinds: str) -> list[str]:
        return list(dict.fromkeys(share.channel for share in self.shares if share.kind in kinds))


@dataclass(slots=True)
class Scheduled:
    """A message that chat.scheduleMessage will post."""

    id: str
    channel: str
    post_at: int
    created: int
    args: Json


@dataclass(slots=True)
class UserGroup:
    """A user group ("subteam") and its members."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    description: str = ""
    disabled_at: int = 0  # 0 while it is in use

    def as_dict(self, *, users: bool) -> Json:
        data: Json = {
            "id": self.id,
            "team_id": TEAM_ID,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "handle": self.handle,
            "description": self.description,
            "is_external": False,
            "auto_type": None,
            "prefs": {"channels": [], "groups": []},
            "created_by": SLACKBOT,
            "date_create": 1_700_000_000,
            "date_update": 1_700_000_000,
            "date_delete": self.disabled_at,
            "user_count": len(self.users),
        }
        return data | ({"users": list(self.users)} if users else {})
