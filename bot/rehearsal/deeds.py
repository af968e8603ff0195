"""What people do in the workspace: say, run a command, click, fill in, react. One function a deed.

A deed changes the workspace as Slack's client would and, where Slack tells the app and waits three
seconds, waits for the acknowledgement and reports what the person then sees.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.rehearsal import attachments, composer, inputs, payloads, transcript, uploads
from bot.rehearsal.envelopes import Dispatcher, Kind, Outcome
from bot.rehearsal.reach import DeedError, Manifest, Reach
from bot.rehearsal.response_urls import ResponseUrls
from bot.rehearsal.state import BOT_USER, SLACKBOT, Channel, Json, Member, Message, View
from bot.rehearsal.views import Views
from bot.rehearsal.workspace import Workspace

DEEDS = (
    "say",
    "edit",
    "delete",
    "command",
    "shortcut",
    "message_shortcut",
    "click",
    "suggest",
    "submit",
    "close_view",
    "react",
    "unreact",
    "home",
    "join",
    "leave",
    "read",
    "forge",
)


class Deeds(Reach):
    """The deeds, for one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        dispatcher: Dispatcher,
        response_urls: ResponseUrls,
        manifest: Manifest,
    ) -> None:
        super().__init__(workspace, views, manifest)
        self.dispatcher = dispatcher
        self.response_urls = response_urls
        self.done: list[Json] = []  # for the transcript

    async def do(self, name: str, user: Member, wish: Json) -> Json:
        """Do one of DEEDS and keep it for the transcript; raises DeedError for what nobody could do."""
        if name not in DEEDS:
            raise DeedError("unknown_deed", f"use one of {', '.join(DEEDS)}")
        kept = {key: value for key, value in wish.items() if value is not None}
        named = transcript.describe(self.workspace, user, self._named(user, wish), kept)
        entry = {"at": self.workspace.now().isoformat(), "who": user.name, "does": name, "wish": named}
        if name not in transcript.UNKEPT:
            self.done.append(entry)
        deed: Callable[[Member, Json], Awaitable[Json]] = getattr(self, name)
        try:
            return await deed(user, wish)
        except DeedError:
            self._forget(entry)
            raise

    def _forget(self, entry: Json) -> None:
        for at in reversed(range(len(self.done))):  # it is one of the last
            if self.done[at] is entry:
                del self.done[at]
                return

    async def do_again(self, kept: Json) -> Json:
        """Do what a transcript kept; raises DeedError, or Lost for what is not there this time."""
        user, wish = self.actor(kept["who"]), kept["wish"]
        found = transcript.resolve(self.workspace, user, self._named(user, wish), wish)
        return await self.do(kept["does"], user, found)

    def _named(self, user: Member, wish: Json) -> Channel | None:
        """The channel that a wish names, if it names one."""
        try:
            return self._channel(wish, user)
        except DeedError:
            return None

    # --- talking ----------------------------------------------------------------------------------

    async def say(self, user: Member, wish: Json) -> Json:
        """Send a message: {channel, text, thread_ts?, files?: [{name, text | base64}]}."""
        channel = self.own_channel(user, wish)
        thread_ts = str(wish.get("thread_ts") or "") or None
        if thread_ts and thread_ts not in channel.messages:
            raise DeedError("thread_not_found", f"there is no message {thread_ts} in that channel")
        files = [uploads.bring(self.workspace, user, each).id for each in wish.get("files") or []]
        text = str(wish.get("text") or "")
        if not text.strip() and not files:
            raise DeedError("no_text", "there is nothing to send")
        message = self.workspace.say(user.id, channel, text, thread_ts=thread_ts, files=files)
        return {
            "ok": True,
            "channel": channel.id,
            "ts": message.ts,
            "message": self.workspace.message_dict(message),
        }

    async def edit(self, user: Member, wish: Json) -> Json:
        """Change one's own message: {channel, ts, text}."""
        message = self._own_message(user, wish)
        typed = str(wish.get("text") or "")
        text = composer.typed(typed, self.workspace.members.values(), self.workspace.channels.values())

        def change() -> None:
            message.text, message.blocks = text, self.workspace.with_ids(composer.rich_text(text))

        self.workspace.edit(message, change, flag=True, editor=user.id)
        return {"ok": True}

    async def delete(self, user: Member, wish: Json) -> Json:
        """Remove one's own message: {channel, ts}."""
        self.workspace.remove(self._own_message(user, wish))
        return {"ok": True}

    async def react(self, user: Member, wish: Json) -> Json:
        """Add a reaction: {channel, ts, name}."""
        return self._react(user, wish, add=True)

    async def unreact(self, user: Member, wish: Json) -> Json:
        """Take a reaction back: {channel, ts, name}."""
        return self._react(user, wish, add=False)

    async def join(self, user: Member, wish: Json) -> Json:
        """Join a public channel: {channel}."""
        channel = self._channel(wish, user)
        if channel.kind != "channel":
            raise DeedError("method_not_supported_for_channel_type", "only public channels can be joined")
        return {"ok": True, "changed": self.workspace.join(user.id, channel)}

    async def leave(self, user: Member, wish: Json) -> Json:
        """Leave a channel: {channel}."""
        return {"ok": True, "changed": self.workspace.leave(user.id, self._channel(wish, user))}

    async def read(self, user: Member, wish: Json) -> Json:
        """Mark as read: {channel}, or with {thread_ts} one thread of it."""
        channel, thread = self._channel(wish, user), str(wish.get("thread_ts") or "")
        last = max(channel.messages, default="")
        key = f"{user.id}/{thread}" if thread else user.id
        if channel.last_read.get(key, "") != last:
            channel.last_read[key] = last
            self.workspace.changed()
        return {"ok": True}

    async def home(self, user: Member, wish: Json) -> Json:
        """Open the app's Home tab, or with {tab: "messages"} its messages."""
        tab = "messages" if wish.get("tab") == "messages" else "home"
        channel = self.workspace.direct(BOT_USER, user.id)
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
        view = self.workspace.homes.get(user.id)
        if view is not None and tab == "home":
            event["view"] = view.as_dict()
        self.workspace.emit("app_home_opened", event | {"event_ts": self.workspace.next_ts()})
        return {"ok": True, "view": view.as_dict() if view else None}

    # --- asking the app, with its three seconds ---------------------------------------------------

    async def command(self, user: Member, wish: Json) -> Json:
        """Run a slash command: {channel, text: "/name words"}."""
        channel = self.own_channel(user, wish)
        name, _, rest = str(wish.get("text") or "").strip().partition(" ")
        known = self.manifest.commands
        if not name.startswith("/") or (known is not None and name not in known):
            raise DeedError("unknown_command", f"{name or 'that'} is not a valid command")
        escapes = known is None or bool(known[name].get("should_escape"))
        text = composer.command_text(
            rest.strip(),
            self.workspace.members.values(),
            self.workspace.channels.values(),
            should_escape=escapes,
        )
        payload = payloads.command(self, user, channel, name, text)
        outcome = await self.dispatcher.ask("slash_commands", payload, accepts_response=True)
        if outcome.acknowledged and outcome.body:
            self.response_urls.answer(user.id, channel.id, outcome.body)
        if not outcome.acknowledged:
            self._whisper(user, channel, f"{name} failed because the app did not respond.")
        return self._report(user, outcome)

    async def shortcut(self, user: Member, wish: Json) -> Json:
        """Use a global shortcut: {callback_id}."""
        callback_id = self._shortcut(wish, "global")
        outcome = await self._interact(payloads.shortcut(self, user, callback_id))
        return self._report(user, outcome)

    async def message_shortcut(self, user: Member, wish: Json) -> Json:
        """Use a message shortcut: {callback_id, channel, ts}."""
        callback_id = self._shortcut(wish, "message")
        channel, message = self.seen_message(user, wish)
        outcome = await self._interact(payloads.message_action(self, user, callback_id, channel, message))
        return self._report(user, outcome)

    async def click(self, user: Member, wish: Json) -> Json:
        """Use an element: {channel, ts | view_id, action_id, block_id?, value?, values?, attachment?}."""
        if wish.get("view_id"):
            view = self._view(user, wish)
            self._fill(view, wish.get("values"))
            block, element = self._element(view.body["blocks"], wish)
            action = self._action(block, element, wish, view.values)
            payload = payloads.view_action(self, user, view, action)
        else:
            channel, message = self.seen_message(user, wish)
            old = attachments.chosen(message.attachments, wish)
            if old is not None:
                return await self._press(user, channel, message, *old)
            block, element, attachment = self._in_message(message, wish)
            state = message.state.setdefault(user.id, {})
            action = self._action(block, element, wish, state)
            payload = payloads.message_block_action(self, user, channel, message, action, attachment)
        self.workspace.changed()
        return self._report(user, await self._interact(payload))

    async def suggest(self, user: Member, wish: Json) -> Json:
        """Type into an external select: {channel, ts | view_id, action_id, block_id?, query}."""
        if wish.get("view_id"):
            view = self._view(user, wish)
            block, element = self._element(view.body["blocks"], wish)
            payload = payloads.suggestion(self, user, block, element, str(wish.get("query") or ""), view=view)
        else:
            channel, message = self.seen_message(user, wish)
            block, element, _ = self._in_message(message, wish)
            query = str(wish.get("query") or "")
            payload = payloads.suggestion(self, user, block, element, query, channel=channel, message=message)
        outcome = await self._interact(payload, accepts_response=True)
        body = outcome.body or {}
        groups = [option for group in body.get("option_groups") or [] for option in group.get("options", [])]
        return self._report(user, outcome) | {"options": [*(body.get("options") or []), *groups]}

    async def submit(self, user: Member, wish: Json) -> Json:
        """Submit a modal: {view_id, values: {block_id or action_id: value}}."""
        view = self._view(user, wish)
        stack = self.workspace.modals.get(user.id, [])
        if not stack or stack[-1] is not view:
            raise DeedError("not_on_top", "another modal lies over that one")
        self._fill(view, wish.get("values"))
        view.errors = inputs.problems(view.body["blocks"], view.values)
        self.workspace.changed()
        if view.errors:
            return {
                "ok": True,
                "acknowledged": False,
                "sent": False,
                "errors": view.errors,
                "view": view.as_dict(),
            }
        outcome = await self._interact(payloads.submission(self, user, view), accepts_response=True)
        complaint = self.views.answered(view, outcome.body) if outcome.acknowledged else None
        report = self._report(user, outcome, failure="We had some trouble connecting. Try again?")
        if complaint:
            report |= {"failure": "We had some trouble connecting. Try again?", "complaint": complaint}
        return report | {"sent": True, "errors": view.errors}

    async def close_view(self, user: Member, wish: Json) -> Json:
        """Close a modal: {view_id, all?}. `all` closes the whole stack, as the × does."""
        view = self._view(user, wish)
        everything = bool(wish.get("all") or view.body.get("clear_on_close"))
        report: Json = {"ok": True, "acknowledged": True, "closed": []}
        for gone in self.views.close(view, all_=everything):
            report["closed"].append(gone.id)
            if gone.body.get("notify_on_close"):
                outcome = await self._interact(payloads.closed(self, user, gone, cleared=everything))
                report["acknowledged"] = report["acknowledged"] and outcome.acknowledged
        return report | {"view": self._top(user)}

    async def forge(self, user: Member, wish: Json) -> Json:
        """Send the app a payload of one's own making: {payload, kind?}. Nobody can do this in Slack."""
        given = wish.get("payload")
        kind = str(wish.get("kind") or "interactive")
        if not isinstance(given, dict) or kind not in ("interactive", "slash_commands", "events_api"):
            raise DeedError("invalid_payload", "payload must be an object, kind one of the envelope types")
        if kind == "events_api":
            self.dispatcher.event(given)
            return {"ok": True}
        base = payloads.common(self, user) if kind == "interactive" else {}
        chosen: Kind = "interactive" if kind == "interactive" else "slash_commands"
        outcome = await self.dispatcher.ask(chosen, {**base, **given}, accepts_response=True)
        return self._report(user, outcome)

    # --- doing ------------------------------------------------------------------------------------

    async def _press(
        self, user: Member, channel: Channel, message: Message, attachment: Json, action: Json
    ) -> Json:
        """Press a button or use a menu of an attachment's `actions`; the answer may replace the message."""
        payload = payloads.interactive_message(self, user, channel, message, attachment, action)
        outcome = await self._interact(payload, accepts_response=True)
        if outcome.acknowledged and outcome.body:
            self.response_urls.press(payload["response_url"], outcome.body)
        return self._report(user, outcome)

    def _action(self, block: Json, element: Json, wish: Json, state: Json) -> Json:
        """The entry of `actions`; what was chosen is kept in `state`."""
        kind = element["type"]
        action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
        if kind in ("button", "workflow_button", "icon_button", "feedback_buttons"):
            kept = ("text", "value", "style", "url")
            return action | {key: element[key] for key in kept if key in element}
        try:
            chosen = inputs.entry(element, wish.get("value"))
        except ValueError as error:
            raise DeedError("no_such_choice", str(error)) from None
        if kind not in inputs.STATELESS:
            state.setdefault(block["block_id"], {})[element["action_id"]] = chosen
        return action | chosen

    def _fill(self, view: View, values: Any) -> None:
        """Put values into a view's inputs, by block id, by action id, or by the one inside the other."""
        given = dict(values) if isinstance(values, dict) else {}
        used: set[str] = set()
        for block_id, element in inputs.stateful(view.body["blocks"]):
            action_id, inner = str(element["action_id"]), given.get(block_id)
            if isinstance(inner, dict) and action_id in inner:
                key, value = block_id, inner[action_id]
            elif block_id in given:
                key, value = block_id, inner
            elif action_id in given:
                key, value = action_id, given[action_id]
            else:
                continue
            used.add(key)
            if element["type"] == "file_input":
                value = [self._brought(view, each) for each in value or []]
            try:
                view.values.setdefault(block_id, {})[action_id] = inputs.entry(element, value)
            except ValueError as error:
                raise DeedError("no_such_choice", str(error)) from None
        unknown = [key for key in given if key not in used]
        if unknown:
            raise DeedError("no_such_input", f"the view has no input {', '.join(map(repr, unknown))}")

    def _brought(self, view: View, given: Any) -> Json:
        """What a file input holds of one file."""
        user = self.workspace.members[view.user]
        return uploads.bring(self.workspace, user, given).as_dict(self.workspace.url)

    def _react(self, user: Member, wish: Json, *, add: bool) -> Json:
        message = self.seen_message(user, wish)[1]
        name = str(wish.get("name") or "").strip(":")
        if not name or message.only_for:
            raise DeedError("invalid_name", "name an emoji, on a message that all can see")
        return {"ok": True, "changed": self.workspace.react(user.id, message, name, add=add)}

    def _whisper(self, user: Member, channel: Channel, text: str) -> None:
        ts = self.workspace.next_ts()
        self.workspace.post(Message(ts=ts, channel=channel.id, user=SLACKBOT, text=text, only_for=user.id))

    async def _interact(self, payload: Json, *, accepts_response: bool = False) -> Outcome:
        return await self.dispatcher.ask("interactive", payload, accepts_response=accepts_response)

    def _top(self, user: Member) -> Json | None:
        stack = self.workspace.modals.get(user.id)
        return stack[-1].as_dict() if stack else None

    def _report(self, user: Member, outcome: Outcome, *, failure: str = "This app did not respond.") -> Json:
        return {
            "ok": True,
            "acknowledged": outcome.acknowledged,
            "status": outcome.status,
            "response": outcome.body,
            "failure": None if outcome.acknowledged else failure,
            "reason": outcome.reason or None,
            "view": self._top(user),
        }
