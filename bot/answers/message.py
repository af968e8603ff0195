"""One message: what it asks, by its words and by its wording, and the reply to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

from bot.answers.asked import Asked
from bot.answers.compose import Composer, Moment, Said
from bot.answers.entities import Atom
from bot.answers.forms import EVENT, ITEM, KEYS, UNKNOWN
from bot.answers.intents import Intents, is_latin
from bot.answers.judging import Match
from bot.answers.knowledge import Topic
from bot.answers.localtimes import Clock, Place
from bot.answers.model import Answer, Choice, Learned
from bot.answers.naming import COVERED, LAUNCH, REGISTERING, STANDARDS, Naming
from bot.answers.panel import Put
from bot.answers.parts import Part
from bot.answers.premises import day_fits, narrowed, places_of, verdict
from bot.answers.reply import LONG, PANEL_LIMIT, framed, quotable
from bot.answers.text import Sentence, fold
from bot.answers.understanding import Language
from bot.answers.weighing import CONFIRMS, DECLINES, PANEL_HOW, Likely, Verdict, Weighing
from bot.rendering import clip

# Topics that a question of opinion may look like.
OPEN_TO_OPINION = frozenset({
    "about", "participation", "findings", "standards", "subject", "subject-details", "organiser",
    "documents-access", "cost", "status",
})  # fmt: skip
# Checks of who did something, which are of all that are named.
OF_SOMEBODY = frozenset({"organiser", "signatory"})

HOURS = frozenset({"when", "local-time"})  # topics
IN_PART = "in-part"  # the topic of coming late and leaving early
WHEN = frozenset({"when", "mytime"})
OF_AN_HOUR = frozenset({"when", "clockword", "start", "end", "duration", "untilword", REGISTERING})
TO_GET_IN = frozenset({"registration", "now-next"})  # topics, of which whoever has registered means another

# What a claim is of: where the reply does not come to it, no Yes or No is said to what stands beside it.
CLAIMED = KEYS | {
    UNKNOWN, "place", "zone_", "subject", "listed", "unlisted", "code", "clock", "date", "span",
    "person", "recording",
}  # fmt: skip

FEW_WORDS = 3
GREETINGS = frozenset({"greeting", "thanks", "goodbye"})  # topics
MANY_WORDS = 30  # in more of them, something about the asker is told as well


class Message:
    """One message being read; `text` is cleaned."""

    def __init__(
        self,
        composer: Composer,
        language: Language,
        moment: Moment,
        text: str,
        learned: Sequence[Learned] = (),
        put: str = "",
    ) -> None:
        """`put` is a question for the panel that stood beside the text."""
        self.composer = composer
        self.language = language
        self.understanding = language.understanding
        self.moment = moment
        self.text = text
        self.learned = learned
        self.put = put
        self.sentences = self.understanding.reader.sentences(text)
        self.asked = Asked(composer, language.understanding, moment, self.sentences)

    def reply(self) -> Answer:
        """The reply to the message."""
        put = None if self.put else self.understanding.panel.put(self.sentences, self.text)
        if put is not None:
            return self._beside(put) or self._for_panel(put.question)
        if self.learned and (found := self.understanding.learned(self.text, self.learned)) is not None:
            return self._learned(found)
        matches = self.asked.matches()
        if self._only_greets(matches):
            return self._compose(matches)
        opinions = self._opinions(matches)
        matches = [match for match in matches if match not in opinions]
        whole = clip(" ".join(self.text.split()), PANEL_LIMIT)
        intents = self.understanding.intents
        if intents is None or not (matches or opinions) or not self._is_readable():
            judged = opinions and not self._any_answers(matches)
            return self._for_panel(whole) if judged else self._compose(matches)
        weighing = Weighing(
            Naming(self.language, self.sentences, [*opinions, *matches]).topics,
            self.asked.is_unknown,
            self.language.stating,
            self._is_long(),
            lambda match: self._verdict(match) is not None,
            self.understanding.splitter.is_question,
            self.composer.config.workshop.virtual,
        )
        likely = self._read(intents, self._wording())
        asked = sum(sentence.asked for sentence in self.sentences)  # of two questions, each has a part
        read = sum(sorted(likely.values())[-min(2, max(1, asked)) :])
        if self._is_strange and read < DECLINES and not any(match.topic for match in matches):
            return self._compose(matches)  # a language that nobody has read
        verdict = self._weighed(intents, weighing, [*opinions, *matches], likely)
        judged = opinions and not weighing.is_no_opinion(likely)
        if verdict.panel or (judged and not self._any_answers(verdict.matches)):
            return self._for_panel("" if verdict.panel == PANEL_HOW else whole)
        return self._compose(self._once_registered(self._with_premises(verdict.matches)), verdict.put)

    def _with_premises(self, matches: Sequence[Match]) -> list[Match]:
        """ "So it is in Geneva on the 26th?": of a place and a day, both are held against the facts."""
        made: list[Match] = []
        for match, before in zip(matches, [None, *matches], strict=False):
            topic, part = match.topic, match.part
            polar = topic is not None and self.understanding.splitter.is_polar(part)
            also = None
            if polar and topic is not None and topic.front.check == "mode":
                fits = day_fits(self.asked.claim(part, part.atoms, polar))
                also = self.language.topics.get("when") if fits is False else None
            elif topic is not None and topic.id == IN_PART and self._is_timed:
                also = self.language.topics.get("when")
            elif (polar or self._is_claimed(part)) and topic and topic.id == "when" and self._placed(part):
                also = self.language.topics.get("venue")
            if topic is not None and topic.id == "when" and before is not None and before.topic is not None:
                made.append(self._of_what_was_named(match, before.topic))
            else:
                made.append(match)
            if also is not None and all(other.topic is not also for other in matches):
                made.append(Match(part, also, match.confidence))
        when = self.language.topics.get("when")
        told = [part for part in self.asked.parts if self._is_of_another_day(part)]
        if (
            when is not None
            and told
            and self._any_answers(made)
            and all(one.topic is not when for one in made)
        ):
            made.append(Match(told[0], when))
        return made

    @cached_property
    def _is_timed(self) -> bool:
        """Whether an hour or a length of time is named."""
        return any(atom.names & {"clock", "amount"} for part in self.asked.parts for atom in part.atoms)

    def _is_of_another_day(self, part: Part) -> bool:
        """ "The workshop in December – can I still register?" takes a day for granted that is not its own."""
        named = {name for atom in part.atoms for name in atom.names}
        other = not self.understanding.splitter.elsewhere.isdisjoint(part.norms)
        if other or EVENT not in named or named.isdisjoint({"date", "span"}):
            return False
        return day_fits(self.asked.claim(part, part.atoms, polar=True)) is False

    def _of_what_was_named(self, match: Match, before: Topic) -> Match:
        """ "Is the conference covered, and at what time?", "must I register, and by when?"."""
        bare = bool(match.part.atoms) and all(atom.names <= OF_AN_HOUR for atom in match.part.atoms)
        limited = not self.understanding.splitter.limits.isdisjoint(match.part.norms[:1])
        topic = None
        if before.intent == "registration" and limited:
            topic = REGISTERING
        elif before.item is not None and LAUNCH not in getattr(before.item, "text", ""):
            topic = "segment-times"
        found = self.language.topics.get(topic) if bare and topic else None
        return Match(match.part, found) if found else match

    def _once_registered(self, matches: list[Match]) -> list[Match]:
        """ "I have registered, what now?": what is wanted is the way in."""
        joining = self.language.topics.get("joining-link")
        if joining is None or not self.asked.is_registered:
            return matches
        made: list[Match] = []
        plain = {"how", "nownext"}  # "what now", which the way in answers
        for match in matches:
            topic = match.topic
            told = "register" not in match.names or not match.part.asked
            led = topic is not None and topic.id == REGISTERING and match.names <= plain
            if led or (topic is not None and topic.id in TO_GET_IN and told):
                match = Match(match.part, joining, match.confidence)
            made.append(match)
        way_in = [match for match in made if match.topic is not None or not match.names <= plain]
        return way_in if any(match.topic for match in way_in) else made

    def _only_greets(self, matches: Sequence[Match]) -> bool:
        """Whether a few words greet, thank or take leave and do nothing else, whatever the language."""
        small = [match.topic is not None and match.topic.id in GREETINGS for match in matches]
        return bool(small) and all(small) and self._is_short

    def _any_answers(self, matches: Sequence[Match]) -> bool:
        return any(self.asked.answers(match) for match in matches)

    def _is_readable(self) -> bool:
        """Whether the message is made of words, in letters that the encoder has read."""
        words = [token for sentence in self.sentences for token in sentence.tokens if token.kind == "word"]
        letters = "".join(token.raw for token in words)
        if letters.isascii():
            return letters != ""
        return sum(is_latin(letter) for letter in letters) * 2 > len(letters)

    def _weighed(self, intents: Intents, weighing: Weighing, matches: list[Match], whole: Likely) -> Verdict:
        """What the message asks, by its words and by its wording: as one text, else part by part.

        A message that reads as one question may still hold another, much shorter one: it is cut where two
        of its parts, each read by itself, certainly ask different things.
        """
        matches = self.asked.without_scraps([*matches, *self.asked.unnamed(matches)])
        if len(matches) == 1:
            return weighing.weigh(matches, whole)
        single = weighing.is_single(matches, whole)
        if single and not weighing.allows_two(matches, whole):
            return weighing.weigh(matches, whole)
        parts = [(match, intents.read(self._worded(match.part))) for match in matches]
        if single and not weighing.differ(parts, whole):
            verdict = weighing.weigh(matches, whole)
            return replace(verdict, matches=[*verdict.matches, *weighing.left(parts, verdict.matches)])
        verdicts: list[Verdict] = []
        put: list[tuple[str, Part]] = []
        for match, own in weighing.asking(parts, whole):
            # Of a long message the whole says little of a part that is sure by itself.
            sure = weighing.long and weighing.asks_surely(match, own)
            likely = own if sure else {intent: (own[intent] + whole[intent]) / 2 for intent in whole}
            item = len(match.part.tokens) <= ITEM and match.names == {UNKNOWN}  # "and 6G", which says nothing
            verdicts.append(Verdict([match]) if item else weighing.weigh([match], likely))
            if verdicts[-1].panel:
                put.append((verdicts[-1].panel, match.part))
        if not any(match.topic for verdict in verdicts for match in verdict.matches):
            return weighing.weigh(matches, whole)
        answers = [verdict.matches for verdict in verdicts if not verdict.panel]
        # What a part asks besides is left to the part that asks it.
        first = [found[0].topic for found in answers]
        made = [
            match for found in answers for match in found if match is found[0] or match.topic not in first
        ]
        if self._any_answers(made):
            return Verdict(made, put=tuple(put))
        meant = [intent for intent, _ in put if whole[intent] >= CONFIRMS or not any(m.topic for m in made)]
        return Verdict(made, meant[0] if meant else "")

    def _is_long(self) -> bool:
        return sum(len(sentence.tokens) for sentence in self.sentences) > MANY_WORDS

    @property
    def _is_short(self) -> bool:
        words = (token for sentence in self.sentences for token in sentence.tokens if token.kind == "word")
        return sum(1 for _ in words) <= FEW_WORDS

    @cached_property
    def _is_latin(self) -> bool:
        return all(map(is_latin, filter(str.isalpha, self.text)))

    @cached_property
    def _is_translated(self) -> bool:
        return any(token.translated for sentence in self.sentences for token in sentence.tokens)

    @cached_property
    def _is_strange(self) -> bool:
        """Whether half of its words are none of this language's: another language's, or full of slips."""
        return (
            self._is_latin
            and not self._is_translated
            and self.understanding.reader.is_strange(self.sentences)
        )

    def _read(self, intents: Intents, worded: str) -> Likely:
        """How likely each intent is: by the wording with slips mended, of another language as it stands.

        Few words that a table put into this language say more there than as they stand.
        """
        return intents.read(self.text if self._is_foreign else worded)

    @cached_property
    def _is_foreign(self) -> bool:
        return self._is_strange or (self._is_translated and self._is_latin and not self._is_short)

    def _worded(self, part: Part) -> str:
        return part.quoted(self.text) if self._is_foreign else " ".join(part.norms)

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

    def _opinions(self, matches: Sequence[Match]) -> list[Match]:
        """The parts that ask for a judgement, on their own or in their whole sentence."""
        panel = self.understanding.panel
        whole = {
            number
            for number, sentence in enumerate(self.sentences)
            if panel.may_be_opinion(sentence.tokens) and panel.is_opinion(self._as_part(sentence))
        }
        return [match for match in matches if self._is_opinion(match, match.part.sentence in whole)]

    def _as_part(self, sentence: Sentence) -> Part:
        part = Part(sentence.tokens, sentence.asked)
        same = next((one for one in self.asked.parts if one.tokens == part.tokens), None)
        part.atoms = same.atoms if same else self.understanding.reader.atoms(part.tokens)
        return part

    def _is_opinion(self, match: Match, whole: bool) -> bool:
        if not whole and not self.understanding.panel.is_opinion(match.part):
            return False
        if match.topic is None or self.asked.is_unknown(match.topic):
            return True
        about_event = any(atom.names == {EVENT} for atom in match.part.atoms)
        return match.topic.id.split(":")[0] in OPEN_TO_OPINION and not about_event

    def _for_panel(self, question: str) -> Answer:
        text = self.composer.frame("panel", self.moment, question=quotable(question))
        asked = clip(question, PANEL_LIMIT) or None
        return Answer("panel_question", text, self.moment.lang, confidence=0.9, panel_text=asked)

    def _beside(self, put: Put) -> Answer | None:
        """The reply to what was asked beside a question for the panel, which it offers to put to it."""
        beside = Message(self.composer, self.language, self.moment, put.beside, self.learned, put=put.own)
        if not any(part.asked for part in beside.asked.parts):
            return None
        answer = beside.reply()
        if answer.panel_text is None or not answer.topics:
            return None
        if answer.status == "unknown":  # that it has not been published is told beside the offer
            return replace(answer, status="panel_question")
        return answer if answer.status == "answered" else None

    def _learned(self, found: Learned) -> Answer:
        topic = self.language.topics.get(found.topic) if found.topic else None
        if topic is not None:
            return framed(
                self.composer, [self.composer.say(topic, self.moment)], [], self.moment, confidence=0.95
            )
        text = self.composer.frame("learned", self.moment, answer=found.answer, source=found.source)
        topics, sources = (f"learned:{found.id}",), (found.source,)
        return Answer("answered", text, self.moment.lang, topics, sources, confidence=0.95)

    def _compose(self, matches: list[Match], put: Sequence[tuple[str, Part]] = ()) -> Answer:
        said: list[Said] = []
        declined: list[str] = []
        topics = [match.topic for match in matches if match.topic is not None]
        told, beside = any(topic.front.check == "when" for topic in topics), {topic.id for topic in topics}
        for match in matches:
            if match.topic is None:
                quoted = match.part.quoted(self.text)
                if quoted and quoted not in declined and not (WHEN & match.names and told):
                    declined.append(quoted)
            elif all(one.topic != match.topic.id for one in said):
                same = [other for other in matches if other.topic is match.topic]
                said.append(self._say(same, match.topic, beside, matches))
        hours = [one for one in said if one.topic in HOURS]
        for one in hours[1:]:
            if one.verdict == hours[0].verdict:
                one.verdict = None  # of the hours, one Yes or No is enough
        if said or len(declined) > 1:
            opening = self.understanding.splitter.is_opening
            declined = [quoted for quoted in declined if not opening(fold(quoted).split())]
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
            put=[
                *([self.put] if self.put else []),
                *(part.quoted(self.text) if intent != PANEL_HOW else "" for intent, part in put),
            ],
        )

    def _atoms(self, match: Match) -> list[Atom]:
        """What a part names; of one about hours, the places of the whole message too."""
        timed = match.topic is not None and match.topic.front.check == "when"
        told = match.places if timed else []
        return [*match.part.atoms, *(atom for atom in told if atom not in match.part.atoms)]

    def _verdict(self, match: Match, *more: Atom) -> bool | None:
        """Whether what a part claims is so; None where it claims nothing that can be told."""
        if match.topic is None:
            return None
        check = match.topic.front.check
        part = self.asked.clause(match.part) if check in OF_SOMEBODY else match.part
        atoms = self._atoms(match) if check == "when" and match.places else part.atoms
        polar = self.understanding.splitter.is_polar(match.part)
        return verdict(check, self.asked.claim(part, [*atoms, *more], polar))

    def _lead(self, match: Match, matches: Sequence[Match]) -> bool | None:
        """The Yes or No to begin with: none that could be taken for more than the part it is said to."""
        tz, found = self.moment.tz, self._verdict(match)
        if found is None or self._leaves_out(match.part, matches):
            return None
        if found and any(self._verdict(other) is not True for other in self._claimed_with(match, matches)):
            return None  # "it is free and recorded, right?"
        timed = match.topic is not None and match.topic.front.check == "when"
        if timed and (self._is_wrong_beside(match) if found else self._is_strange):
            return None  # in other languages "8 at night" is not read
        if not timed or any(isinstance(atom.value, Place) for atom in self._atoms(match)):
            return found
        mine = "mytime" in match.names
        if tz is None:
            return None if mine else found
        own = Place(tz.key, (Clock(tz.key, tz.key),), "city")
        here = self._verdict(match, Atom(frozenset({"place"}), (match.part.tokens[-1],), own))
        return here if mine or here == found else None

    def _is_wrong_beside(self, match: Match) -> bool:
        """Whether its sentence names a day besides that may be another: "Monday the 25th, 14:00 CET"."""
        parts = [other for other in self.asked.parts if other.sentence == match.part.sentence]
        days = [atom for other in parts for atom in other.atoms if atom.names & {"date", "span"}]
        beside = [atom for atom in days if atom not in match.part.atoms]
        return bool(beside) and self._verdict(match, *beside) is not True

    def _claimed_with(self, match: Match, matches: Sequence[Match]) -> list[Match]:
        """What else one "…, right?" is said of."""
        if not self._is_claimed(match.part):
            return []
        sentence = match.part.sentence
        return [other for other in matches if other is not match and other.part.sentence == sentence]

    def _is_claimed(self, part: Part) -> bool:
        """Whether its sentence ends in "…, right?"."""
        return any(other.claim for other in self.asked.parts if other.sentence == part.sentence)

    def _is_told(self, part: Part) -> bool:
        """Whether it was told of the asker where another thing is asked: "My diary has …. When is it?"."""
        if part.asked or part.claim or not any(other.asked for other in self.asked.parts):
            return False
        splitter = self.understanding.splitter
        begins = self.sentences[part.sentence].tokens[0].norm
        return not part.request or begins in splitter.mine | splitter.selves

    def _leaves_out(self, part: Part, matches: Sequence[Match]) -> bool:
        """Whether its sentence goes on to something that the reply does not come to."""
        told = [match for match in matches if match.topic is not None and match.topic.id != COVERED]
        said = {id(token) for match in told for token in match.part.tokens}
        said |= {id(token) for match in told for atom in match.part.atoms for token in atom.tokens}
        here = [other for other in self.asked.parts if other.sentence == part.sentence and other.request]
        items = [
            item
            for other in here
            for item in self.understanding.splitter.pieces(other) or [other]
            if item.tokens and item.tokens[0].start > part.tokens[-1].start
        ]
        return any(
            said.isdisjoint(map(id, item.tokens))
            and any(atom.names & CLAIMED for atom in self.understanding.reader.atoms(item.tokens))
            for item in items
        )

    def _say(
        self, matches: Sequence[Match], topic: Topic, beside: Collection[str], every: Sequence[Match]
    ) -> Said:
        """The text of a topic that one part or several ask for; no lead where one is so and another not."""
        verdicts: set[bool | None] = set()
        named: list[Atom] = []
        polar = False
        for match in matches:
            if not self._is_told(match.part):
                verdicts.add(self._lead(match, every))
            named += [atom for atom in self._atoms(match) if atom not in named]
            polar = polar or self.understanding.splitter.is_polar(match.part)
        if topic.id == STANDARDS:
            named += [atom for atom in self.asked.codes if atom not in named]
        one = self.composer.say(
            topic,
            self.moment,
            verdict=verdicts.pop() if len(verdicts) == 1 else None,
            polar=polar,
            places=narrowed(places_of(named), self.moment.programme.starts),
            atoms=named,
            beside=beside,
        )
        one.question = matches[0].part.quoted(self.text)
        return one

    def _placed(self, part: Part) -> bool:
        """Whether a place is said of the workshop, and a day besides.

        "Is it in Geneva on Tuesday?", "is the 25 November workshop in Geneva?"; "on Tuesday in Tokyo" asks
        for the day there, unless the place has the workshop's own time.
        """
        told = {"place", "date", "span", "clock", "when", "start", "end", "eventday"}
        said = [(atom, kind) for atom in part.atoms if (kind := atom.names & told)]
        if len(said) < 2:
            return False
        first, last = said[0][1], said[-1][1]
        days = said[1:] if "place" in first else said[:-1] if "place" in last else []
        plain = bool(days) and all(kind & {"date", "span", "eventday"} for _, kind in days)
        zone = self.composer.config.workshop.zone
        own = any(isinstance(a.value, Place) and a.value.clocks[0].zone == zone for a, _ in said)
        return plain and ("place" in first or own or all("eventday" in kind for _, kind in days))
