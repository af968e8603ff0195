"""What a bench hears of all that the bot says to the workspace: each message, edit and view, and when."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.rehearsal.calls import Call
from bot.rehearsal.envelopes import Delivery, Outcome
from bot.rehearsal.methods import METHODS
from bot.rehearsal.server import LocalWorkspace

CARD = re.compile(r"Question (\d+) (?!for the panel)")
POST = re.compile(r"Question (\d+) for the panel: ")
RECEIPT = re.compile(r"Your question (\d+) ")
DIGEST = re.compile(r"\d+ questions? waits? for review: (?:the newest is )?question (\d+)")
FAILED = "That did not work"
# What somebody is told whose vote does not count (templates/errors); others name a question too.
REFUSED = re.compile(
    r"(?:Voting on question|There is no question|^Question) (\d+) (?:is closed|here|is your own)"
)
NAMED = re.compile(r"(?:U0LOAD|[Ll]oad[- ])(\d{6})")
BUTTON = re.compile(r'"action_id": "([^"]+)"')
LOOKS_APART = 0.25  # wall seconds
POSTED, EDITED = "chat.postMessage", "chat.update"
SAYS = frozenset({POSTED, EDITED, "views.open", "views.update", "views.push", "views.publish"})


Handler = Callable[[Call], Awaitable[dict[str, Any]]]


class Overheard:
    """Listens to the workspace's Web API and to its log."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        self.workspace = workspace
        self.said: list[tuple[str, str, str]] = []  # (method, channel or user, every word)
        self.told: Counter[str] = Counter()  # Slack id → messages for them alone
        self.refused: dict[str, set[int]] = defaultdict(set)  # Slack id → questions they may not vote for
        self.failed: dict[str, list[datetime]] = defaultdict(list)  # Slack id → when they were told so
        self.acknowledged: list[tuple[str, float]] = []
        self.submitted: dict[str, float] = {}  # text → when it was sent for the first time
        self.authors: dict[int, str] = {}  # question → Slack id, as the bench knows it
        self._asked: dict[str, str] = {}
        self._first: dict[tuple[str, int], float] = {}  # ("card" or "post", number) → when it was posted
        self._texts: dict[int, str] = {}
        self._looks: dict[tuple[str, str], tuple[float, list[tuple[int, str]]]] = {}
        self._drawn: dict[str, tuple[Any, frozenset[str]]] = {}
        self._digests: list[tuple[float, int]] = []  # when, and the newest question that it counts
        self._pressed: dict[str, float] = {}
        self._redrawn: list[float] = []
        self._copies: Counter[tuple[str, str, int]] = Counter()
        self.unseen: list[int] = []  # questions of which no moderator's channel ever told
        for name in SAYS:
            METHODS[name] = replace(METHODS[name], handler=self._listening(name, METHODS[name].handler))
        self.taken_in: dict[tuple[str, str], datetime] = {}  # (Slack id, message) → a reaction acknowledged
        attempted = workspace.dispatcher._attempt

        async def attempt(delivery: Delivery) -> Outcome:
            outcome = await attempted(delivery)
            event = delivery.payload.get("event") or {}
            if event.get("type") == "reaction_added" and outcome.acknowledged:
                self.taken_in.setdefault((event["user"], event["item"]["ts"]), workspace.clock.now())
            return outcome

        workspace.dispatcher._attempt = attempt  # type: ignore[method-assign]
        noted = workspace.log.note

        def note(kind: str, what: str, **fields: Any) -> None:
            if kind == "ack":
                self.acknowledged.append((what, fields["ms"] / 1000))
            noted(kind, what, **fields)

        workspace.log.note = note  # type: ignore[method-assign]
        posted = workspace.state.post

        def post(message: Any, *args: Any, **kwargs: Any) -> Any:
            if message.only_for and message.bot_id:
                self._privately(message.only_for, "alone", message.text, json.dumps(message.blocks))
            return posted(message, *args, **kwargs)

        workspace.state.post = post  # type: ignore[method-assign]

    @property
    def count(self) -> int:
        return len(self.said)

    def _listening(self, name: str, handler: Handler) -> Handler:
        async def listening(call: Call) -> dict[str, Any]:
            answer = await handler(call)
            if call.workspace is self.workspace.state:
                self._hear(name, call.args, answer)
            return answer

        return listening

    def _hear(self, name: str, args: dict[str, Any], answer: dict[str, Any]) -> None:
        at, channel = time.monotonic(), str(args.get("channel") or args.get("user_id") or "")
        words = " ".join(str(args.get(key) or "") for key in ("text", "blocks", "view"))
        if name == POSTED and channel.startswith("U") and "metadata" not in args:
            self._privately(channel, name, words)
        else:
            self.said.append((name, channel, words))
        text, ts = str(args.get("text") or ""), str(answer.get("ts") or "")
        for what, pattern in (("post", POST), ("card", CARD), ("receipt", RECEIPT)):
            found = pattern.match(text)
            # Without metadata it is no delivery: somebody was told why a press was refused.
            if found and not args.get("thread_ts") and (name == EDITED or "metadata" in args):
                number = int(found[1])
                if name == POSTED and answer.get("channel", "")[:1] in "CGD":
                    self._first.setdefault((what, number), at)
                    self._copies[what, str(answer["channel"]), number] += 1
                if what == "receipt":
                    self._knows(number, text)
                if what == "card":
                    self._knows(number, text)
                    if name == EDITED and "waits for review" not in text and ts in self._pressed:
                        self._redrawn.append(at - self._pressed.pop(ts))
                break
        if found := DIGEST.match(text):
            self._digests.append((at, int(found[1])))

    def _privately(self, user: str, how: str, *words: str) -> None:
        """Somebody alone is told something: that Slack opens no form, or why a press was refused."""
        self.said.append((how, user, " ".join(words)))
        self.told[user] += 1
        if FAILED in words[0]:
            self.failed[user].append(self.workspace.clock.now())
        self.refused[user].update(int(number) for number in REFUSED.findall(words[0]))

    def asks(self, text: str, user: str) -> None:
        """Somebody is about to ask that."""
        self._asked[text] = user

    def submits(self, text: str) -> None:
        """They send it now, not for the first time perhaps."""
        self.submitted.setdefault(text, time.monotonic())

    def _knows(self, number: int, text: str) -> None:
        words = text.partition(": ")[2]
        if words in self._asked:
            self._texts[number], self.authors[number] = words, self._asked[words]

    # --- what a person at a client would see ------------------------------------------------------

    def _messages(self, key: str) -> list[Any]:
        name = dict(self.workspace.config.channels)[key].removeprefix("#")
        channel = next(each for each in self.workspace.state.channels.values() if each.name == name)
        return [message for message in channel.messages.values() if message.bot_id and not message.is_reply]

    def posts(self) -> list[tuple[int, str]]:
        """Questions that can be voted on: number, time stamp."""
        return self._numbered("participants", POST, "questions.vote")

    def cards(self, action: str) -> list[tuple[int, str]]:
        """Cards with that button, oldest first: number, time stamp."""
        return self._numbered("moderators", CARD, action)

    def _numbered(self, key: str, pattern: re.Pattern[str], action: str) -> list[tuple[int, str]]:
        """As a person sees them, who looks four times a second at most."""
        at, found = self._looks.get((key, action), (-LOOKS_APART, []))
        now = time.monotonic()
        if now - at >= LOOKS_APART:
            shown = ((pattern.match(message.text), message) for message in self._messages(key))
            found = sorted(
                (int(match[1]), message.ts)
                for match, message in shown
                if match and action in self._buttons(message)
            )
            self._looks[key, action] = (now, found)
        return found

    def _buttons(self, message: Any) -> frozenset[str]:
        """The action ids in a message; an edit gives it other blocks."""
        blocks, buttons = self._drawn.get(message.ts, (None, frozenset[str]()))
        if blocks is not message.blocks:
            buttons = frozenset(BUTTON.findall(json.dumps(message.blocks)))
            self._drawn[message.ts] = (message.blocks, buttons)
        return buttons

    def digest(self) -> str | None:
        """The time stamp of the newest digest that leads to the form."""
        found = [m.ts for m in self._messages("moderators") if "questions.board" in self._buttons(m)]
        return max(found, default=None)

    def pressed(self, ts: str) -> None:
        self._pressed.setdefault(ts, time.monotonic())

    # --- at the end -------------------------------------------------------------------------------

    def doubled(self) -> list[str]:
        """Messages that were posted twice."""
        return [
            f"{what} of question {number}, {n} times"
            for (what, _, number), n in self._copies.items()
            if n > 1
        ]

    def durations(self) -> dict[str, list[float]]:
        """From a form sent to what moderators, and the asker, see of it."""
        numbers = {text: number for number, text in self._texts.items()}
        found: dict[str, list[float]] = {"click to card redrawn": self._redrawn}
        for text, sent in self.submitted.items():
            number = numbers.get(text)
            if number is None:
                continue
            card = self._first.get(("card", number))
            counted = min(
                (at for at, newest in self._digests if newest >= number and at > sent), default=None
            )
            seen = [at for at in (card, counted) if at is not None]
            if seen:
                found.setdefault("submit to card or digest", []).append(min(seen) - sent)
            else:
                self.unseen.append(number)
        for (what, number), at in self._first.items():
            text = self._texts.get(number, "")
            if what == "receipt" and text in self.submitted:
                found.setdefault("submit to receipt", []).append(at - self.submitted[text])
        return {what: seconds for what, seconds in found.items() if seconds}

    def leaks(self, hidden: dict[str, str], moderating: set[str]) -> list[str]:
        """Where somebody stands who hides from whoever reads it; their own messages are theirs.

        `moderating`: the moderators' channel and the moderators. An opened form names no reader, so in it
        only who hides from moderators too is looked for.
        """
        found = []
        for method, where, words in self.said:
            for user in named_in(words) & hidden.keys():
                own = where in (user, f"D{user[1:]}")
                moderators_read = where in moderating or (not where and method.startswith("views."))
                if not own and not (moderators_read and hidden[user] == "participants"):
                    found.append(f"{user} ({hidden[user]}) in {method} to {where}: {words[:80]}")
        return found


def named_in(words: str) -> set[str]:
    """The people of the load whose id or name stands there, as Slack ids."""
    return {f"U0LOAD{number}" for number in NAMED.findall(words)}
