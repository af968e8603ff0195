"""What the words of one message ask, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

from bot.answers.claims import Claim
from bot.answers.compose import Composer, Moment
from bot.answers.dates import Day
from bot.answers.entities import Atom, Code
from bot.answers.forms import ATTRIBUTES, EVENT, ITEM, UNKNOWN
from bot.answers.judging import Match
from bot.answers.knowledge import Topic
from bot.answers.localtimes import Place
from bot.answers.naming import LAUNCH
from bot.answers.parts import Part, at_most
from bot.answers.premises import day_fits
from bot.answers.text import Sentence
from bot.answers.understanding import Understanding

# What is asked of an event that the words behind it tell apart: "title of the workshop in December".
OF_EVENTS = ATTRIBUTES | {"title", "programme", "organise", "register", "about"}
# What alone repeats a question: "…, at what time?"
BARE = frozenset({"when", "where", "who", "how", "cost", "start"})
# A question about one of these, with none of ours beside it, is not about the workshop.
OTHER_THINGS = frozenset({"subject", "code", "otherorg", "another"})
OWN_THINGS = frozenset({EVENT, "launch", "discuss", "programme", "segment", "register"})
PRICED = frozenset({"cost", "free", "money"})
# What may be all that is said of a thing named before.
ASKED_OF = ATTRIBUTES | {
    "venueword", "place", "persona", "over", "free", "obtain", "money", "must", "optional", "organise",
}  # fmt: skip

_QUESTION = frozenset({"questionword"})  # "one more question": it follows


class Asked:
    """Judges the parts of one message by their words, and leaves out those that ask nothing."""

    def __init__(
        self, composer: Composer, understanding: Understanding, moment: Moment, sentences: Sequence[Sentence]
    ) -> None:
        self.composer = composer
        self.understanding = understanding
        self.moment = moment
        self.sentences = sentences
        self._unknown: dict[str, bool] = {}

    @cached_property
    def parts(self) -> list[Part]:
        """What the message is cut into."""
        return self.understanding.splitter.parts(self.sentences)

    @cached_property
    def places(self) -> list[Atom]:
        """Every place and zone of the message, also those in what only tells something or leads to it."""
        led = [atom for part in self.parts for atom in self.understanding.reader.atoms(part.frame)]
        own = [atom for part in self.parts for atom in part.atoms]
        return [atom for atom in [*led, *own] if isinstance(atom.value, Place)]

    @cached_property
    def codes(self) -> list[Atom]:
        """Every number of a document in the message."""
        return [atom for part in self.parts for atom in part.atoms if isinstance(atom.value, Code)]

    @cached_property
    def is_registered(self) -> bool:
        """Whether the asker tells that they, or some of them, have registered."""
        words = self.understanding.splitter
        told = [part.norms for part in self.parts if not part.asked]
        return any(
            norm in words.enrolled
            and words.elsewhere.isdisjoint(norms)
            and (words.to_be | words.negations).isdisjoint(norms[:at])
            and (at < 2 or not words.selves.isdisjoint(norms[:at]))
            and norms[0] not in words.polar | words.conditions | words.wh
            for norms in told
            for at, norm in enumerate(norms)
        )

    def matches(self) -> list[Match]:
        """What is asked, by the words of each part that asks something."""
        return at_most([self._of_that_day(match) for match in self._asking(self._joined(self.judged()))])

    def unnamed(self, matches: Sequence[Match]) -> list[Match]:
        """The requests that name nothing known, which only their wording can tell apart."""
        kept = [match.part for match in matches]
        return [
            Match(part, None, places=self.places)
            for part in self.parts
            if part.request and not part.atoms and all(part is not other for other in kept)
        ]

    def without_scraps(self, matches: Sequence[Match]) -> list[Match]:
        """Without a word or two that nobody knows in a sentence that asks nothing: "Regards, M. Keller"."""
        asking = {part.sentence for part in self.parts if part.asked}
        kept = [
            match
            for match in matches
            if match.part.sentence in asking or len(match.part.tokens) > ITEM or match.names - {UNKNOWN}
        ]
        return kept or list(matches)

    def is_unknown(self, topic: Topic) -> bool:
        """Whether what a topic states has not been published."""
        if topic.id not in self._unknown:  # an expression is worked out once a message
            self._unknown[topic.id] = not self.composer.known(topic, self.moment)
        return self._unknown[topic.id]

    def answers(self, match: Match) -> bool:
        """Whether a match is of a topic that states something."""
        return (
            match.topic is not None and match.topic.front.kind == "topic" and not self.is_unknown(match.topic)
        )

    def claim(self, part: Part, atoms: list[Atom], polar: bool) -> Claim:
        """What a part takes for granted, with what it is held against."""
        moment = self.moment
        words = self.understanding.splitter
        amid = sum(other.sentence == part.sentence for other in self.parts) > 1
        told = frozenset(
            norm
            for other in self.parts
            if not other.request or other.sentence == part.sentence
            for norm in other.norms
        )
        return Claim(
            replace(part, atoms=atoms),
            polar,
            self.composer.config,
            moment.programme,
            moment.at,
            words,
            tuple(self._after(part)),
            amid,
            told,
        )

    def _after(self, part: Part) -> list[str]:
        """The words of its sentence that follow a part."""
        line = [token for token in self.sentences[part.sentence].tokens if token.kind != "mark"]
        last = next((at for at, token in enumerate(line) if token in part.tokens[-1:]), len(line))
        return [token.norm for token in line[last + 1 :]]

    def clause(self, item: Part) -> Part:
        """The part that an item of it was cut from: "is it organised by the union | and the bank?"."""
        whole = next(
            (part for part in self.parts if item.tokens[:1] in ([token] for token in part.tokens)), item
        )
        return whole if whole is item else replace(whole, atoms=self.understanding.reader.atoms(whole.tokens))

    def judged(self) -> list[Match]:
        """What each part asks; a sentence that tells the bot what to say asks nothing."""
        found = {id(part): self._judge(part) for part in self.parts if part.request}
        asks = any(not _is_small(match) for matches in found.values() for match in matches)
        for part in self.parts:
            if id(part) not in found:  # beside what is asked, what is told counts for what it names alone
                found[id(part)] = [self._told(part)] if asks else self._judge(part)
        matches = [match for part in self.parts for match in found[id(part)]]
        commands = {
            match.part.sentence
            for match in matches
            if any("injection" in atom.names for atom in match.part.atoms)
        }
        if commands and not any(part.asked for part in self.parts):
            commands = {part.sentence for part in self.parts}  # what stands beside them asks nothing
        return [
            Match(match.part, None, vetoed=True) if match.part.sentence in commands else match
            for match in matches
        ]

    def _told(self, part: Part) -> Match:
        part.atoms = self.understanding.reader.atoms(part.tokens)
        return Match(part, None)

    def _judge(self, part: Part) -> list[Match]:
        return self.understanding.judge.judge(part, self.is_unknown)

    def _joined(self, matches: list[Match]) -> list[Match]:
        """ "I have not registered yet, what must I do?": clear only together with what was told before."""
        made: list[Match] = []
        for match in matches:
            before = made[-1].part if made else None
            if match.topic is None and match.part.request and before is not None and not before.request:
                tokens = [*before.tokens, *match.part.tokens]
                joined = self._judge(Part(tokens, match.part.asked, True, match.part.sentence))
                topic = joined[0].topic
                if len(joined) == 1 and topic is not None and topic.front.kind == "topic":
                    made[-1] = joined[0]
                    continue
            made.append(match)
        return made

    def _asking(self, matches: list[Match]) -> list[Match]:
        """Leave out what only told something, when something was asked beside it; places told still count."""
        said = [match for match in matches if any(atom.names != _QUESTION for atom in match.part.atoms)]
        matches = said or matches
        requests = [match for match in matches if match.part.request and not _is_small(match)]
        if not requests:
            return [
                match for match in matches if match.topic and match.topic.front.kind == "topic"
            ] or matches
        requests = [
            match
            for match in requests
            if match.part.asked
            or not (match.topic is not None and match.topic.id == "status")
            or self.understanding.splitter.is_polar(match.part)
        ] or requests
        requests = [match for match in requests if not self._echoes(match, requests)]
        requests = [self._of_other_thing(match, matches) for match in requests]
        for match in requests:
            match.places = self.places
        return requests

    def _of_that_day(self, match: Match) -> Match:
        """ "Is the workshop in December free?" asks about another workshop; "is it in December?" does not."""
        atoms = match.part.atoms
        named = [atom for atom in atoms if "eventday" in atom.names]
        days = [
            replace(atom, names=frozenset({"date" if isinstance(atom.value, Day) else "span"}))
            for atom in named
        ]
        if days and day_fits(self.claim(match.part, days, polar=True)) is False:
            return Match(match.part, None, another_day=True)
        for at, (event, day) in enumerate(pairwise(atoms)):
            beside = EVENT in event.names and day.names & {"date", "span"} and 0 < day.start - event.end <= 5
            asked = any(atom.names & OF_EVENTS for atom in atoms[:at])
            behind = atoms[at + 2 :]
            if isinstance(day.value, tuple) and day.value[0] == "weekday":  # "… on Wednesday in Sydney?"
                behind = [atom for atom in behind if not isinstance(atom.value, Place)]
            premise = not behind and not asked and self.understanding.splitter.is_polar(match.part)
            if beside and not premise and day_fits(self.claim(match.part, [day], polar=True)) is False:
                return Match(match.part, None, another_day=True)
        return match

    def _echoes(self, match: Match, matches: Sequence[Match]) -> bool:
        """ "The film, at what time is it?": a repeated attribute of what was declined."""
        at = next(index for index, other in enumerate(matches) if other is match)
        before = matches[at - 1] if at else None
        if match.topic is None or before is None or before.part.sentence != match.part.sentence:
            return False
        splitter = self.understanding.splitter
        if before.part.norms[0] in splitter.selves | splitter.mine | splitter.context:
            return False  # it told something about the asker
        declined = before.topic is None or self.is_unknown(before.topic)
        said = {name for atom in before.part.atoms for name in atom.names}
        shared = any(atom.names & said for atom in match.part.atoms)
        bare = all(atom.names <= BARE for atom in match.part.atoms)
        named = "it" in match.part.norms and not splitter.opens(before.part.tokens, 0)
        return declined and bare and (shared or named)

    def _of_other_thing(self, match: Match, matches: Sequence[Match]) -> Match:
        """ "When was COP30, and in which city?": asked of that, not of the workshop."""
        at = next(index for index, other in enumerate(matches) if other is match)
        before = matches[at - 1] if at else None
        if match.topic is None or before is None or not before.part.request:
            return match
        said = {name for atom in before.part.atoms for name in atom.names}
        here = {name for atom in match.part.atoms for name in atom.names}
        if self.is_unknown(match.topic) and not here & PRICED:
            return match
        ours = OWN_THINGS if self._is_launched(said) else OWN_THINGS - {LAUNCH}
        if "another" in said:
            ours = ours - {EVENT}  # "when is the next SG5 meeting, and is it in Geneva?"
        elsewhere = bool(said & OTHER_THINGS) and not said & ours
        bare = bool(here) and not here & OWN_THINGS and all(a.names & ASKED_OF for a in match.part.atoms)
        referred = "it" in match.part.norms[:5] or (
            before.part.sentence == match.part.sentence and not self.answers(before)
        )
        return Match(match.part, None, vetoed=True) if elsewhere and bare and referred else match

    def _is_launched(self, said: frozenset[str] | set[str]) -> bool:
        """Whether the subject that is named, if any, is one that the workshop launches."""
        named = [one for one in self.composer.config.subjects if f"subject:{one.id}" in said]
        return not named or any(LAUNCH in one.text for one in named)


def _is_small(match: Match) -> bool:
    return match.topic is not None and match.topic.front.kind == "small_talk"
