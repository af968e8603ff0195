"""What the words of a part prove, weighed against what its wording most likely asks.

`judging` claims a topic only when every word is accounted for, so it misses unusual wordings and, rarely,
takes a word for another; `intents` has read thousands of wordings but no facts. Where both name a topic it
is answered; where they differ, it takes a likelihood to overrule words, and more of it to state something
than to decline. The limits were chosen on questions the encoder was not trained on (bench/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.answers.forms import EVENT, ITEM, UNKNOWN
from bot.answers.judging import Match
from bot.answers.knowledge import Topic
from bot.answers.parts import Part

CONFIRMS = 0.20  # an intent this likely confirms the topic that the words name
ALLOWS = 0.05  # beside a confirmed topic, another one that the words name is believed from here on
BESIDE = 0.10  # words that name several topics are believed from here on, each for its part
REPLACES = 0.30  # a known intent this likely replaces a topic that it does not confirm
OVERRULES = 0.50  # anything else this likely overrules words that name a known topic
DENIES = 0.70  # so does `off` from here on
DECLINES = 0.65  # a known intent this likely overrules words that name something unpublished
CERTAIN = 0.80  # an intent this likely is asked of the workshop even where words name another thing
SURE = 0.97  # and where the event itself is called another
ALONE = 0.50  # an intent this likely is believed without words
HINTS = 0.30  # an unpublished topic this likely says better than nothing what is not known
SECOND = 0.10  # the second of two intents of one part
EQUAL = 0.40  # the second of two intents, of which one states something and one is not published
TOGETHER = 0.66  # what two intents of one part must come to
NEAR = 0.06  # what was not answered is offered as a reading from here on
TELLS = 0.40  # beside others, a part is left out that asks nothing as likely as this
SINGLE = 0.85  # an intent of the whole message this likely is the only one
ALMOST, FAINT = 0.60, 0.15  # so is one this likely where the next is no likelier than that

PANEL = "panel"  # put to the panel
PANEL_HOW = "panel-howto"  # asks how to put a question to the panel
OTHER = frozenset({"another", "other", "other-events"})  # names of an event that is not the workshop
APART = frozenset({PANEL, PANEL_HOW})  # intents that no answer file answers
CONTEXT, CHATTER = "context", "chatter"  # tells about the asker · a remark
ASKS_NOTHING = (CONTEXT, CHATTER, "greeting", "thanks", "goodbye")
VENUE = "venue"  # where it is, and coming there
OFF = "off"  # nothing about the workshop is asked
GENERAL = ("about", "programme", "when")  # as which a thing reads that no wording knows
NAMES_IT = ("about", "title")  # intents, as which a workshop named by its subject reads
ELSEWHERE = frozenset({OFF, "other-events"})
OWN = (
    "segment:",
    "subject:",
    "eventday",
)  # names of this workshop's own things and day, which no wording knows

LOCAL_TIME, MY_TIME = "local-time", "mytime"  # when it is "for me" may read as when it is

Likely = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The topics to answer with, or that the message is for the panel (`panel` names the intent).

    `put` are the parts beside what is answered that are for the panel, as the intent and the part.
    """

    matches: list[Match]
    panel: str = ""
    put: tuple[tuple[str, Part], ...] = ()


@dataclass(frozen=True, slots=True)
class Weighing:
    """Weighs one message.

    `find` gives the topics of an intent, those of the things named where each has its own; `unknown` tells
    which state nothing; `stating` are the intents whose files always state something; `checked` tells whether
    a part claims what is so or is not, `opens` whether it begins as a question of its own. A `placeless`
    workshop has no place to travel to. In a `long` message, where much is told beside what is asked, words
    alone prove nothing.
    """

    find: Callable[[str], Sequence[Topic]]
    unknown: Callable[[Topic], bool]
    stating: Collection[str]
    long: bool = False
    checked: Callable[[Match], bool] = lambda match: False
    opens: Callable[[Part], bool] = lambda part: False
    placeless: bool = False

    def weigh(self, matches: Sequence[Match], likely: Likely) -> Verdict:
        """Decide what is asked by the parts that `matches` judged, read as one text."""
        lead = max(likely, key=lambda intent: likely[intent])
        chance = likely[lead]
        travels = self.placeless and any("inperson" in match.names for match in matches)
        if lead == OFF and chance < CERTAIN and travels and likely.get(VENUE, 0.0) >= CONFIRMS:
            lead = VENUE  # a hotel or a visa is asked for because nobody has told that there is no place
        if lead == CONTEXT and not self.long:
            lead = CHATTER  # somebody tells who they are: no question, and no reason to call organisers
        if self.long:
            borne = [self.is_borne(match, likely, likely) for match in matches]
            matches = [
                match if kept else Match(match.part, None) for match, kept in zip(matches, borne, strict=True)
            ]
        known = [match for match in matches if self._states(match)]
        confirmed = [match for match in known if _likely(match, likely) >= CONFIRMS]
        if confirmed:
            about = {_about(match.topic.intent) for match in confirmed if match.topic}
            confirmed = [
                match
                for match in known
                if _likely(match, likely)
                >= (BESIDE if match.topic and _about(match.topic.intent) in about else ALLOWS)
            ]
            whole = any(match.topic and match.topic.intent not in likely for match in confirmed)
            also = [] if whole else [topic for topic in self._led(likely) if self._is_new(topic, confirmed)]
            denied = [match for match in matches if match.vetoed]
            return Verdict([*confirmed, *(self._made(matches, also, likely) if also else denied)])
        named_other = any(match.names & OTHER for match in matches)
        vetoed = any(match.vetoed or match.another_day for match in matches)
        sure = any("another" in match.names and not self.checked(match) for match in matches)
        if (
            vetoed
            or (named_other and chance < (SURE if sure else CERTAIN))
            or _is_noise(matches, lead, chance)
        ):
            return Verdict(list(matches))
        if lead in ASKS_NOTHING and self._is_remark(matches, likely):
            return Verdict(self._made(matches, self.find(lead), likely))
        if lead in ELSEWHERE and (named := [match for match in known if _names_own(match)]):
            return Verdict(named)
        claimed = [match for match in known if self.checked(match) and EVENT in match.names]
        if lead in NAMES_IT and claimed:
            return Verdict(claimed)  # it was named at length, and something was claimed of it
        meant = [match for match in known if _likely(match, likely) >= ALLOWS]
        meant = meant or [match for match in known if self.checked(match)]
        if lead in self.stating and meant and not self.find(lead):
            return Verdict(meant)
        states = any(topic.front.kind == "topic" and not self.unknown(topic) for topic in self.find(lead))
        apart = states and not any(_names_own(match) or self.checked(match) for match in known)
        own_thing = any(match.topic is not None and match.topic.item is not None for match in known)
        overrules = DENIES if lead == OFF or own_thing else OVERRULES
        least = REPLACES if known and apart else overrules if known else ALONE
        if not known and any(match.topic is not None for match in matches):
            # A topic that no wording knows is known by its words alone.
            own = any(m.topic and m.topic.absorbs and m.topic.intent not in likely for m in matches)
            there = any(match.part.norms[1:2] == ["there"] for match in matches)  # "will there be a Q&A?"
            put = lead == PANEL or (lead == PANEL_HOW and not there)
            enough = SURE if lead in GENERAL else CERTAIN
            if own and not put and not self._is_small(lead) and (not states or chance < enough):
                return Verdict(list(matches))
            least = CERTAIN if lead == "about" else DECLINES if states else least
        if lead in APART and chance >= ALONE:
            return Verdict(list(matches), lead)
        if chance >= least:
            return Verdict(self._made(matches, self._led(likely) or self.find(lead), likely))
        if (topics := self._led(likely)) and not known:
            return Verdict(self._made(matches, topics, likely))
        if known or any(match.topic is not None for match in matches):
            return Verdict(list(matches))
        hinted = [topic for topic in self.find(lead) if self.unknown(topic)] if chance >= HINTS else []
        return Verdict(self._made(matches, hinted, likely))

    def _is_remark(self, matches: Sequence[Match], likely: Likely) -> bool:
        """ "Great initiative, thank you": nothing is asked, whatever the words name."""
        named = any(match.topic is not None for match in matches)
        nothing = (*ASKS_NOTHING, OFF) if named else ASKS_NOTHING
        other = max(chance for intent, chance in likely.items() if intent not in nothing)
        asked = any(match.part.asked for match in matches)
        return not asked and other < CONFIRMS and _telling(likely) >= OVERRULES

    def _is_small(self, intent: str) -> bool:
        return any(topic.front.kind == "small_talk" for topic in self.find(intent))

    def is_single(self, matches: Sequence[Match], likely: Likely) -> bool:
        """Whether a message reads as one question, whatever parts it was cut into."""
        apart = len({match.part.sentence for match in matches}) > 1
        asked = [match for match in matches if match.part.asked and self._states(match)]
        denied = any(_likely(match, likely) < CONFIRMS for match in asked)
        topics = {match.topic.id for match in matches if match.topic is not None}
        several = 1 < len(topics) == len(matches) and all(_likely(m, likely) >= BESIDE for m in matches)
        named = any(EVENT in match.names and self._states(match) for match in matches)
        if named and len(matches) > 1 and _lead(likely) == OFF:
            return False  # "When is the workshop and what is the capital of France?"
        first, second = sorted(likely.values())[-1:-3:-1]
        leads = first >= SINGLE or (first >= ALMOST and second <= FAINT)
        return leads and not (apart and denied) and not several

    def allows_two(self, matches: Sequence[Match], whole: Likely) -> bool:
        """Whether a message may ask two things: read as a whole, or by its question marks or words."""
        named = self._named([(match, match.topic.intent) for match in matches if match.topic], matches)
        return named > 1 or len(self._allowed(whole)) > 1 or _asks_twice(matches)

    def differ(self, parts: Sequence[tuple[Match, Likely]], whole: Likely) -> bool:
        """Whether two parts, each read by itself, certainly ask different things.

        The whole has to allow it, unless each has its own question mark, or names itself what it asks.
        """
        leads = {_lead(own) for match, own in parts if self.asks_surely(match, own)}
        agreed = [(match, _lead(own)) for match, own in parts if _is_named(match, own)]
        if self._named(agreed, [match for match, _ in parts]) > 1:
            return True
        if _asks_twice([match for match, own in parts if self.asks_surely(match, own)]):
            return len(leads.difference(ASKS_NOTHING, (OFF,))) > 1
        return len({_about(intent) for intent in leads & self._allowed(whole)}) > 1

    def _named(self, found: Sequence[tuple[Match, str]], matches: Sequence[Match]) -> int:
        """How many things are asked in so many words: by questions of their own, or by items of a list."""
        listed = all(match.topic is not None and len(match.part.tokens) <= ITEM for match in matches)
        about = {_about(intent) for match, intent in found if listed or self.opens(match.part)}
        return len(about.difference(ASKS_NOTHING))

    def _allowed(self, whole: Likely) -> set[str]:
        asked = {intent for intent, chance in whole.items() if chance >= ALLOWS}
        return asked.difference(ASKS_NOTHING, (OFF,))

    def asking(self, parts: Sequence[tuple[Match, Likely]], whole: Likely) -> list[tuple[Match, Likely]]:
        """The parts that ask, each without the topic that its words name where nothing bears it out."""
        asking = []
        for match, own in parts:
            borne = self.is_borne(match, own, whole)
            denied = _lead(own) in APART and "not" in match.names  # "not a question for the speakers"
            if not is_telling(own) and not denied and (borne or self.asks_surely(match, own)):
                asking.append((match if borne else Match(match.part, None), own))
        return asking

    def left(self, parts: Sequence[tuple[Match, Likely]], told: Sequence[Match]) -> list[Match]:
        """The questions with a mark of their own that what is told hardly answers: they are declined."""
        if not _asks_twice([match for match, _ in parts]):
            return []
        intents = {match.topic.intent for match in told if match.topic is not None}
        left = [
            Match(match.part, None)
            for match, own in parts
            if match.part.asked
            and self.opens(match.part)
            and sum(own.get(intent, 1.0) for intent in intents) < FAINT
            and _lead(own) not in ASKS_NOTHING
        ]
        return left if intents and len(left) < len(parts) else []

    def is_borne(self, match: Match, own: Likely, whole: Likely) -> bool:
        """Whether a part may state what its words name, as itself is read or the message as a whole."""
        likely = _likely(match, whole) >= ALLOWS or _likely(match, own) >= CONFIRMS
        there = "where" in match.names and _lead(own) == "page"  # "where is the programme"
        claimed = EVENT in match.names and match.part.asked and self.checked(match)
        return not self._states(match) or likely or there or claimed

    def is_no_opinion(self, likely: Likely) -> bool:
        """Whether what sounds like a matter of opinion is most likely something else."""
        return any(chance >= OVERRULES for intent, chance in likely.items() if intent not in APART)

    def asks_surely(self, match: Match, own: Likely) -> bool:
        """Whether a part, read by itself, is sure to ask what it most likely asks."""
        lead = _lead(own)
        certain = not self.long or match.part.asked or own[lead] >= SINGLE
        asks = match.part.request and certain
        agreed = match.topic is not None and _about(match.topic.intent) == _about(lead)
        return asks and own[lead] >= (ALMOST if agreed else CERTAIN)

    def _states(self, match: Match) -> bool:
        topic = match.topic
        return topic is not None and topic.front.kind == "topic" and not self.unknown(topic)

    def _led(self, likely: Likely) -> list[Topic]:
        """The topics of two intents that share a part between them; none where one or three lead."""
        first, second = sorted(likely, key=lambda intent: -likely[intent])[:2]
        if likely[second] < SECOND or likely[first] + likely[second] < TOGETHER:
            return []
        found = [self.find(first), self.find(second)]
        if not all(found):
            return []
        topics = [topic for some in found for topic in some]
        apart = {self.unknown(topic) for topic in topics}
        return topics if len(apart) == 1 or likely[second] >= EQUAL else list(found[0])

    def _is_new(self, topic: Topic, confirmed: Sequence[Match]) -> bool:
        return all(match.topic is not None and match.topic.intent != topic.intent for match in confirmed)

    def _made(self, matches: Sequence[Match], topics: Sequence[Topic], likely: Likely) -> list[Match]:
        """Matches of the topics, each with the part that says most of it; one without topic for none."""
        part = _fullest(matches)
        places = [atom for match in matches for atom in match.places]
        made = []
        for topic in topics:
            same = next((match for match in matches if match.topic is topic), None)
            chance = likely.get(topic.intent, likely[_lead(likely)])  # a topic whose name no wording has
            made.append(same or Match(part, topic, round(chance, 2), places=places))
        near = self._near(likely) or tuple(topic for match in matches for topic in match.near)[:2]
        return made or [Match(part, None, near=near)]

    def _near(self, likely: Likely) -> tuple[Topic, ...]:
        """What may have been meant by a part that is not answered: the readings to offer."""
        intents = sorted(
            (intent for intent in likely if likely[intent] >= NEAR), key=lambda one: -likely[one]
        )
        topics = [topic for intent in intents[:3] for topic in self.find(intent)]
        return tuple(topic for topic in topics if topic.front.kind == "topic" and not self.unknown(topic))[:2]


def _asks_twice(matches: Sequence[Match]) -> bool:
    """Whether two sentences end in a question mark."""
    return len({match.part.sentence for match in matches if match.part.asked}) > 1


def _is_noise(matches: Sequence[Match], lead: str, chance: float) -> bool:
    """ "abc": one word that nobody knows, and that is no greeting for sure."""
    alone = len(matches) == 1 and len(matches[0].part.tokens) == 1 and matches[0].names == {UNKNOWN}
    return alone and lead in ASKS_NOTHING and chance < DECLINES


def _is_named(match: Match, own: Likely) -> bool:
    """Whether the words of a part ask what it is sure to ask as it is read."""
    lead = _lead(own)
    return match.topic is not None and match.topic.intent == lead and own[lead] >= CERTAIN


def _about(intent: str) -> str:
    """What an intent is about: hours are hours, in whatever zone."""
    return "when" if intent == LOCAL_TIME else intent


def _lead(likely: Likely) -> str:
    return max(likely, key=lambda intent: likely[intent])


def is_telling(likely: Likely) -> bool:
    """Whether a part most likely only tells something about the asker, or is small talk."""
    return _telling(likely) >= TELLS


def _telling(likely: Likely) -> float:
    return sum(likely.get(intent, 0.0) for intent in ASKS_NOTHING)


def _likely(match: Match, likely: Likely) -> float:
    """How likely the topic of a match is asked; one of an intent that no wording knows, certainly."""
    if match.topic is None:
        return 0.0
    intent = match.topic.intent
    also = likely.get("when", 0.0) if intent == LOCAL_TIME and MY_TIME in match.names else 0.0
    return likely.get(intent, 1.0) + also


def _names_own(match: Match) -> bool:
    item = match.topic.item if match.topic is not None else None
    return item is not None or any(name.startswith(OWN) for name in match.names)


def _fullest(matches: Sequence[Match]) -> Part:
    return max((match.part for match in matches), key=lambda part: (part.asked, len(part.tokens)))
