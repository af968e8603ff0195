"""What Slack knows of people, roles and channels: looked up, kept for a while, failing closed.

Roles are asked for at every deed. They come from here within `ROLES_KEPT` seconds; when Slack cannot be
asked and nothing fresh is kept, nobody but those named by id in config.toml holds a role.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.config import Config
from bot.people import Profile, Roles
from handlers.slack_faults import UNREACHABLE, reason

log = logging.getLogger(__name__)

ROLES_KEPT = timedelta(seconds=60)
ROLES_AT_MOST = timedelta(minutes=15)  # how long the last good answer stands while Slack cannot be asked


class Directory:
    """Look-ups in one Slack workspace; `resolve` must have run before channels are asked for."""

    def __init__(
        self, config: Config, clock: Clock, client: AsyncWebClient, *, me: str | None = None
    ) -> None:
        self.me = me  # the bot's own user id: it is in the channels, and holds no role
        self.config = config
        self.clock = clock
        self.client = client
        self.places: dict[str, str] = {}  # config key of a channel → its id
        self._channel_ids: dict[str, str] = {}  # "#name" → id
        self._roles: Roles | None = None
        self._roles_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def resolve(self) -> list[str]:
        """Find the ids of all channels in config.toml; returns the ones that were not found."""
        wanted = dict(self.config.channels)
        if any(name.startswith("#") for name in [*wanted.values(), *self._role_entries()]):
            async for page in await self.client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=200
            ):
                for channel in page["channels"]:
                    self._channel_ids["#" + channel["name"]] = channel["id"]
        missing = []
        for key, name in wanted.items():
            channel_id = name if not name.startswith("#") else self._channel_ids.get(name)
            if channel_id is None:
                missing.append(name)
            else:
                self.places[key] = channel_id
        return missing

    async def outside(self) -> list[str]:
        """The config keys of channels that the bot is not in: it can read them, and not post there."""
        found = []
        for key, channel in self.places.items():
            channel_info = (await self.client.conversations_info(channel=channel))["channel"]
            if not channel_info.get("is_member"):
                found.append(key)
        return found

    async def roles(self) -> Roles:
        """Who moderates and who organises, no older than `ROLES_KEPT` while Slack answers."""
        async with self._asking:
            now = self.clock.now()
            if self._roles and self._roles_at and timedelta() <= now - self._roles_at < ROLES_KEPT:
                return self._roles
            try:
                self._roles = Roles(
                    moderators=await self._members(self.config.roles.moderators),
                    organisers=await self._members(self.config.roles.organisers),
                )
                self._roles_at = now
            except UNREACHABLE as error:
                log.warning("roles could not be refreshed: %s", reason(error))
                stale = self._roles_at is None or not timedelta() <= now - self._roles_at < ROLES_AT_MOST
                if self._roles is None or stale:
                    return Roles(
                        moderators=frozenset(_user_ids(self.config.roles.moderators)),
                        organisers=frozenset(_user_ids(self.config.roles.organisers)),
                    )
            return self._roles

    def forget_roles(self) -> None:
        """Ask Slack again at the next deed, for example because somebody joined or left a channel."""
        self._roles_at = None

    async def members(self, entry: str) -> set[str]:
        """Who one entry of `roles` in config.toml means. Raises LookupError for a channel not found."""
        if entry.startswith("#") and entry not in self._channel_ids:
            raise LookupError(entry)
        return set(await self._members([entry]))

    async def profile(self, slack_id: str) -> Profile | None:
        """What Slack says of a person; None when it does not answer."""
        try:
            user = (await self.client.users_info(user=slack_id, include_locale=True))["user"]
        except UNREACHABLE as error:
            log.warning("a profile could not be read: %s", reason(error))
            return None
        profile = user.get("profile") or {}
        return Profile(
            name=profile.get("display_name") or user.get("real_name") or user.get("name"),
            tz=user.get("tz"),
            locale=user.get("locale"),
            is_bot=bool(user.get("is_bot")),
        )

    def _role_entries(self) -> list[str]:
        return [*self.config.roles.moderators, *self.config.roles.organisers]

    async def _members(self, entries: Iterable[str]) -> frozenset[str]:
        found = set(_user_ids(entries))
        for entry in entries:
            if entry.startswith("S"):
                found.update((await self.client.usergroups_users_list(usergroup=entry))["users"])
            elif entry.startswith(("#", "C", "G")):
                channel = self._channel_ids.get(entry) if entry.startswith("#") else entry
                if channel is None:
                    log.warning("a role names a channel that was not found: %s", entry)
                    continue
                async for page in await self.client.conversations_members(channel=channel, limit=200):
                    found.update(page["members"])
        return frozenset(found - {self.me})


def _user_ids(entries: Iterable[str]) -> list[str]:
    return [entry for entry in entries if re.fullmatch(r"[UW][A-Z0-9]+", entry)]
