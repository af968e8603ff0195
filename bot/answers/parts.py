"""A message cut into parts that each ask one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.answers.entities import Atom
from bot.answers.lexicon import Words
from bot.answers.text import Sentence, Token

MOST_PARTS = 12


@dataclass(slots=True)
class Part:
    """A run of tokens that asks or says one thing, with what it names."""

    tokens: list[Token]
    asked: bool  # a question mark belonged to it
    request: bool = True  # it asks for something, rather than telling something
    atoms: list[Atom] = field(default_factory=list)

    def quoted(self, text: str) -> str:
        """The part as the person wrote it, on one line."""
        spans = [token for token in self.tokens if token.end > token.start]
        if not spans:
            return ""
        return " ".join(text[spans[0].start : spans[-1].end].split()).strip(" ,;:-")

    @property
    def norms(self) -> list[str]:
        return [token.norm for token in self.tokens]


class Splitter:
    """Cuts sentences at clause borders, by the words of one language."""

    def __init__(self, words: Words) -> None:
        lists = words.lists
        self.openers = frozenset(lists.openers.split())
        self.wh = frozenset(lists.wh.split())
        self.polar = frozenset(lists.polar.split())
        self.subjects = frozenset(lists.subjects_of_a_question.split())
        self.coordinators = frozenset(lists.coordinators.split())
        self.context = frozenset(lists.context.split())
        self.negations = frozenset(lists.negations.split())

    def parts(self, sentences: Sequence[Sentence]) -> list[Part]:
        """All parts of a message, in order."""
        found: list[Part] = []
        for sentence in sentences:
            clauses = self._clauses(sentence.tokens)
            for index, clause in enumerate(clauses):
                asked = sentence.asked and (index == len(clauses) - 1 or self.opens(clause, 0))
                found.append(Part(clause, asked, self._requests(clause, asked)))
        return found[:MOST_PARTS]

    def _clauses(self, tokens: list[Token]) -> list[list[Token]]:
        """Cut before "and how …", ", is it …", "because …"; what would be empty joins its neighbour."""
        borders = [0]
        for at in range(1, len(tokens)):
            norm = tokens[at].norm
            previous = tokens[at - 1].norm
            coordinated = norm in self.coordinators or norm in (",", "-", ":", ")", "(")
            if (
                (coordinated and self._opens_after(tokens, at + 1))
                or (
                    norm in self.context
                    and at > 1
                    and at + 2 < len(tokens)
                    and self._clause_follows(tokens, at + 1)
                )
                or (
                    norm in self.wh
                    and previous not in self.coordinators
                    and at > 2
                    and self.opens(tokens, at)
                    and self._was_complete(tokens, borders[-1], at)
                )
            ):
                borders.append(at)
        borders.append(len(tokens))
        cut = [tokens[start:end] for start, end in zip(borders, borders[1:], strict=False)]
        return self._joined([clause for clause in (self._trimmed(part) for part in cut) if clause])

    def _opens_after(self, tokens: list[Token], at: int) -> bool:
        while at < len(tokens) and (
            tokens[at].norm in self.coordinators
            or tokens[at].kind == "mark"
            or tokens[at].norm in ("then", "secondly", "finally", "second", "third", "if", "whether")
        ):
            if tokens[at].norm in ("if", "whether"):
                return True
            at += 1
        return self.opens(tokens, at)

    def opens(self, tokens: list[Token], at: int) -> bool:
        """Whether a question or request begins at a token."""
        if at >= len(tokens) or tokens[at].norm not in self.openers:
            return False
        norm = tokens[at].norm
        if norm in self.wh:
            return True
        if at + 1 >= len(tokens):
            return False
        follows = tokens[at + 1].norm
        if norm in self.polar:
            return follows in self.subjects or (
                follows == "not" and at + 2 < len(tokens) and tokens[at + 2].norm in self.subjects
            )
        return norm in ("please", "tell", "send", "give", "share", "show") and follows not in ("you",)

    def _clause_follows(self, tokens: list[Token], at: int) -> bool:
        return tokens[at].norm in (
            "i",
            "we",
            "my",
            "our",
            "it",
            "the",
            "they",
            "you",
            "there",
            "he",
            "she",
            "this",
        )

    def _was_complete(self, tokens: list[Token], start: int, at: int) -> bool:
        """ "… the workshop how do I …": a question that begins without a border, after another one."""
        head = [token.norm for token in tokens[start:at]]
        return any(norm in self.wh or norm in self.polar for norm in head[:2]) and tokens[
            at - 1
        ].norm not in (
            "know",
            "tell",
            "me",
            "of",
            "on",
            "for",
            "about",
            "in",
            "to",
            "from",
            "at",
            "see",
            "understand",
            "check",
            "confirm",
            "by",
            "until",
            "till",
            "is",
            "with",
            "out",
        )

    def _trimmed(self, tokens: list[Token]) -> list[Token]:
        start, end = 0, len(tokens)
        while start < end and (tokens[start].kind == "mark" or tokens[start].norm in self.coordinators):
            start += 1
        while end > start and (tokens[end - 1].kind == "mark" or tokens[end - 1].norm in self.coordinators):
            end -= 1
        return tokens[start:end]

    def _joined(self, clauses: list[list[Token]]) -> list[list[Token]]:
        """ "how | and when do I register": a bare "how" asks nothing by itself."""
        made: list[list[Token]] = []
        for clause in clauses:
            if (
                made
                and all(token.norm in self.wh for token in made[-1])
                and len(made[-1]) == 1
                and made[-1][0].norm in ("how", "what", "why", "which")
            ):
                made[-1] = [*made[-1], *clause]
            else:
                made.append(clause)
        return made

    def _requests(self, tokens: list[Token], asked: bool) -> bool:
        if asked or self.opens(tokens, 0) or len(tokens) <= 4:
            return True
        norms = [token.norm for token in tokens]
        if norms[0] in self.openers and norms[0] not in ("i",):
            return True
        asking = (
            "wonder",
            "wondering",
            "know",
            "tell",
            "need",
            "want",
            "looking",
            "send",
            "give",
            "share",
            "please",
            "ask",
            "confirm",
            "clarify",
            "like",
            "find",
            "interested",
            "see",
            "unsure",
            "sure",
            "curious",
            "if",
            "whether",
            "remind",
            "help",
        )
        if any(norm in asking or norm in self.wh for norm in norms):
            return True
        return norms[0] not in (
            "i",
            "we",
            "my",
            "our",
            "it",
            "the",
            "they",
            "you",
            "he",
            "she",
            "this",
            "that",
            "there",
            "because",
            "since",
            "as",
        )

    def pieces(self, part: Part) -> list[Part]:
        """The items of "the date, the time and the link", each as a part of its own; empty when there is one."""
        cuts = [
            at
            for at, token in enumerate(part.tokens)
            if token.norm in self.coordinators or token.norm in (",", "/", ";")
        ]
        if not cuts:
            return []
        borders = [-1, *cuts, len(part.tokens)]
        found = []
        for start, end in zip(borders, borders[1:], strict=False):
            tokens = self._trimmed(part.tokens[start + 1 : end])
            if tokens:
                found.append(Part(tokens, part.asked, part.request))
        return found if len(found) > 1 else []

    def is_polar(self, part: Part) -> bool:
        """Whether a part can be answered with yes or no."""
        norms = [norm for norm in part.norms if norm not in (",", "-")]
        while norms and norms[0] in (
            "so",
            "and",
            "but",
            "also",
            "hi",
            "hello",
            "please",
            "ok",
            "well",
            "hey",
            "then",
            "or",
            "actually",
            "just",
        ):
            norms.pop(0)
        if not norms:
            return False
        if any(norm in self.wh for norm in norms[:3]) or norms[:2] in (
            ["can", "you"],
            ["could", "you"],
            ["would", "you"],
            ["will", "you"],
        ):
            tail = [norm for norm in norms if norm in ("if", "whether")]
            return bool(tail)
        if norms[0] in self.polar:
            return True
        if any(norm in ("if", "whether") for norm in norms):
            return True
        if any(norm in self.wh for norm in norms):
            return False
        return part.asked and len(norms) > 2
