"""Which topics an intent means in one message, by what the message names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.answers.forms import UNKNOWN
from bot.answers.judging import Match
from bot.answers.knowledge import Topic
from bot.answers.text import Sentence, fold, stem
from bot.answers.understanding import Language

ABOUT = frozenset({"about", "meaning"})
ABBREVIATION, LOCAL_TIME, STANDARDS = "abbreviation", "local-time", "standards"  # intents
ARRANGEMENTS, VENUE, DETAILS = "arrangements", "venue", "subject-details"  # likewise
THINGS, ON = frozenset({"anything", "something"}), frozenset({"on", "about"})
COMPARED = frozenset({"subject", "compare"})  # named, what is in a document is not all that is asked
NAMED = frozenset({"subject", "code", "segment"})  # of which the programme or the letter tells
VISAS = frozenset({"visa", "visas"})
PROGRAMME, COVERED = "programme", "covered"  # an intent; the topic of what may be covered
REGISTERING = "registration-details"  # an intent and its topic: deadline, confirmation, changes
SPEAKERS = "speakers"  # an intent and its topic
WHO_COMES = frozenset({"attends", "persona", UNKNOWN})  # "will the Chinese delegation attend?"
STILL = frozenset({"still"})
JOINS = frozenset({"join", "inperson"})
CALENDAR = "calendar-entry"  # a topic
LAUNCH = "launch"  # said of a thing, by a message and by the text about it
UNLISTED = "unlisted-standard"  # the topic of documents that are not shown
LISTED = "standards-details"  # the topic of what is in those that are


class Naming:
    """Finds the topics of an intent; of one that each subject has, those of the subjects meant."""

    def __init__(self, language: Language, sentences: Sequence[Sentence], matches: Sequence[Match]) -> None:
        self._language = language
        self._sentences = sentences
        self._matches = matches
        self._names = {name for match in matches for name in match.names}
        self._near = [topic for match in matches for topic in match.near]

    def topics(self, intent: str) -> list[Topic]:
        """The topics that answer an intent in this message."""
        if intent == STANDARDS and (unlisted := self._of_unlisted()):
            return unlisted
        inside = "listed" in self._names and self._names.isdisjoint(COMPARED)
        if intent == DETAILS and inside and LISTED in self._language.topics:
            return [self._language.topics[LISTED]]
        if intent in (PROGRAMME, "about") and COVERED in self._language.topics and self._asks_for_more:
            return [self._language.topics[COVERED]]
        if intent == SPEAKERS and any(match.names >= WHO_COMES for match in self._matches):
            found = [self._language.topics.get(one) for one in ("participation", SPEAKERS)]
            return [topic for topic in found if topic is not None]
        if intent == REGISTERING and any(
            JOINS & match.names and "persona" in match.names for match in self._matches
        ):
            found = [self._language.topics.get(one) for one in ("participation", REGISTERING)]
            return [topic for topic in found if topic is not None]
        if intent == REGISTERING and any(_must_or_still(match) for match in self._matches):
            found = [self._language.topics.get(one) for one in ("registration", REGISTERING)]
            return [topic for topic in found if topic is not None]
        if intent == ARRANGEMENTS and CALENDAR in self._language.topics and "calendar" in self._names:
            return [self._language.topics[CALENDAR]]
        if intent == ARRANGEMENTS and self._of_visas:
            intent = VENUE  # where nobody travels none is needed, nor a letter for one
        topics = [topic for topic in self._language.topics.values() if topic.intent == intent]
        if all(topic.item is None for topic in topics):
            return topics
        own_name = self._language.understanding.judge.own_name
        named = [topic for topic in topics if own_name(topic) in self._names]
        if intent == ABBREVIATION and not named and "zone_" in self._names:
            return self.topics(LOCAL_TIME)  # "what does CET mean": what time that is
        if intent == ABBREVIATION and not named and "subject" in self._names:
            return self.topics(DETAILS)  # "what does COP stand for", where nothing spells it out
        return named or [topic for topic in topics if topic in self._near] or self._told_apart(topics)

    @property
    def _asks_for_more(self) -> bool:
        """Whether something that the workshop's facts do not name is asked to be covered."""
        splitter = self._language.understanding.splitter
        for match in self._matches:
            sentence = [other for other in self._matches if other.part.sentence == match.part.sentence]
            names = {name for other in sentence for name in other.names}
            norms = [norm for norm in match.part.norms if norm not in splitter.lead_in]
            spoken = "discuss" in match.names or {"relate", PROGRAMME} <= match.names
            asked = spoken and splitter.polar.intersection(norms[:1])
            anything = THINGS.intersection(norms) and ON.intersection(norms)
            if UNKNOWN in names and (asked or anything) and not names & NAMED:
                return True
        return False

    @property
    def _of_visas(self) -> bool:
        if not self._language.understanding.reader.config.workshop.virtual:
            return False
        return any(token.norm in VISAS for sentence in self._sentences for token in sentence.tokens)

    def _told_apart(self, topics: Sequence[Topic]) -> list[Topic]:
        """The one whose item's names hold a word of the message that no other item's do.

        Else, in "what is the document they launch", the one that is launched.
        """
        said = {stem(token.norm) for sentence in self._sentences for token in sentence.tokens}
        bags = [_own_words(topic.item) for topic in topics]
        found = [
            topic
            for topic, bag in zip(topics, bags, strict=True)
            if said & bag - {word for other in bags if other is not bag for word in other}
        ]
        if not found and LAUNCH in self._names:
            found = [topic for topic in topics if LAUNCH in getattr(topic.item, "text", "")]
        return found if len(found) == 1 else []

    def _of_unlisted(self) -> list[Topic]:
        """What is told of a document that is not shown, where more is asked than whether it is."""
        splitter = self._language.understanding.splitter
        named = [match for match in self._matches if match.topic is not None and match.topic.id == UNLISTED]
        more = any(splitter.wh.intersection(match.part.norms) or ABOUT & match.names for match in named)
        polar = any(splitter.is_polar(match.part) for match in named)
        return [self._language.topics[UNLISTED]] if more and not polar else []


def _must_or_still(match: Match) -> bool:
    """ "Can we still register?", "must my whole team register?": one can or must; the rest is not known."""
    if "register" not in match.names:
        return False
    each = "must" in match.names and not match.names.isdisjoint(("persona", "behalf"))
    return each or bool(STILL & set(match.part.norms) and "open" not in match.names)


def _own_words(item: object) -> set[str]:
    """The words by which one of several items may be told: those of its names, or its short form."""
    words = re.findall(r"\w{4,}", fold(" ".join(getattr(item, "names", ()))))
    return {stem(word) for word in words or [fold(getattr(item, "short", ""))]}
