"""Questions that are for the people on the panel: put to them by saying so, or asking for a judgement."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answers.forms import EVENT
from bot.answers.parts import Part
from bot.answers.reading import Reader
from bot.answers.text import Sentence, Token, fold, stem

QUESTION_WORDS = frozenset({"question", "questions", "q", "qn", "query", "ask", "comment"})
# Names that make a question one about taking part, never one of opinion.
LOGISTICS = frozenset({
    "register", "join", "link", "page", "obtain", "speakers", "recording", "certificate", "joining-link",
    "slides", "contact",
})  # fmt: skip


class PanelQuestions:
    """Tells what a message puts to the panel."""

    def __init__(self, reader: Reader) -> None:
        config, words, split = reader.config, reader.words, reader.lexicon.split
        self._lead_in = frozenset(words.lists.lead_in.split())
        self._polar = frozenset(words.lists.polar.split())
        self._matter = reader.matter
        self._field = frozenset(stem(word) for line in config.questions.field for word in split(line))
        self._panel_prefixes = sorted((split(line) for line in words.panel.prefixes), key=len, reverse=True)
        names = [*words.panel.audience, *(name for subject in config.subjects for name in subject.names)]
        self._audiences: dict[str, list[tuple[str, ...]]] = {}  # by their first word
        for name in filter(None, {split(fold(name)) for name in names}):
            self._audiences.setdefault(name[0], []).append(name)
        self._panelists = {split(name) for name in words.panel.audience}
        self._thinking_forms = [split(line) for line in words.panel.thinking]
        self._asking_forms = [split(line) for line in words.panel.asking]
        self._strong_forms = [split(line) for line in words.panel.strong]
        self._judging_forms = [split(line) for line in words.panel.judging]

    def panel_text(self, found: Sequence[Sentence], text: str) -> str | None:
        """What a message puts to the panel by saying so; None when it addresses the bot."""
        for sentence in found:
            tokens = sentence.tokens
            after = self._addressed(tokens)
            if after is None:
                continue
            rest = [token for token in tokens[after:] if token.kind != "mark"]
            start = rest[0].start if rest else tokens[-1].end
            following = text[start:].strip(" :,;-.\n")
            return " ".join((following or text[: tokens[0].start]).split())
        return None

    def _addressed(self, tokens: Sequence[Token]) -> int | None:
        """The index after the words that address the panel, if a sentence does."""
        norms = [token.norm for token in tokens]
        start = 0
        while start < len(norms) and (norms[start] in self._lead_in or tokens[start].kind == "mark"):
            start += 1
        for at in range(len(norms)):
            length = self._audience(norms, at)
            if not length:
                continue
            end = at + length
            before = [
                norm
                for norm in norms[start:at]
                if norm not in ("the", "our", "all", "your", "today", "of", "live", "any", "one", "ur")
            ]
            ends_head = end >= len(norms) or tokens[end].kind == "mark"
            asked = any(norm in QUESTION_WORDS for norm in before)
            if asked and before[-1:] and before[-1] in ("for", "to", "4", "2") and len(before) <= 10:
                return end
            panelist = tuple(norms[at:end]) in self._panelists
            called = end < len(norms) and tokens[end].kind == "mark" and norms[end] in (":", "-")
            if called and before in (["for"], ["to"], ["@"], []) and (before or panelist):
                return end
            if (
                any(norm in ("ask", "asking") for norm in before)
                and len(before) <= 8
                and len(norms) - end >= 3
            ):
                return end
            if not panelist:
                continue
            if before and before[-1] in self._polar and len(before) <= 3 and not ends_head:
                follows = [
                    norm for norm in norms[end : end + 4] if norm not in ("please", "also", "maybe", "really")
                ]
                if any(tuple(follows[: len(form)]) == form for form in self._thinking_forms):
                    return start
        for prefix in self._panel_prefixes:
            if tuple(norms[start : start + len(prefix)]) == prefix:
                return start + len(prefix)
        return None

    def _audience(self, norms: Sequence[str], at: int) -> int:
        """How many words name who sits on the panel, from here."""
        named = self._audiences.get(norms[at], ())
        return max((len(name) for name in named if tuple(norms[at : at + len(name)]) == name), default=0)

    def is_opinion(self, part: Part) -> bool:
        """Whether a part asks for a judgement, a policy or a way of doing things."""
        norms = tuple(token.norm for token in part.tokens if token.kind != "mark")
        while norms and norms[0] in self._lead_in:
            norms = norms[1:]
        stems = {token.stem for token in part.tokens}
        first_person = any(norm in ("i", "my", "me") for norm in norms[:6])
        strong = any(norms[: len(form)] == form for form in self._strong_forms) and not first_person
        if strong and len(norms) >= 5 and stems & (self._field | self._matter):
            return True
        if any(atom.names == {EVENT} or "orgevent" in atom.names for atom in part.atoms):
            return False
        logistics = [atom for atom in part.atoms if atom.names & LOGISTICS]
        if len(norms) < 4 or any(atom.tokens[0].stem not in self._field for atom in logistics):
            return False
        if not stems & (self._field | self._matter):
            return False
        named = any(norms[: len(form)] == form for form in self._asking_forms)
        own = any(norm in ("i", "my", "me") for norm in norms[:4])
        judged = any(
            norms[at : at + len(form)] == form for form in self._judging_forms for at in range(len(norms))
        )
        return (named and not own and len(norms) >= 5) or (judged and bool(stems & self._field))
