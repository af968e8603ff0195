"""One person in the workspace, for scripts and tests: the deeds with arguments, and what they see.

The same deeds as `people_api`, without HTTP in between. Raises DeedError for what nobody could do.
"""

from __future__ import annotations

from typing import Any

from bot.rehearsal import seen
from bot.rehearsal.deeds import Deeds
from bot.rehearsal.reach import DeedError
from bot.rehearsal.state import Json


class Person:
    """Somebody who acts and looks. Channels are named by id, "#name", or "bot" for the one with the bot."""

    def __init__(self, deeds: Deeds, reference: str) -> None:
        self._deeds = deeds
        self.account = deeds.actor(reference)

    @property
    def id(self) -> str:
        return self.account.id

    # --- deeds ------------------------------------------------------------------------------------

    async def say(self, channel: str, text: str, *, thread_ts: str | None = None, files: Any = None) -> Json:
        """Send a message; returns it under "message"."""
        wish = {"channel": channel, "text": text, "thread_ts": thread_ts, "files": files}
        return await self._deeds.do("say", self.account, wish)

    async def command(self, text: str, channel: str = "bot") -> Json:
        """Run a slash command, by default in the direct message with the bot."""
        return await self._deeds.do("command", self.account, {"channel": channel, "text": text})

    async def shortcut(self, callback_id: str) -> Json:
        """Use a global shortcut."""
        return await self._deeds.do("shortcut", self.account, {"callback_id": callback_id})

    async def message_shortcut(self, callback_id: str, channel: str, ts: str) -> Json:
        """Use a message shortcut."""
        wish = {"callback_id": callback_id, "channel": channel, "ts": ts}
        return await self._deeds.do("message_shortcut", self.account, wish)

    async def click(self, action_id: str, **where: Any) -> Json:
        """Use an element: `channel` and `ts`, or `view_id`; `value` for a choice, `block_id` if needed."""
        return await self._deeds.do("click", self.account, {"action_id": action_id, **where})

    async def submit(self, values: Json, view_id: str | None = None) -> Json:
        """Submit a modal, by default the topmost."""
        return await self._deeds.do(
            "submit", self.account, {"view_id": view_id or self._top(), "values": values}
        )

    async def close_view(self, view_id: str | None = None, *, all_: bool = False) -> Json:
        """Close a modal, by default the topmost; with `all_` the whole stack."""
        return await self._deeds.do(
            "close_view", self.account, {"view_id": view_id or self._top(), "all": all_}
        )

    async def react(self, channel: str, ts: str, name: str) -> Json:
        return await self._deeds.do("react", self.account, {"channel": channel, "ts": ts, "name": name})

    async def unreact(self, channel: str, ts: str, name: str) -> Json:
        return await self._deeds.do("unreact", self.account, {"channel": channel, "ts": ts, "name": name})

    async def open_home(self) -> Json:
        """Open the app's Home tab."""
        return await self._deeds.do("home", self.account, {})

    async def join(self, channel: str) -> Json:
        return await self._deeds.do("join", self.account, {"channel": channel})

    async def leave(self, channel: str) -> Json:
        return await self._deeds.do("leave", self.account, {"channel": channel})

    async def forge(self, payload: Json, kind: str = "interactive") -> Json:
        """Send the app a payload nobody could send in Slack."""
        return await self._deeds.do("forge", self.account, {"payload": payload, "kind": kind})

    # --- what they see ----------------------------------------------------------------------------

    def channels(self) -> list[Json]:
        return seen.channels(self._deeds.workspace, self.account)

    def messages(self, channel: str = "bot", *, after: str = "") -> list[Json]:
        """The channel's messages, oldest first, their own ephemerals among them; no thread replies."""
        found = self._deeds.own_channel(self.account, {"channel": channel})
        return seen.messages(self._deeds.workspace, self.account, found, after=after)

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A message and the replies to it."""
        found, parent = self._deeds.seen_message(self.account, {"channel": channel, "ts": ts})
        return seen.thread(self._deeds.workspace, self.account, found, parent)

    def views(self) -> list[Json]:
        """Open modals, the topmost last."""
        return seen.views(self._deeds.workspace, self.account)

    def home(self) -> Json | None:
        """The Home tab, when the app has published one."""
        view = self._deeds.workspace.homes.get(self.id)
        return view.as_dict() if view else None

    async def sees(
        self, needle: str, channel: str = "bot", *, after: str = "", seconds: float = 10.0
    ) -> Json:
        """Wait for a message later than `after`, in the channel or a thread of it, that holds `needle`.

        The needle is looked for in the text and in the blocks. Raises TimeoutError when none came.
        """
        workspace = self._deeds.workspace
        where = self._deeds.own_channel(self.account, {"channel": channel})
        found: list[Json] = []

        def look() -> bool:
            everything = [m for m in seen.visible(where, self.account) if m.ts > after]
            found[:] = [seen.shape(workspace, m) for m in everything if needle in seen.words(m)]
            return bool(found)

        if not await workspace.wait_for(look, seconds):
            raise TimeoutError(f"{self.account.name} saw nothing with {needle!r} in {channel}")
        return found[0]

    def _top(self) -> str:
        stack = self._deeds.workspace.modals.get(self.id)
        if not stack:
            raise DeedError("view_not_found", f"{self.account.name} has no modal open")
        return stack[-1].id
