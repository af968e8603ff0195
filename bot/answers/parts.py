"""A message cut into parts that each ask or tell one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.answers.entities import Atom
from bot.answers.lexicon import Words
from bot.answers.text import Sentence, Token

MOST_PARTS = 16
_CLAUSE_MARKS = (",", "-", ":", ")", "(", '"')


@dataclass(slots=True)
class Part:
    """A run of tokens that asks or tells one thing, with what it names."""

    tokens: list[Token]
    asked: bool  # a question mark belonged to it
    request: bool = True  # it asks for something, rather than telling something
    sentence: int = 0  # the sentence it stood in
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
        self.tags = frozenset(lists.tags.split())
        self.asking = frozenset(lists.asking.split())
        self.reporting = frozenset(lists.reporting.split())
        self.tellers = frozenset(lists.tellers.split())
        self.prepositions = frozenset(lists.prepositions.split())
        self.imperatives = frozenset(lists.imperatives.split())
        self.own = frozenset(lists.own.split())
        self.lead_in = frozenset(lists.lead_in.split())

    def parts(self, sentences: Sequence[Sentence]) -> list[Part]:
        """All parts of a message, in order."""
        found: list[Part] = []
        for number, sentence in enumerate(sentences):
            clauses = self._clauses(sentence.tokens)
            tagged = False
            while len(clauses) > 1 and all(token.norm in self.tags for token in clauses[-1]):
                clauses.pop()
                tagged = True
            while (
                found and clauses and sentence.asked and all(token.norm in self.tags for token in clauses[-1])
            ):
                clauses.pop()
                found[-1].asked = found[-1].claim = found[-1].request = True
            for index, clause in enumerate(clauses):
                last = index == len(clauses) - 1
                asked = sentence.asked and (last or self.opens(clause, 0))
                kept = self._unframed(clause)
                asks = self._requests(kept, asked) and not (clause[0].norm == "if" and not last)
                part = Part(kept, asked, asks, number, tagged and last)
                part.request = part.request or kept is not clause or part.claim
                found.append(part)
        if len(found) > MOST_PARTS:
            found = [*found[: MOST_PARTS // 2], *found[-MOST_PARTS // 2 :]]
        return found

    def _clauses(self, tokens: list[Token]) -> list[list[Token]]:
        """Cut before "and how …", ", is it …", ", I am …", "because …"."""
        borders = [0]
        for at in range(1, len(tokens)):
            norm = tokens[at].norm
            coordinated = norm in self.coordinators or norm in _CLAUSE_MARKS or norm == "/"
            if coordinated and self._opens_after(tokens, at + 1):
                borders.append(at)
            elif (
                coordinated and (norm in _CLAUSE_MARKS or norm == "and") and self._tells_after(tokens, at + 1)
            ):
                borders.append(at)
            elif norm in _CLAUSE_MARKS and self._tells_after(tokens, borders[-1]):
                borders.append(at)
            elif norm in _CLAUSE_MARKS and all(token.norm in self.tags for token in tokens[at + 1 :]):
                borders.append(at)
            elif (
                norm in self.context
                and at > 1
                and at + 2 < len(tokens)
                and (self._subject(tokens, at + 1) or self.opens(tokens, at + 1))
            ):
                borders.append(at)
            elif (
                norm in self.wh
                and at > borders[-1] + 2
                and self.opens(tokens, at)
                and (at + 1 < len(tokens) and tokens[at + 1].norm in self.polar)
                and self._was_complete(tokens, borders[-1], at)
            ):
                borders.append(at)
            elif (
                norm in self.polar
                and at > borders[-1] + 2
                and self.opens(tokens, at)
                and self._stated(tokens, borders[-1], at)
            ):
                borders.append(at)
            elif (
                borders == [0]
                and at > 3
                and tokens[0].norm in (*self.context, "before", "after", "when")
                and norm in ("i", "we", "is", "can", "what", "how")
                and (self.opens(tokens, at) or self._tells_after(tokens, at))
                and tokens[at - 1].norm not in self.context
            ):
                borders.append(at)
        borders.append(len(tokens))
        cut = [self._trimmed(tokens[start:end]) for start, end in zip(borders, borders[1:], strict=False)]
        return self._joined([clause for clause in cut if clause])

    def _skipped(self, tokens: list[Token], at: int) -> int:
        skip = (
            "then",
            "secondly",
            "finally",
            "second",
            "third",
            "firstly",
            "first",
            "also",
            "so",
            "please",
            "but",
            "actually",
        )
        while at < len(tokens) and (
            tokens[at].norm in self.coordinators or tokens[at].kind == "mark" or tokens[at].norm in skip
        ):
            at += 1
        return at

    def _opens_after(self, tokens: list[Token], at: int) -> bool:
        at = self._skipped(tokens, at)
        if at + 1 < len(tokens) and tokens[at].norm in ("if", "whether"):
            return True
        if (
            at + 2 < len(tokens)
            and tokens[at].norm in self.prepositions
            and tokens[at + 1].norm in ("what", "which", "whom")
        ):
            return True
        return self.opens(tokens, at)

    def _tells_after(self, tokens: list[Token], at: int) -> bool:
        """Whether "I am in Tokyo", "my boss says …" begins at a token."""
        at = self._skipped(tokens, at)
        if at + 2 >= len(tokens):
            return False
        norm, follows = tokens[at].norm, tokens[at + 1].norm
        if norm in ("i", "we"):
            return follows not in ("should",)
        if norm in ("my", "our"):
            return any(
                token.norm in self.polar or token.norm in self.asking or token.norm in self.reporting
                for token in tokens[at + 2 : at + 5]
            )
        if norm in ("as", "like", "since", "because", "being"):
            return True
        return (norm in ("it", "they", "you", "he", "she") and follows in self.polar) or norm in (
            "thanks",
            "because",
        )

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
            if follows == "not" and at + 2 < len(tokens):
                return tokens[at + 2].norm in self.subjects
            return follows in self.subjects
        return norm in self.imperatives and follows != "you"

    def _subject(self, tokens: list[Token], at: int) -> bool:
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
            "that",
            "of",
        )

    def _was_complete(self, tokens: list[Token], start: int, at: int) -> bool:
        """ "… the workshop how do I …": a question that begins without a border, after another one."""
        head = [token.norm for token in tokens[start:at]]
        embeds = (
            self.asking
            | self.prepositions
            | self.polar
            | {"me", "us", "then", "if", "exactly", "just", "you", "idea", "up"}
        )
        return any(norm in self.wh or norm in self.polar for norm in head[:2]) and head[-1] not in embeds

    def _stated(self, tokens: list[Token], start: int, at: int) -> bool:
        """ "Hello team can I …", "I am no member can I …": a question right after a greeting or statement."""
        head = [token.norm for token in tokens[start:at]]
        if all(norm in self.lead_in for norm in head):
            return True
        return (
            head[0] in ("i", "we", "my", "our", "thanks")
            and head[-1] not in self.wh
            and not (self.asking & set(head))
        )

    def _trimmed(self, tokens: list[Token]) -> list[Token]:
        start, end = 0, len(tokens)
        while start < end and (tokens[start].kind == "mark" or tokens[start].norm in self.coordinators):
            start += 1
        while end > start and (tokens[end - 1].kind == "mark" or tokens[end - 1].norm in self.coordinators):
            end -= 1
        return tokens[start:end]

    def _joined(self, clauses: list[list[Token]]) -> list[list[Token]]:
        """ "how | and when do I register", "I have to register, | where?": a bare word asks nothing by itself."""
        made: list[list[Token]] = []
        for clause in clauses:
            if (
                made
                and len(made[-1]) == 1
                and made[-1][0].norm in ("how", "what", "why", "which", "if", "whether")
            ):
                made[-1] = [*made[-1], *clause]
            elif made and len(clause) == 1 and clause[0].norm in self.wh:
                made[-1] = [*made[-1], *clause]
            else:
                made.append(clause)
        return made

    def _unframed(self, tokens: list[Token]) -> list[Token]:
        """ "My boss wants to know when it starts", "I was told that it is free": only what follows."""
        for at in range(len(tokens) - 1, 0, -1):
            norm = tokens[at].norm
            head = tokens[:at]
            if norm in ("if", "whether") and any(token.norm in self.asking for token in head):
                return tokens[at:]
            if (
                norm in self.wh
                and self.opens(tokens, at)
                and any(token.norm in self.asking for token in head[-4:])
            ):
                if at + 1 < len(tokens) and not any(token.norm in self.wh for token in head):
                    return tokens[at:]
        for at in range(1, min(len(tokens) - 2, 9)):
            norm = tokens[at].norm
            if norm in self.reporting and tokens[0].norm in self.tellers:
                rest = tokens[at + 1 :]
                while (
                    rest
                    and rest[0].norm
                    in ("that", "me", "us", "in", "the", "somewhere", "letter", "email", "to", "it")
                    and len(rest) > 2
                ):
                    if rest[0].norm in ("it", "the"):
                        break
                    rest = rest[1:]
                return rest
        return tokens

    def _requests(self, tokens: list[Token], asked: bool) -> bool:
        if not tokens:
            return False
        if asked or self.opens(tokens, 0) or len(tokens) <= 4:
            return (
                tokens[0].norm not in ("i", "we")
                or asked
                or len(tokens) > 4
                or any(token.norm in self.asking for token in tokens)
            )
        norms = [token.norm for token in tokens]
        if norms[0] in self.openers:
            return True
        if norms[0] in ("my", "our") and not any(norm in self.wh or norm in ("if", "whether") for norm in norms):
            return False
        if any(norm in self.asking or norm in self.wh or norm in ("if", "whether") for norm in norms):
            return True
        return norms[0] not in self.tellers and norms[0] not in self.context

    def pieces(self, part: Part) -> list[Part]:
        """The items of "the date, the time and the link", each as a part of its own; empty when there is one."""
        cuts = [
            at
            for at, token in enumerate(part.tokens)
            if token.norm in (",", "/", "-", ":", "|", "+")
            or (token.norm in self.coordinators and not self._pair(part.tokens, at))
        ]
        if not cuts:
            return []
        borders = [-1, *cuts, len(part.tokens)]
        found = []
        for start, end in zip(borders, borders[1:], strict=False):
            tokens = self._trimmed(part.tokens[start + 1 : end])
            if tokens:
                found.append(Part(tokens, part.asked, part.request, part.sentence))
        return found if len(found) > 1 else []

    def _pair(self, tokens: list[Token], at: int) -> bool:
        """ "before or after", "up or down": two small words that belong together."""
        small = self.prepositions | {"up", "down", "more", "less", "now", "later", "sooner", "yes", "no"}
        return 0 < at < len(tokens) - 1 and tokens[at - 1].norm in small and tokens[at + 1].norm in small

    def is_polar(self, part: Part) -> bool:
        """Whether a part can be answered with yes or no."""
        if part.claim:
            return True
        norms = [norm for norm in part.norms if norm not in (",", "-", ":")]
        while norms and norms[0] in self.lead_in:
            norms.pop(0)
        if not norms:
            return False
        if (
            norms[0] in ("can", "could", "would", "will", "may")
            and norms[1:2] == ["you"]
            or any(norm in self.wh for norm in norms[:3])
        ):
            return "if" in norms or "whether" in norms
        if norms[0] in self.polar or "if" in norms or "whether" in norms:
            return True
        if any(norm in self.wh for norm in norms):
            return False
        return part.asked and (len(norms) > 2 or norms[-1] in self.tags)
