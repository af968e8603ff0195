"""A message cut into parts that each ask or tell one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, pairwise
from typing import Any

from bot.answers.clauses import Clauses
from bot.answers.entities import Atom
from bot.answers.lexicon import Words
from bot.answers.text import Sentence, Token

MOST_PARTS = 16
MOST_TOKENS = 96  # of a clause: what nobody writes without a mark or a conjunction


@dataclass(slots=True)
class Part:
    """A run of tokens that asks or tells one thing, with what it names."""

    tokens: list[Token]
    asked: bool  # a question mark belonged to it
    request: bool = True  # it asks for something, rather than telling something
    sentence: int = 0  # the sentence it stood in
    frame: list[Token] = field(default_factory=list)  # what led to it: "my director in Nairobi asks"
    claim: bool = False  # it states something and asks whether that is so ("…, right?")
    atoms: list[Atom] = field(default_factory=list)

    def quoted(self, text: str) -> str:
        """The part as the person wrote it, on one line."""
        if not self.tokens:
            return ""
        return " ".join(text[self.tokens[0].start : self.tokens[-1].end].split()).strip(" ,;:-")

    @property
    def norms(self) -> list[str]:
        return [token.norm for token in self.tokens]


class Splitter(Clauses):
    """Makes parts of clauses, and items of a part."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        lists = words.lists
        self.negations = frozenset(lists.negations.split())
        self.alternatives = frozenset(lists.alternatives.split())
        self.denial, self.lacking = lists.denial, frozenset(lists.lacking.split())
        self.most, self.least = frozenset(lists.most.split()), frozenset(lists.least.split())
        self.excluding, self.provisos = frozenset(lists.excluding.split()), frozenset(lists.provisos.split())
        self.being_there = frozenset(lists.being_there.split())
        self.closing_tags = frozenset(lists.closing_tags.split())
        self.elsewhere = frozenset(lists.elsewhere.split())
        self.adding = frozenset(lists.adding.split())
        self.limits = frozenset(lists.limits.split())
        self.salutations = frozenset(lists.salutations.split())
        self.counting = frozenset(lists.counting.split())
        self.once_more = frozenset(lists.once_more.split())
        self.enrolled, self.to_be = frozenset(lists.enrolled.split()), frozenset(lists.to_be.split())
        self.less, self.more = frozenset(lists.less.split()), frozenset(lists.more.split())
        self.reasons = frozenset(lists.reasons.split())
        self.own = frozenset(lists.own.split())
        self.articles = frozenset(lists.articles.split())
        self.who_may = frozenset(lists.who_may.split())
        self.ourselves = frozenset(lists.ourselves.split())
        self.named_by = frozenset(lists.named_by.split())
        self._small = self.prepositions | frozenset(lists.small.split())

    def parts(self, sentences: Sequence[Sentence]) -> list[Part]:
        """All parts of a message, in order; the middle of a very long one is left out."""
        found: list[Part] = []
        for number, sentence in enumerate(sentences):
            clauses = self.cut(sentence.tokens)
            tagged = False
            while len(clauses) > 1 and self._is_tag(clauses[-1]):
                clauses.pop()
                tagged = True
            if clauses and self._ends_in_tag(clauses[-1]):
                clauses[-1].pop()
                tagged = True
            tagged = tagged or (bool(clauses) and self._asks_back(clauses[-1]))
            if found and not found[-1].asked and clauses and sentence.asked and self._is_tag(clauses[-1]):
                clauses.pop()
                found[-1].asked = found[-1].claim = found[-1].request = True
            while len(clauses) > 1 and sentence.asked and self._gives_reason(clauses[-1]):
                clauses.pop()
            for index, clause in enumerate(clauses):
                last = index == len(clauses) - 1
                found.append(self._part(at_most(clause, MOST_TOKENS), sentence, number, last, tagged))
        return at_most(found)

    def _is_tag(self, clause: list[Token]) -> bool:
        """ "…, right?", "is that so?", "is he right?"."""
        return clause[0].norm not in self.wh and all(token.norm in self.tags for token in clause)

    def _ends_in_tag(self, clause: list[Token]) -> bool:
        """ "It lasts 2 hours right": a tag without a mark before it."""
        norms = [token.norm for token in clause]
        if len(norms) < 3 or norms[-1] not in self.closing_tags:
            return False
        return norms[0] not in self.openers and norms[-2] not in self.polar | self.negations

    def _asks_back(self, clause: list[Token]) -> bool:
        """ "It is on the 26th isn't it", which a claim reads as it stands (`claims`)."""
        norms = [token.norm for token in clause]
        last = len(norms) > 5 and norms[-3] in self.polar and norms[-2] in self.negations
        return last and norms[-1] in self.subjects and norms[0] not in self.openers

    def _gives_reason(self, clause: list[Token]) -> bool:
        """ "…, since I must report to my board?": the question was asked before."""
        norms = [token.norm for token in clause]
        told = norms[0] in self.reasons and len(norms) > 1 and norms[1] in self.selves | self.mine
        return told and not (self.asking | self.conditions | self.wh).intersection(norms)

    def is_opening(self, norms: Sequence[str]) -> bool:
        """Whether words only open a question, or count: "could you tell me", "two questions", "1."."""
        opening = self.lead_in | self.polar | self.asking | self.imperatives | self.counting | self.skipped
        return all(norm.strip("().:,;-") in opening or not any(map(str.isalpha, norm)) for norm in norms)

    def is_question(self, part: Part) -> bool:
        """Whether a part begins as a question of its own: "is it free", "till when is it open"."""
        norms = list(dropwhile(self.lead_in.__contains__, part.norms))
        if norms and norms[0] in self.prepositions:
            return norms[1:2] != [] and norms[1] in self.wh and len(norms) > 3
        return len(norms) > 2 and norms[0] in self.wh | self.polar

    def _part(self, clause: list[Token], sentence: Sentence, number: int, last: bool, tagged: bool) -> Part:
        asked = sentence.asked and (last or self.opens(clause, 0))
        kept = self.unframed(clause)
        claim = tagged and last
        conditional = clause[0].norm == "if" and not last
        asks = self._requests(kept, asked) and not conditional
        frame = [] if kept is clause else clause[: len(clause) - len(kept)]
        return Part(kept, asked, asks or kept is not clause or claim, number, frame, claim)

    def _requests(self, tokens: list[Token], asked: bool) -> bool:
        if not tokens:
            return False
        norms = [token.norm for token in tokens]
        if norms[0] in self.salutations and len(norms) <= 4:
            return False
        if asked or norms[0] in self.openers:
            return True
        asks = any(norm in self.asking for norm in norms)
        questions = any(norm in self.wh or norm in self.conditions for norm in norms)
        if len(tokens) <= 4:
            return norms[0] not in self.selves or asks
        if norms[0] in self.mine and not questions:
            return False
        return asks or questions or (norms[0] not in self.tellers and norms[0] not in self.context)

    def pieces(self, part: Part) -> list[Part]:
        """The items of "the date, the time and the link", each as a part; empty when there is one only.

        Of very many, as of parts, the middle is left out.
        """
        cuts = [
            at
            for at, token in enumerate(part.tokens)
            if token.norm in (",", "/", "-", ":", "|", "+")
            or (
                (token.norm in self.coordinators and not self._is_pair(part.tokens, at))
                and (token.norm not in self.adding or part.tokens[at - 1].norm in self.coordinators | {","})
            )
        ]
        items = [
            self.trimmed(part.tokens[start + 1 : end])
            for start, end in pairwise([-1, *cuts, len(part.tokens)])
        ]
        found = [Part(tokens, part.asked, part.request, part.sentence) for tokens in items if tokens]
        return at_most(found) if len(found) > 1 else []

    def _is_pair(self, tokens: list[Token], at: int) -> bool:
        """ "before or after", "up or down": two small words that belong together."""
        if not 0 < at < len(tokens) - 1:
            return False
        return tokens[at - 1].norm in self._small and tokens[at + 1].norm in self._small

    def is_polar(self, part: Part) -> bool:
        """Whether a part can be answered with yes or no."""
        if part.claim:
            return True
        norms = [norm for norm in part.norms if norm not in (",", "-", ":")]
        while norms and norms[0] in self.lead_in:
            norms.pop(0)
        if not norms:
            return False
        if norms[0] in self.wh and norms[1:2] == ["if"]:
            return False  # "what if I do not register?"
        conditional = any(norm in self.conditions for norm in norms)
        to_the_bot = (
            norms[0] in self.polar and norms[1:2] == ["you"] and norms[0] not in ("are", "do", "have")
        )
        if to_the_bot or any(norm in self.wh for norm in norms[:3]):
            return conditional
        if norms[0] in self.polar or conditional:
            return True
        if any(norm in self.wh for norm in norms):
            return False
        return part.asked and (len(norms) > 2 or norms[-1] in self.tags)


def at_most(found: list[Any], most: int = MOST_PARTS) -> list[Any]:
    """Parts, items, tokens or what is asked, without the middle of more than so many."""
    half = most // 2
    return found if len(found) <= most else [*found[:half], *found[-half:]]
