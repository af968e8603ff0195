"""Modals and Home tabs: opening, pushing, updating, publishing, and what an app's answer does to them.

A modal stack holds three views at most. Every change of a view gives it a new `hash`
(reference: "Modals", views.open, views.update, views.publish).
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from bot.rehearsal import blockkit, inputs
from bot.rehearsal.state import Json, View
from bot.rehearsal.workspace import Workspace

DEEPEST = 3
REMEMBERED_SECONDS = 3600.0  # how long an expired trigger is told from one that never was
TRIGGER_SECONDS = 3.0  # wall time, like the acknowledgement deadline it goes with


class ViewError(Exception):
    """A view cannot be shown: Slack's error name and what is wrong with the blocks."""

    def __init__(self, error: str, messages: list[str] | None = None) -> None:
        self.error = error
        self.messages = messages or []
        super().__init__(error)


@dataclass(slots=True)
class _Trigger:
    user: str
    channel: str  # where the interaction happened; "" for nowhere
    until: float
    used: bool = False


class Views:
    """Who has which views open, and the triggers that let the app open more."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._triggers: dict[str, _Trigger] = {}

    def trigger(self, user: str, channel: str = "") -> str:
        """A new trigger id for an interaction of `user` in `channel`."""
        now = time.monotonic()
        while self._triggers and next(iter(self._triggers.values())).until <= now - REMEMBERED_SECONDS:
            del self._triggers[next(iter(self._triggers))]  # the oldest stand first
        trigger_id = f"{int(self._workspace.now().timestamp())}.{len(self._triggers)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = _Trigger(user, channel, now + TRIGGER_SECONDS)
        return trigger_id

    def redeem(self, trigger_id: str) -> tuple[str, str]:
        """Use a trigger up; returns the person it belongs to and the channel they are in, or ""."""
        held = self._triggers.get(trigger_id)
        if held is None:
            raise ViewError("invalid_trigger_id")
        if held.used:
            raise ViewError("exchanged_trigger_id")
        if time.monotonic() > held.until:
            raise ViewError("expired_trigger_id")
        held.used = True
        return held.user, held.channel

    def open(self, user: str, body: Any, *, channel: str = "") -> View:
        """Show a modal to `user`, in place of whatever they had open.

        `channel` is what its conversation selects start with, where they ask for the current one.
        """
        view = self._new(user, body, "modal", channel)
        self._workspace.modals[user] = [view]
        self._workspace.changed()
        return view

    def push(self, user: str, body: Any, *, channel: str = "") -> View:
        """Lay a modal on top of those `user` has open."""
        stack = self._workspace.modals.get(user, [])
        if not stack:
            raise ViewError("not_found")
        if len(stack) >= DEEPEST:
            raise ViewError("push_limit_reached")
        view = self._new(user, body, "modal", channel)
        view.root, view.previous = stack[0].id, stack[-1].id
        stack.append(view)
        self._workspace.changed()
        return view

    def update(self, view: View, body: Any, *, expected_hash: str = "") -> View:
        """Replace what `view` shows; inputs that stay (same block and action id) keep what was typed."""
        if expected_hash and expected_hash != view.hash:
            raise ViewError("hash_conflict")
        view.body = self._checked(view.user, body, str(view.body["type"]), replacing=view)
        view.values = inputs.values(view.body["blocks"], view.values)
        view.hash, view.errors = self._hash(), {}
        self._workspace.changed()
        return view

    def publish(self, user: str, body: Any, *, expected_hash: str = "") -> View:
        """Set the Home tab of one person."""
        held = self._workspace.homes.get(user)
        if held is not None:
            return self.update(held, body, expected_hash=expected_hash)
        if expected_hash:
            raise ViewError("hash_conflict")
        view = self._new(user, body, "home")
        self._workspace.homes[user] = view
        self._workspace.changed()
        return view

    def find(self, *, view_id: str = "", external_id: str = "") -> View | None:
        """An open modal or a Home tab by either id."""
        everything = [view for stack in self._workspace.modals.values() for view in stack]
        for view in [*everything, *self._workspace.homes.values()]:
            if (view_id and view.id == view_id) or (external_id and view.external_id == external_id):
                return view
        return None

    def close(self, view: View, *, all_: bool) -> list[View]:
        """Take a view (or its whole stack) away; returns those that were taken, topmost first."""
        stack = self._workspace.modals.get(view.user, [])
        if view not in stack:
            return []
        start = 0 if all_ else stack.index(view)
        gone = stack[start:]
        del stack[start:]
        self._workspace.changed()
        return gone[::-1]

    def answered(self, view: View, body: Json | None) -> str | None:
        """Carry out the app's answer to a submission; returns what Slack would complain about."""
        action = (body or {}).get("response_action")
        try:
            if action == "errors":
                return self._show_errors(view, (body or {}).get("errors"))
            if action == "update":
                self.update(view, (body or {}).get("view"))
            elif action == "push":
                self.push(view.user, (body or {}).get("view"))
            elif action == "clear":
                self.close(view, all_=True)
            elif body:
                return "the answer to a submission must be empty or hold a known response_action"
            else:
                self.close(view, all_=False)
        except ViewError as error:
            return "; ".join([error.error, *error.messages])
        return None

    def _show_errors(self, view: View, errors: Any) -> str | None:
        known = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors:
            return "errors must be an object with at least one entry"
        unknown = sorted(set(errors) - known)
        if unknown:
            return f"errors name blocks that are no input blocks: {', '.join(unknown)}"
        view.errors = {key: str(words) for key, words in errors.items()}
        self._workspace.changed()
        return None

    def _new(self, user: str, body: Any, kind: str, channel: str = "") -> View:
        checked = self._checked(user, body, kind)
        for _, element in inputs.stateful(checked["blocks"]):
            inputs.set_current(element, channel)
        id_ = self._workspace.mint("V")
        view = View(id=id_, user=user, body=checked, hash=self._hash(), root=id_)
        view.values = inputs.values(checked["blocks"], {})
        return view

    def _checked(self, user: str, body: Any, kind: str, replacing: View | None = None) -> Json:
        if isinstance(body, dict) and body.get("type") not in (kind, None):
            raise ViewError("invalid_arguments", [f"[ERROR] must be a {kind} view [json-pointer:/view/type]"])
        if isinstance(body, dict) and blockkit.view_too_large(body):
            raise ViewError("view_too_large")
        messages = blockkit.check_view(body)
        if messages:
            raise ViewError("invalid_arguments", messages)
        same = self.find(external_id=str(body.get("external_id") or ""))
        if same is not None and same is not replacing:
            raise ViewError("duplicate_external_id")
        return {**body, "blocks": self._workspace.with_ids(body["blocks"])}

    def _hash(self) -> str:
        return f"{int(self._workspace.now().timestamp())}.{secrets.token_hex(4)}"
