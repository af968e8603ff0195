"""Ways of asking for a topic, as sets of names that must be said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.answers.entities import Atom

Names = frozenset[str]

EVENT = "event"  # the workshop itself, by whatever noun
UNKNOWN = "?"  # a word that stands nowhere
ONLY_EVENT = frozenset({EVENT, "orgevent"})
ITEM = 2  # tokens of an item of a list
FRAGMENT = 5  # tokens of a message that may be nothing but a catchword
ALWAYS = frozenset({"greeting", "thanks", "chatter", "bot"})  # said beside anything
HASTE = frozenset({"soon", "eventday"})  # accepted by every topic
WORKSHOP = frozenset({"takeplace", "light"})  # accepted by every topic about the workshop itself
# What no topic takes beside its own words unless it says so.
BLOCKERS = frozenset({
    UNKNOWN, "another", "number", "other", "otherorg", "next", "he", "questionword", "behalf", "inside",
    "segment", "order", "activity", "compare", "highlight", "standardword", "listed", "unlisted",
    "code", "subject", "othernumber", "place", "zone_", "clocknow", "injection", "command", "untilword",
    "reginfo", "existential", "attends", "matter", "org", "short", "email", "url", "when", "date",
    "span", "where", "who", "howmany", "why", "how", "sign", "organise", "programme", "title",
    "statusq", "over", "discuss", "launch", "meaning", "person", "office", "director", "developed",
    "inperson", "hq", "amount", "calendar", "paidmodes", "nownext", "letter", "money", "field", "clock",
    "convert",
})  # fmt: skip
# What is asked of a thing, rather than the thing.
ATTRIBUTES = frozenset({"when", "where", "who", "how", "why", "cost", "link", "start", "end", "duration"})
# What alone, as the rest of a list, asks for nothing.
WEAK = frozenset(
    {"venueword", "persona", "member", "place", "where", "org", "anyone", "event", "matter", "short"}
)
# What a greeting may be said with.
SOFT = frozenset({"updates", "span", "persona", "anyone", "mytime", "place", "member", "takeplace", "event"})
TIMES = frozenset({"span", "date", "clock", "amount"})
# What a topic is about by its own word, so that a light word beside it changes nothing.
KEYS = frozenset({
    "register", "cost", "free", "page", "programme", "title", "virtual", "inperson", "venueword", "eligible",
    "link", "organise", "sign", "duration",
})  # fmt: skip


@dataclass(frozen=True)
class Form:
    """One way of asking for a topic: all of `needs` must be said, each by one of its names.

    `longest`: tokens the part may have. `names_too`: a yes-or-no question may also hold names that nobody
    knows ("organised by UNESCO?"). `polar`: only in a yes-or-no question.
    """

    needs: tuple[Names, ...]
    longest: int = 10_000
    names_too: bool = False
    polar: bool = False

    @classmethod
    def of(cls, line: str, longest: int = 10_000) -> Form:
        """Read "when event", "organise|sign *" or "place polar"."""
        words = line.split()
        needs = tuple(frozenset(word.split("|")) for word in words if word not in ("*", "polar"))
        return cls(needs, longest, names_too="*" in words, polar="polar" in words)

    def fits(self, names: Names, size: int, polar: bool) -> bool:
        """Whether a part of `size` tokens that says these names may be this form."""
        if size > self.longest or (self.polar and not polar):
            return False
        for need in self.needs:  # most forms end here; a generator takes twice as long
            if need.isdisjoint(names):
                return False
        # "have a nice evening" does not ask for the time
        return not self.is_of_times or names.isdisjoint(ALWAYS)

    @cached_property
    def is_of_times(self) -> bool:
        """Whether it is a catchword, or asks for nothing but a time."""
        return self.longest == FRAGMENT or frozenset().union(*self.needs) <= TIMES

    @cached_property
    def score(self) -> float:
        """How much had to be said; the event itself counts for nothing."""
        return sum(1 for need in self.needs if EVENT not in need) + (0.5 if self.polar else 0.0)


def distinct(needs: tuple[Names, ...], atoms: Sequence[Atom]) -> bool:
    """Whether different atoms meet the needs: one ambiguous word must not meet two of them."""
    if len(needs) < 2:
        return True
    free = list(atoms)
    for need in sorted(needs, key=lambda need: sum(1 for atom in atoms if atom.names & need)):
        fitting = (atom for atom in sorted(free, key=lambda atom: len(atom.names)) if atom.names & need)
        chosen = next(fitting, None)
        if chosen is None:
            return False
        free.remove(chosen)
    return True


def key_of(atoms: Iterable[Atom]) -> tuple[Names, ...]:
    """What a part says, whatever the order: equal for two ways of asking the same thing; () when unclear."""
    kept = {atom.names for atom in atoms if not atom.names <= ONLY_EVENT}
    if any(UNKNOWN in names for names in kept):
        return ()
    return tuple(sorted(kept, key=lambda names: sorted(names)))
