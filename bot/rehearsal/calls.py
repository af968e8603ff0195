"""One Web API call: its arguments, read the way Slack reads them, and the errors it may end in."""

from __future__ import annotations

import base64
import binascii
import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.rehearsal import avatars
from bot.rehearsal.state import BOT_USER, Channel, Json, Member, Message
from bot.rehearsal.views import Views
from bot.rehearsal.workspace import Workspace

T = TypeVar("T")


class ApiError(Exception):
    """A call fails with one of Slack's error names; `extra` goes into the answer beside it."""

    def __init__(self, error: str, **extra: Any) -> None:
        self.error = error
        self.extra = extra
        super().__init__(error)


def missing(*names: str) -> ApiError:
    """What Slack answers when arguments are not given at all."""
    messages = [f"[ERROR] missing required field: {name}" for name in names]
    return ApiError("invalid_arguments", response_metadata={"messages": messages})


def is_ts(text: str) -> bool:
    """Whether a text has the form of a message's timestamp."""
    return re.fullmatch(r"\d{1,12}\.\d{1,9}", text) is not None


@dataclass(frozen=True, slots=True)
class Options:
    """How this workspace behaves where Slack's behaviour depends on the app or its plan."""

    page_cap: int = 999
    default_page: int = 100
    scopes: frozenset[str] | None = None  # None: every scope is granted
    home_enabled: bool = True
    messages_enabled: bool = True
    scheduled_metadata_bug: bool = True  # a scheduled message with metadata never posts


@dataclass(slots=True)
class Call:
    """A call's arguments and what it works on."""

    workspace: Workspace
    views: Views
    options: Options
    origin: str  # of this server, for the absolute addresses it hands out
    args: Json
    warnings: list[str] = field(default_factory=list)

    # --- arguments --------------------------------------------------------------------------------

    def text(self, name: str, default: str = "") -> str:
        """An argument as text; "" when it was not given."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        """An argument that must not be empty; one that is ends in `error`, in Slack's words."""
        value = self.text(name)
        if value:
            return value
        if error == "invalid_arguments":
            raise missing(name)
        raise ApiError(error)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean: true, "1", "true", … and their opposites."""
        value = self.args.get(name)
        if value is None or value == "":
            return default
        return str(value).lower() in ("1", "true", "yes", "t")

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        try:
            return int(value) if value else default
        except ValueError:
            words = f"[ERROR] must be an integer [json-pointer:/{name}]"
            raise ApiError("invalid_arguments", response_metadata={"messages": [words]}) from None

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """An argument that is an object or list, or the JSON text of one; None when not given."""
        value = self.args.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None

    def ids(self, name: str) -> list[str]:
        """A list, or ids joined by commas."""
        value = self.args.get(name)
        if isinstance(value, list):
            return [str(each) for each in value]
        return [each.strip() for each in str(value or "").split(",") if each.strip()]

    # --- finding ----------------------------------------------------------------------------------

    def channel(self, name: str = "channel") -> Channel:
        """The conversation an argument means, when the bot may know of it."""
        reference = self.need(name, "channel_not_found")
        found = self.workspace.channels.get(reference)
        if found is None or (found.kind != "channel" and BOT_USER not in found.members):
            raise ApiError("channel_not_found")
        return found

    def joined(self, name: str = "channel") -> Channel:
        """The conversation an argument means, when the bot is in it."""
        found = self.channel(name)
        if BOT_USER not in found.members:
            raise ApiError("not_in_channel")
        return found

    def message(self, channel: Channel, name: str = "ts", error: str = "message_not_found") -> Message:
        found = channel.messages.get(self.need(name, error))
        if found is None or found.only_for is not None:
            raise ApiError(error)
        return found

    def user(self, name: str = "user") -> Member:
        found = self.workspace.members.get(self.need(name, "user_not_found"))
        if found is None:
            raise ApiError("user_not_found")
        return found

    def shown(self, member: Member, *, locale: bool = False) -> Json:
        """An account as the app may see it: with its address only by the scope for that."""
        scopes = self.options.scopes
        email = scopes is None or "users:read.email" in scopes
        shown = member.as_dict(self.workspace.now(), locale=locale, email=email)
        shown["profile"] |= avatars.addresses(self.origin, member.id)
        return shown

    # --- paging -----------------------------------------------------------------------------------

    def page(
        self,
        everything: list[T],
        name: str,
        key: Callable[[T], str],
        *,
        default: int | None = None,
        lenient: bool = False,
        reached: Callable[[str, str], bool] = operator.eq,
    ) -> tuple[list[T], str]:
        """The page that `cursor` and `limit` ask for, and the next cursor ("" at the end).

        A cursor holds the `key` of the next page's first item, as Slack's do, so that what is added meanwhile
        moves nothing. `reached(key, wanted)` finds that item, or what stands where it was. A limit above 1000
        is an error, unless `lenient`.
        """
        asked = self.number("limit", default or self.options.default_page)
        if asked < 0 or (asked > 1000 and not lenient):
            raise ApiError("invalid_limit")
        limit = min(asked or self.options.default_page, self.options.page_cap)
        start, wanted = 0, _decoded(self.text("cursor"), name)
        if wanted:
            start = next((i for i, item in enumerate(everything) if reached(key(item), wanted)), -1)
            if start < 0:
                raise ApiError("invalid_cursor")
        following = everything[start + limit : start + limit + 1]
        cursor = _encoded(name, key(following[0])) if following else ""
        return everything[start : start + limit], cursor


def _encoded(name: str, key: str) -> str:
    return base64.b64encode(f"{name}:{key}".encode()).decode()


def _decoded(cursor: str, name: str) -> str:
    if not cursor:
        return ""
    try:
        found, _, key = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        found, key = "", ""
    if found != name or not key:
        raise ApiError("invalid_cursor")
    return key
