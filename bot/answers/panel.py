"""Questions that are for the people on the panel: put to them by saying so, or asking for a judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.answers.forms import EVENT
from bot.answers.parts import Part
from bot.answers.reading import Reader
from bot.answers.text import Sentence, Token, fold, stem

QUESTION_WORDS = frozenset({"question", "questions", "q", "qn", "query", "ask", "comment"})
QUESTIONS = frozenset({"question", "questions", "comment", "comments", "query"})
REFERS = frozenset({"them", "it"})  # to questions that were named before
WAYS = frozenset({"write", "send", "put", "post", "type", "ask", "go", "submit", "here", "leave", "drop"})
# Names that make a question one about taking part, never one of opinion.
LOGISTICS = frozenset({
    "register", "join", "link", "page", "obtain", "speakers", "recording", "certificate", "joining-link",
    "slides", "contact",
})  # fmt: skip

OF_THE_BOT = LOGISTICS | {EVENT, "start", "end"}  # of which one is named by what is asked of the bot again


@dataclass(frozen=True)
class Put:
    """What a message puts to the panel by saying so.

    `question` is all that may belong to it; `own` is it without what turns away from it, which stands in
    `beside` together with what was said before.
    """

    question: str
    own: str = ""
    beside: str = ""


class Phrases:
    """Phrases of words, found by their first."""

    def __init__(self, phrases: Iterable[tuple[str, ...]]) -> None:
        self._found: dict[str, list[tuple[str, ...]]] = {}
        for phrase in filter(None, phrases):
            self._found.setdefault(phrase[0], []).append(phrase)

    def at(self, norms: Sequence[str], at: int) -> int:
        """How many words the longest has that stands there; 0 where none does."""
        if at >= len(norms) or (found := self._found.get(norms[at])) is None:
            return 0
        return max((len(some) for some in found if tuple(norms[at : at + len(some)]) == some), default=0)

    def within(self, norms: Sequence[str]) -> bool:
        """Whether any stands anywhere."""
        return any(self.at(norms, at) for at, norm in enumerate(norms) if norm in self._found)


class PanelQuestions:
    """Tells what a message puts to the panel."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        config, words, split = reader.config, reader.words, reader.lexicon.split
        self._lead_in = frozenset(words.lists.lead_in.split())
        self._polar = frozenset(words.lists.polar.split())
        self._field = frozenset(stem(word) for line in config.questions.field for word in split(line))
        self._theme = self._field | reader.matter
        self._prefixes = Phrases(split(line) for line in words.panel.prefixes)
        names = [*words.panel.audience, *(name for subject in config.subjects for name in subject.names)]
        self._audiences = Phrases(split(fold(name)) for name in names)
        self._panelists = {split(name) for name in words.panel.audience}
        self._selves = frozenset(words.lists.selves.split())
        self._coordinators = frozenset(words.lists.coordinators.split())
        self._negations = frozenset(words.lists.negations.split())
        self._wh = frozenset(words.lists.wh.split())
        self._indirect = self._wh | frozenset(words.lists.conditions.split())
        self._others = Phrases(split(line) for line in words.panel.others)
        self._turning = Phrases(split(line) for line in words.panel.turning)
        self._thinking = Phrases(split(line) for line in words.panel.thinking)
        self._asking = Phrases(split(line) for line in words.panel.asking)
        self._strong = Phrases(split(line) for line in words.panel.strong)
        self._judging = Phrases(split(line) for line in words.panel.judging)

    def put(self, found: Sequence[Sentence], text: str) -> Put | None:
        """What a message puts to the panel by saying so; None when it addresses the bot."""
        for number, sentence in enumerate(found):
            tokens = sentence.tokens
            after = self._addressed(tokens)
            if after is None:
                continue
            rest = [token for token in tokens[after:] if token.kind != "mark"]
            if rest and self._asks_how([token.norm for token in rest]):
                continue
            for head in (("is",), ("would", "be")):  # "my question to the panel is | whether …"
                at = len(head)
                if tuple(token.norm for token in rest[:at]) == head and len(rest) > at + 1:
                    rest = rest[at:] if rest[at].norm in self._indirect else rest
            start = rest[0].start if rest else tokens[-1].end
            later = found[number + 1 if rest else number + 2 :]
            end = next((other.tokens[0].start for other in later if self._turns(other)), len(text))
            before, own = text[: tokens[0].start], _one_line(text[start:end])
            if not own:
                return Put(" ".join(before.split()))
            return Put(_one_line(text[start:]), own, f"{before}\n{text[end:]}".strip())
        return None

    def _turns(self, sentence: Sentence) -> bool:
        """Whether it belongs no more to the question for the panel that stands before it.

        "Thanks!", "For the organisers: is it free?", "Also, when does it start?", "And must I register?"
        """
        tokens = sentence.tokens
        norms = [token.norm for token in tokens if token.kind != "mark"]
        if all(norm in self._lead_in for norm in norms):
            return True
        if not sentence.asked or self._addressed(tokens) is not None:
            return False
        if self._others.at(norms, 0):
            return True
        own = norms[0] in self._coordinators and not self._selves.isdisjoint(norms[1:4])
        turned = own or self._turning.at(norms, 0) > 0
        return turned and any(atom.names & OF_THE_BOT for atom in self._reader.atoms(tokens))

    def _addressed(self, tokens: Sequence[Token]) -> int | None:
        """The index after the words that address the panel, if a sentence does."""
        norms = [token.norm for token in tokens]
        start = 0
        while start < len(norms) and (norms[start] in self._lead_in or tokens[start].kind == "mark"):
            start += 1
        for at in range(len(norms)):
            length = self._audiences.at(norms, at)
            if not length:
                continue
            end = at + length
            before = [
                norm
                for norm in norms[start:at]
                if norm not in ("the", "our", "all", "your", "today", "of", "live", "any", "one", "ur")
            ]
            ends_head = end >= len(norms) or tokens[end].kind == "mark"
            if not self._negations.isdisjoint(before[-4:]):
                continue  # "not a question for the speakers"
            colon = any(token.norm == ":" for token in tokens[end : end + 2])
            if not colon and before and before[0] in self._wh | self._polar and self._is_of_asking(before):
                continue  # "how can I put a question to the panel?" is one for the bot
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
                if self._thinking.at(follows, 0):
                    return start
        prefix = self._prefixes.at(norms, start)
        return start + prefix if prefix else None

    def _is_of_asking(self, before: Sequence[str]) -> bool:
        """Whether it asks for the way to ask: "can I send a question to", "do you pass questions on to"."""
        return not QUESTIONS.isdisjoint(before)

    def _asks_how(self, rest: Sequence[str]) -> bool:
        """Whether what follows asks for the way: "I have questions for the speakers, where do they go"."""
        asks = rest[0] in self._wh | self._polar and len(rest) <= 8
        refers = not REFERS.isdisjoint(rest) or {"they", "go"} <= set(rest)
        return asks and refers and not WAYS.isdisjoint(rest)

    def is_opinion(self, part: Part) -> bool:
        """Whether a part asks for a judgement, a policy or a way of doing things."""
        norms = self._led(part.tokens)
        if not self._judges(norms, part.tokens):
            return False
        if self._is_strong(norms):
            return True
        if any(atom.names == {EVENT} or "orgevent" in atom.names for atom in part.atoms):
            return False
        logistics = [atom for atom in part.atoms if atom.names & LOGISTICS]
        return all(atom.tokens[0].stem in self._field for atom in logistics)

    def may_be_opinion(self, tokens: Sequence[Token]) -> bool:
        """Whether the words alone ask for a judgement, whatever they name."""
        return self._judges(self._led(tokens), tokens)

    def _led(self, tokens: Sequence[Token]) -> list[str]:
        """The words, without those that only lead in."""
        norms = [token.norm for token in tokens if token.kind != "mark"]
        first = next((at for at, norm in enumerate(norms) if norm not in self._lead_in), len(norms))
        return norms[first:]

    def _judges(self, norms: Sequence[str], tokens: Sequence[Token]) -> bool:
        stems = {token.stem for token in tokens}
        if len(norms) < 4 or stems.isdisjoint(self._theme):
            return False
        own = any(norm in ("i", "my", "me") for norm in norms[:4])
        return (
            self._is_strong(norms)
            or (len(norms) >= 5 and not own and self._asking.at(norms, 0) > 0)
            or (not stems.isdisjoint(self._field) and self._judging.within(norms))
        )

    def _is_strong(self, norms: Sequence[str]) -> bool:
        first_person = any(norm in ("i", "my", "me") for norm in norms[:6])
        return len(norms) >= 5 and not first_person and self._strong.at(norms, 0) > 0


def _one_line(text: str) -> str:
    return " ".join(text.strip(" :,;-.\n").split())
