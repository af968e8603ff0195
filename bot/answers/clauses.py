"""Where one clause of a sentence ends and the next begins."""

from __future__ import annotations

from itertools import pairwise

from bot.answers.lexicon import Words
from bot.answers.text import Token

MARKS = (",", "-", ":", ")", "(", '"')


class Clauses:
    """Cuts sentences at clause borders, by the words of one language."""

    def __init__(self, words: Words) -> None:
        lists = words.lists
        self.openers = frozenset(lists.openers.split())
        self.wh = frozenset(lists.wh.split())
        self.polar = frozenset(lists.polar.split())
        self.subjects = frozenset(lists.subjects_of_a_question.split())
        self.coordinators = frozenset(lists.coordinators.split())
        self.context = frozenset(lists.context.split())
        self.tags = frozenset(lists.tags.split())
        self.asking = frozenset(lists.asking.split())
        self.reporting = frozenset(lists.reporting.split())
        self.tellers = frozenset(lists.tellers.split())
        self.prepositions = frozenset(lists.prepositions.split())
        self.imperatives = frozenset(lists.imperatives.split())
        self.lead_in = frozenset(lists.lead_in.split())
        self.conditions = frozenset(lists.conditions.split())
        self.selves = frozenset(lists.selves.split())
        self.mine = frozenset(lists.mine.split())
        self._others = frozenset(lists.others.split())
        self._begins_clause = self.selves | self.mine | self._others | {"the", "there", "this", "that", "of"}
        self._begins_main = self.selves | {"is", "can", "what", "how"}
        self._ahead = self.context | {"before", "after", "when"}
        self.skipped = frozenset(lists.skipped.split())
        self._comparing = frozenset(lists.comparing.split())
        self._relatives = frozenset(lists.relatives.split())
        self._relayed = frozenset(lists.relayed.split())

    def cut(self, tokens: list[Token]) -> list[list[Token]]:
        """The clauses of a sentence, without the marks and conjunctions between them."""
        borders = [0]
        for at in range(1, len(tokens)):
            if self._is_border(tokens, at, borders[-1]):
                borders.append(at)
        borders.append(len(tokens))
        clauses = [self.trimmed(tokens[start:end]) for start, end in pairwise(borders)]
        return self._joined([clause for clause in clauses if clause])

    def _is_border(self, tokens: list[Token], at: int, start: int) -> bool:
        norm = tokens[at].norm
        if norm in MARKS:
            return (
                self._opens_after(tokens, at + 1)
                or self._tells_after(tokens, at + 1)
                or self._tells_after(tokens, start)
                or all(token.norm in self.tags for token in tokens[at + 1 :])
            )
        if norm in self.coordinators or norm == "/":
            return self._opens_after(tokens, at + 1) or (norm == "and" and self._tells_after(tokens, at + 1))
        if norm in self.context:
            told = at + 2 < len(tokens) and self._is_subject(tokens[at + 1].norm)
            return at > 1 and (told or (at + 2 < len(tokens) and self.opens(tokens, at + 1)))
        if start == 0 and self._ends_condition(tokens, at):
            return True
        if at <= start + 2 or not self.opens(tokens, at):
            return False
        if norm in self.wh:
            if tokens[at - 1].norm in self._relatives:
                return False
            inverted = at + 1 < len(tokens) and tokens[at + 1].norm in self.polar
            return inverted and self._was_complete(tokens, start, at)
        return norm in self.polar and self._was_stated(tokens, start, at)

    def _is_subject(self, norm: str) -> bool:
        return norm in self._begins_clause

    def _opens_after(self, tokens: list[Token], at: int) -> bool:
        at = self._skipped(tokens, at)
        if at + 1 < len(tokens) and tokens[at].norm in self.conditions:
            return True
        if at + 2 < len(tokens) and tokens[at].norm in self.prepositions and tokens[at + 1].norm in self.wh:
            return tokens[at + 1].norm not in ("when", "where", "how", "why")
        return self.opens(tokens, at)

    def _skipped(self, tokens: list[Token], at: int) -> int:
        while at < len(tokens) and (
            tokens[at].norm in self.coordinators
            or tokens[at].kind == "mark"
            or tokens[at].norm in self.skipped
        ):
            at += 1
        return at

    def _tells_after(self, tokens: list[Token], at: int) -> bool:
        """Whether "I am in Tokyo", "my boss says …" begins at a token."""
        at = self._skipped(tokens, at)
        if at + 2 >= len(tokens):
            return False
        norm, follows = tokens[at].norm, tokens[at + 1].norm
        if norm in self.selves:
            return follows != "should"
        if norm in self.mine:
            verbs = self.polar | self.asking | self.reporting
            return any(token.norm in verbs for token in tokens[at + 2 : at + 5])
        return norm in self._comparing or norm == "thanks" or (norm in self._others and follows in self.polar)

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

    def _ends_condition(self, tokens: list[Token], at: int) -> bool:
        """ "Before I ask my boss | I need …": the main clause after one that began with a conjunction."""
        if at <= 3 or tokens[0].norm not in self._ahead:
            return False
        if tokens[at].norm not in self._begins_main or tokens[at - 1].norm in self.context:
            return False
        return self.opens(tokens, at) or self._tells_after(tokens, at)

    def _was_complete(self, tokens: list[Token], start: int, at: int) -> bool:
        """ "… the workshop how do I …": a question that begins without a border, after another one."""
        head = [token.norm for token in tokens[start:at]]
        embeds = self.asking | self.prepositions | self.polar
        embeds |= {"me", "us", "then", "if", "exactly", "just", "you", "idea", "up"}
        return any(norm in self.wh or norm in self.polar for norm in head[:2]) and head[-1] not in embeds

    def _was_stated(self, tokens: list[Token], start: int, at: int) -> bool:
        """ "Hello team can I …", "I am no member can I …": a question right after a greeting or statement."""
        head = [token.norm for token in tokens[start:at]]
        if all(norm in self.lead_in for norm in head):
            return True
        states = head[0] in self.selves | self.mine or head[0] == "thanks"
        return states and head[-1] not in self.wh and not self.asking & set(head)

    def trimmed(self, tokens: list[Token]) -> list[Token]:
        """Without marks and conjunctions at either end."""
        start, end = 0, len(tokens)
        while start < end and (tokens[start].kind == "mark" or tokens[start].norm in self.coordinators):
            start += 1
        while end > start and (tokens[end - 1].kind == "mark" or tokens[end - 1].norm in self.coordinators):
            end -= 1
        return tokens[start:end]

    def _joined(self, clauses: list[list[Token]]) -> list[list[Token]]:
        """ "how | and when do I register", "I have to register, | where?": a bare word asks nothing alone."""
        made: list[list[Token]] = []
        for clause in clauses:
            begun = bool(made) and len(made[-1]) == 1 and self._is_bare(made[-1][0].norm)
            if begun or (made and len(clause) == 1 and clause[0].norm in self.wh):
                made[-1] = [*made[-1], *clause]
            else:
                made.append(clause)
        return made

    def _is_bare(self, norm: str) -> bool:
        return norm in self.conditions or norm in ("how", "what", "why", "which")

    def unframed(self, tokens: list[Token]) -> list[Token]:
        """ "My boss wants to know when it starts", "I was told that it is free": only what follows."""
        for at in range(len(tokens) - 1, 0, -1):
            norm = tokens[at].norm
            if norm in self.conditions and any(token.norm in self.asking for token in tokens[:at]):
                return tokens[at:]
            inverted = norm in self.polar and tokens[at - 1].norm in self.asking and self.opens(tokens, at)
            if not (norm in self.wh or inverted):
                continue
            led = any(token.norm in self.asking for token in tokens[max(0, at - 4) : at])
            last = at + 1 >= len(tokens) or any(token.norm in self.wh for token in tokens[:at])
            if led and not last:
                return tokens[at:]
        if tokens[0].norm in self.mine:  # "my director wants to know | the title"
            verbs = [at for at in range(2, min(len(tokens) - 1, 7)) if tokens[at].norm in self.asking]
            if verbs:
                return tokens[verbs[-1] + 1 :]
        for at in range(1, min(len(tokens) - 2, 9)):
            if tokens[at].norm in self.reporting and tokens[0].norm in self.tellers:
                return self._told(tokens[at + 1 :])
        return tokens

    def _told(self, rest: list[Token]) -> list[Token]:
        while len(rest) > 2 and rest[0].norm in self._relayed and rest[0].norm != "the":
            rest = rest[1:]
        return rest
