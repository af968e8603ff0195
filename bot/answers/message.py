"""One message: what its parts ask, which of them count, and the reply to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from bot.answers.compose import Composer, Moment, Said
from bot.answers.dates import Day
from bot.answers.entities import Atom
from bot.answers.forms import ATTRIBUTES, EVENT
from bot.answers.intents import Intents, is_latin
from bot.answers.judging import Match
from bot.answers.knowledge import Topic
from bot.answers.localtimes import Place
from bot.answers.model import Answer, Choice, Learned
from bot.answers.parts import Part
from bot.answers.premises import Claim, places_of, verdict
from bot.answers.reply import LONG, PANEL_LIMIT, framed, quotable
from bot.answers.text import Sentence, fold, stem
from bot.answers.understanding import Understanding
from bot.answers.weighing import PANEL_HOW, Likely, Verdict, Weighing
from bot.rendering import clip

# Topics that a question of opinion may look like.
OPEN_TO_OPINION = frozenset({
    "about", "participation", "findings", "standards", "subject", "subject-details", "organiser",
    "documents-access", "cost", "status",
})  # fmt: skip
# What is asked of an event that the words behind it tell apart: "title of the workshop in December".
OF_EVENTS = ATTRIBUTES | {"title", "programme", "organise", "register", "about"}

# Checks of who did something, which are of all that are named.
OF_SOMEBODY = frozenset({"organiser", "signatory"})

# What alone repeats a question: "…, at what time?"
BARE = frozenset({"when", "where", "who", "how", "cost", "start"})

ABOUT = frozenset({"about", "meaning"})
ABBREVIATION, LOCAL_TIME, STANDARDS = "abbreviation", "local-time", "standards"  # intents
LAUNCH = "launch"  # said of a thing, by a message and by the text about it
UNLISTED = "unlisted-standard"  # the topic of documents that are not shown

MANY_WORDS = 30  # in more of them, something about the asker is told as well

_QUESTION = frozenset({"questionword"})  # "one more question": it follows


@dataclass(frozen=True)
class Language:
    """What one language's folder holds, made ready."""

    code: str
    topics: dict[str, Topic]
    understanding: Understanding

    @cached_property
    def stating(self) -> frozenset[str]:
        """The intents whose answer files always state something."""
        return frozenset(topic.intent for topic in self.topics.values() if topic.front.known is True)


# A question about one of these, with none of ours beside it, is not about the workshop.
OTHER_THINGS = frozenset({"subject", "code", "otherorg", "another"})
OWN_THINGS = frozenset({EVENT, LAUNCH, "discuss", "programme", "segment", "register"})
# What may be all that is said of a thing named before.
ASKED_OF = ATTRIBUTES | {"venueword", "place", "persona", "over"}


class Message:
    """One message being read; `text` is cleaned."""

    def __init__(
        self,
        composer: Composer,
        language: Language,
        moment: Moment,
        text: str,
        learned: Sequence[Learned] = (),
    ) -> None:
        self.composer = composer
        self.language = language
        self.understanding = language.understanding
        self.moment = moment
        self.text = text
        self.learned = learned
        self._unknown: dict[str, bool] = {}
        self.sentences = self.understanding.reader.sentences(text)

    def reply(self) -> Answer:
        """The reply to the message."""
        panel = self.understanding.panel.panel_text(self.sentences, self.text)
        if panel is not None:
            return self._for_panel(panel)
        if self.learned and (found := self.understanding.learned(self.text, self.learned)) is not None:
            return self._learned(found)
        matches = [self._of_that_day(match) for match in self._asking(self._joined(self.matches()))]
        opinions = self._opinions(matches)
        matches = [match for match in matches if match not in opinions]
        whole = clip(" ".join(self.text.split()), PANEL_LIMIT)
        intents = self.understanding.intents
        if intents is None or not (matches or opinions) or not self._is_readable():
            put = opinions and not self._any_answers(matches)
            return self._for_panel(whole) if put else self._compose(matches)
        weighing = Weighing(
            self._topics_of([*opinions, *matches]), self._is_unknown, self.language.stating, self._is_long()
        )
        (likely,) = intents.read([self._wording()])
        verdict = self._weighed(intents, weighing, [*opinions, *matches], likely)
        judged = opinions and not weighing.is_no_opinion(likely)
        if verdict.panel or (judged and not self._any_answers(verdict.matches)):
            return self._for_panel("" if verdict.panel == PANEL_HOW else whole)
        return self._compose(self._with_premises(verdict.matches))

    def _with_premises(self, matches: Sequence[Match]) -> list[Match]:
        """ "So it is in Geneva on the 26th?": of a place and a day, both are held against the facts."""
        made: list[Match] = []
        for match in matches:
            topic, part = match.topic, match.part
            polar = topic is not None and self.understanding.splitter.is_polar(part)
            also = None
            if polar and topic is not None and topic.front.check == "mode":
                fits = self._claim(match, part.atoms, polar).day_fits()
                also = self.language.topics.get("when") if fits is False else None
            elif polar and topic is not None and topic.front.check == "when" and _placed(part):
                also = self.language.topics.get("venue")
            made.append(match)
            if also is not None and all(other.topic is not also for other in matches):
                made.append(Match(part, also, match.confidence))
        return made

    def _any_answers(self, matches: Sequence[Match]) -> bool:
        return any(self._answers(match) for match in matches)

    def _is_readable(self) -> bool:
        """Whether the message is made of words, in letters that the encoder has read."""
        words = [token for sentence in self.sentences for token in sentence.tokens if token.kind == "word"]
        letters = "".join(token.raw for token in words)
        return sum(is_latin(letter) for letter in letters) * 2 > len(letters)

    def _weighed(self, intents: Intents, weighing: Weighing, matches: list[Match], whole: Likely) -> Verdict:
        """What the message asks, by its words and by its wording: as one text, else part by part.

        A message that reads as one question may still hold another, much shorter one: it is cut where two
        of its parts, each read by itself, certainly ask different things.
        """
        matches = [*matches, *self._unnamed(matches)]
        if len(matches) == 1:
            return weighing.weigh(matches, whole)
        texts = [" ".join(token.norm for token in match.part.tokens) for match in matches]
        parts = list(zip(matches, intents.read(texts), strict=True))
        if not weighing.differ(parts) and weighing.is_single(matches, whole):
            return weighing.weigh(matches, whole)
        verdicts: list[Verdict] = []
        asking = weighing.asking(parts, whole)
        for match, own in asking:
            likely = {intent: (own[intent] + whole[intent]) / 2 for intent in whole}
            verdicts.append(weighing.weigh([match], likely))
        if not any(match.topic for verdict in verdicts for match in verdict.matches):
            return weighing.weigh(matches, whole)
        panels = [verdict.panel for verdict in verdicts if verdict.panel]
        answers = [verdict.matches for verdict in verdicts if not verdict.panel]
        # What a part asks besides is left to the part that asks it.
        first = [found[0].topic for found in answers]
        made = [
            match for found in answers for match in found if match is found[0] or match.topic not in first
        ]
        return Verdict(made, "" if self._any_answers(made) or not panels else panels[0])

    def _unnamed(self, matches: Sequence[Match]) -> list[Match]:
        """The requests that name nothing known, which only their wording can tell apart."""
        kept = [match.part for match in matches]
        return [
            Match(part, None)
            for part in self.parts
            if part.request and not part.atoms and all(part is not other for other in kept)
        ]

    def _is_long(self) -> bool:
        return sum(len(sentence.tokens) for sentence in self.sentences) > MANY_WORDS

    def _wording(self) -> str:
        """The text with slips mended; in this language's words where it was another's."""
        tokens = [token for sentence in self.sentences for token in sentence.tokens]
        if any(token.translated for token in tokens):
            return " ".join(token.norm for token in tokens)
        text = self.text
        for token in reversed(tokens):
            if token.corrected:
                text = text[: token.start] + token.norm + text[token.end :]
        return text

    def _topics_of(self, matches: Sequence[Match]) -> Callable[[str], list[Topic]]:
        """Finds the topics of an intent; of one that each subject has, those of the subjects meant."""
        names = [name for match in matches for atom in match.part.atoms for name in sorted(atom.names)]
        near = [topic for match in matches for topic in match.near]

        def find(intent: str) -> list[Topic]:
            if intent == STANDARDS and (unlisted := self._of_unlisted(matches)):
                return unlisted
            topics = [topic for topic in self.language.topics.values() if topic.intent == intent]
            if any(topic.item is not None for topic in topics):
                judge = self.understanding.judge
                named = [topic for topic in topics if judge.own_name(topic) in names]
                if intent == ABBREVIATION and not named and "zone_" in names:
                    return find(LOCAL_TIME)  # "what does CET mean": what time that is
                return (
                    named or [topic for topic in topics if topic in near] or self._told_apart(topics, names)
                )
            return topics

        return find

    def _told_apart(self, topics: Sequence[Topic], names: Sequence[str]) -> list[Topic]:
        """The one whose item's names hold a word of the message that no other item's do.

        Else, in "what is the document they launch", the one that is launched.
        """
        said = {stem(token.norm) for sentence in self.sentences for token in sentence.tokens}
        bags = [_own_words(topic.item) for topic in topics]
        found = [
            topic
            for topic, bag in zip(topics, bags, strict=True)
            if said & bag - {word for other in bags if other is not bag for word in other}
        ]
        if not found and LAUNCH in names:
            found = [topic for topic in topics if LAUNCH in getattr(topic.item, "text", "")]
        return found if len(found) == 1 else []

    def _of_unlisted(self, matches: Sequence[Match]) -> list[Topic]:
        """What is told of a document that is not shown, where more is asked than whether it is."""
        named = [match for match in matches if match.topic is not None and match.topic.id == UNLISTED]
        wh = self.understanding.splitter.wh
        more = any(wh.intersection(match.part.norms) or ABOUT & match.names for match in named)
        polar = any(self.understanding.splitter.is_polar(match.part) for match in named)
        return [self.language.topics[UNLISTED]] if more and not polar else []

    @cached_property
    def parts(self) -> list[Part]:
        """What the message is cut into."""
        return self.understanding.splitter.parts(self.sentences)

    def matches(self) -> list[Match]:
        """What each part asks; a sentence that tells the bot what to say asks nothing."""
        matches = [match for part in self.parts for match in self._judge(part)]
        commands = {
            match.part.sentence
            for match in matches
            if any("injection" in atom.names for atom in match.part.atoms)
        }
        return [
            Match(match.part, None, vetoed=True) if match.part.sentence in commands else match
            for match in matches
        ]

    def _judge(self, part: Part) -> list[Match]:
        return self.understanding.judge.judge(part, self._is_unknown)

    def _is_unknown(self, topic: Topic) -> bool:
        if topic.id not in self._unknown:  # an expression is worked out once a message
            self._unknown[topic.id] = not self.composer.known(topic, self.moment)
        return self._unknown[topic.id]

    def _answers(self, match: Match) -> bool:
        return (
            match.topic is not None
            and match.topic.front.kind == "topic"
            and not self._is_unknown(match.topic)
        )

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
        requests = [
            match
            for match in matches
            if match.part.request and not (match.topic is not None and match.topic.front.kind == "small_talk")
        ]
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
        named = [atom for match in matches for atom in match.part.atoms if isinstance(atom.value, Place)]
        for match in requests:
            match.places = named
        return requests

    def _of_that_day(self, match: Match) -> Match:
        """ "Is the workshop in December free?" asks about another workshop; "is it in December?" does not."""
        atoms = match.part.atoms
        named = [atom for atom in atoms if "eventday" in atom.names]
        days = [
            replace(atom, names=frozenset({"date" if isinstance(atom.value, Day) else "span"}))
            for atom in named
        ]
        if days and self._claim(match, days, polar=True).day_fits() is False:
            return Match(match.part, None, another_day=True)
        for at, (event, day) in enumerate(pairwise(atoms)):
            beside = EVENT in event.names and day.names & {"date", "span"} and 0 < day.start - event.end <= 5
            asked = any(atom.names & OF_EVENTS for atom in atoms[:at])
            premise = at + 2 == len(atoms) and not asked and self.understanding.splitter.is_polar(match.part)
            if beside and not premise and self._claim(match, [day], polar=True).day_fits() is False:
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
        declined = before.topic is None or self._is_unknown(before.topic)
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
        elsewhere = bool(said & OTHER_THINGS) and not said & OWN_THINGS
        bare = bool(here) and not here & OWN_THINGS and all(a.names & ASKED_OF for a in match.part.atoms)
        referred = "it" in match.part.norms[:3] or (
            before.part.sentence == match.part.sentence and not self._answers(before)
        )
        return Match(match.part, None, vetoed=True) if elsewhere and bare and referred else match

    def _opinions(self, matches: Sequence[Match]) -> list[Match]:
        """The parts that ask for a judgement, on their own or in their whole sentence."""
        whole = {
            number
            for number, sentence in enumerate(self.sentences)
            if self.understanding.panel.is_opinion(self._as_part(sentence))
        }
        return [match for match in matches if self._is_opinion(match, match.part.sentence in whole)]

    def _as_part(self, sentence: Sentence) -> Part:
        part = Part(sentence.tokens, sentence.asked)
        part.atoms = self.understanding.reader.atoms(part.tokens)
        return part

    def _is_opinion(self, match: Match, whole: bool) -> bool:
        if not whole and not self.understanding.panel.is_opinion(match.part):
            return False
        if match.topic is None or self._is_unknown(match.topic):
            return True
        about_event = any(atom.names == {EVENT} for atom in match.part.atoms)
        return match.topic.id.split(":")[0] in OPEN_TO_OPINION and not about_event

    def _for_panel(self, question: str) -> Answer:
        text = self.composer.frame("panel", self.moment, question=quotable(question))
        asked = clip(question, PANEL_LIMIT) or None
        return Answer("panel_question", text, self.moment.lang, confidence=0.9, panel_text=asked)

    def _learned(self, found: Learned) -> Answer:
        topic = self.language.topics.get(found.topic) if found.topic else None
        if topic is not None:
            return framed(
                self.composer, [self.composer.say(topic, self.moment)], [], self.moment, confidence=0.95
            )
        text = self.composer.frame("learned", self.moment, answer=found.answer, source=found.source)
        topics, sources = (f"learned:{found.id}",), (found.source,)
        return Answer("answered", text, self.moment.lang, topics, sources, confidence=0.95)

    def _compose(self, matches: list[Match]) -> Answer:
        said: list[Said] = []
        declined: list[str] = []
        for match in matches:
            if match.topic is None:
                quoted = match.part.quoted(self.text)
                if quoted and quoted not in declined:
                    declined.append(quoted)
            elif all(one.topic != match.topic.id for one in said):
                said.append(self._say(match, match.topic))
        if not said and not declined:
            declined.append(clip(" ".join(self.text.split()), PANEL_LIMIT))
        choices: tuple[Choice, ...] = ()
        if not any(one.kind == "topic" for one in said) and len(matches) == 1:
            near = [topic for topic in matches[0].near if topic.front.kind == "topic"]
            choices = tuple(Choice(topic.id, topic.label) for topic in near)
        return framed(
            self.composer,
            said,
            declined,
            self.moment,
            confidence=min((match.confidence for match in matches if match.topic is not None), default=1.0),
            choices=choices,
            foreign=not said and self.understanding.reader.is_foreign(self.sentences),
            long=len(self.text) > LONG,
        )

    def _say(self, match: Match, topic: Topic) -> Said:
        told = match.places if topic.front.check == "when" else []
        atoms = [*match.part.atoms, *(atom for atom in told if atom not in match.part.atoms)]
        part = self._clause(match.part) if topic.front.check in OF_SOMEBODY else match.part
        claim = self._claim(match, part.atoms, self.understanding.splitter.is_polar(match.part))
        one = self.composer.say(
            topic,
            self.moment,
            verdict=verdict(topic.front.check, claim),
            polar=claim.polar,
            places=places_of(atoms),
            atoms=atoms,
        )
        one.question = match.part.quoted(self.text)
        return one

    def _clause(self, item: Part) -> Part:
        """The part that an item of it was cut from: "is it organised by the union | and the bank?"."""
        whole = next(
            (part for part in self.parts if item.tokens[:1] in ([token] for token in part.tokens)), item
        )
        return whole if whole is item else replace(whole, atoms=self.understanding.reader.atoms(whole.tokens))

    def _claim(self, match: Match, atoms: list[Atom], polar: bool) -> Claim:
        part = replace(match.part, atoms=atoms)
        splitter = self.understanding.splitter
        moment = self.moment
        return Claim(
            part,
            polar,
            self.composer.config,
            moment.programme,
            moment.at,
            splitter.negations,
            splitter.polar,
            splitter.less,
            splitter.more,
        )


def _own_words(item: object) -> set[str]:
    """The words by which one of several items may be told: those of its names, or its short form."""
    words = re.findall(r"\w{4,}", fold(" ".join(getattr(item, "names", ()))))
    return {stem(word) for word in words or [fold(getattr(item, "short", ""))]}


def _placed(part: Part) -> bool:
    """Whether a place is said of the workshop, and a day besides.

    "Is it in Geneva on Tuesday?", "is the 25 November workshop in Geneva?"
    """
    told = {"place", "date", "span", "clock", "when", "start", "end", "eventday"}
    said = [kind for atom in part.atoms if (kind := atom.names & told)]
    if len(said) < 2:
        return False
    days = said[1:] if "place" in said[0] else said[:-1] if "place" in said[-1] else []
    named = all("eventday" in kind for kind in days)
    return bool(days) and (named or ("place" in said[0] and all(kind & {"date", "span"} for kind in days)))
