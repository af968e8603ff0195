"""From a message to a reply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers.compose import Composer, Moment, Said
from bot.answers.entities import Atom
from bot.answers.knowledge import Topic, load
from bot.answers.lexicon import Words, foreign_words
from bot.answers.localtimes import Place, Places
from bot.answers.model import Answer, AnswerStatus, Choice, Learned, TopicInfo
from bot.answers.parts import Part
from bot.answers.premises import Claim, places_of, verdict
from bot.answers.text import Sentence, clean
from bot.answers.understanding import Match, Understanding
from bot.config import Config, shipped
from bot.errors import ConfigError, Mistake
from bot.programme.model import Programme
from bot.rendering import Rendering, clip

QUOTE_LIMIT = 160
PANEL_LIMIT = 3_000
# Topics that a question of opinion may look like.
OPEN_TO_OPINION = frozenset(
    {
        "about",
        "participation",
        "findings",
        "standards",
        "subject",
        "subject-details",
        "organiser",
        "documents-access",
        "cost",
    }
)


@dataclass(frozen=True, slots=True)
class Language:
    """What one language's folder holds, made ready."""

    code: str
    topics: dict[str, Topic]
    understanding: Understanding


class Answers:
    """Answers inquiries from config.toml, the programme and what organisers answered; never from anything else."""

    def __init__(self, config: Config, rendering: Rendering) -> None:
        """Read every language under `templates/answers`; raises ConfigError listing every mistake."""
        self.config = config
        self.composer = Composer(config, rendering)
        self._languages: dict[str, Language] = {}
        mistakes: list[Mistake] = []
        for folder in sorted(
            path for path in shipped("templates").joinpath("answers").iterdir() if path.is_dir()
        ):
            words = Words.load(folder / "words.toml")
            topics, wrong = load(folder, config, rendering)
            mistakes.extend(wrong)
            understanding = Understanding(
                config, words, topics, Places(folder.name), folder.name, foreign_words(folder)
            )
            self._languages[folder.name] = Language(
                folder.name, {topic.id: topic for topic in topics}, understanding
            )
        if mistakes:
            raise ConfigError(mistakes)

    def answer(
        self,
        text: str,
        *,
        at: datetime,
        programme: Programme,
        tz: ZoneInfo | None = None,
        lang: str | None = None,
        learned: Sequence[Learned] = (),
    ) -> Answer:
        """The reply to one message; never raises for anything a person sends."""
        language = self._language(lang)
        moment = Moment(at, programme, tz, language.code)
        cleaned = clean(text)
        if not any(character.isalnum() for character in cleaned):
            return self._wordless(moment)
        reader = _Reading(self, language, moment, cleaned, learned)
        return reader.reply()

    def answer_topic(
        self,
        topic_id: str,
        *,
        at: datetime,
        programme: Programme,
        tz: ZoneInfo | None = None,
        lang: str | None = None,
    ) -> Answer:
        """The reply to a chosen button; raises KeyError for a topic that is not there."""
        language = self._language(lang)
        moment = Moment(at, programme, tz, language.code)
        said = self.composer.say(language.topics[topic_id], moment)
        return self._framed([said], [], moment, confidence=1.0)

    def topics(self, lang: str | None = None) -> list[TopicInfo]:
        """Every topic, in the order of its id."""
        return [
            TopicInfo(topic.id, topic.label, topic.family, topic.front.known is not False, topic.phrasings)
            for topic in sorted(self._language(lang).topics.values(), key=lambda topic: topic.id)
            if topic.front.kind == "topic"
        ]

    def check(self) -> list[Mistake]:
        """What is wrong between the answer files: phrasings of two topics, topics their phrasings miss."""
        mistakes: list[Mistake] = []
        for language in self._languages.values():
            mistakes.extend(self._claimed_twice(language))
            mistakes.extend(self._unreached(language))
        return mistakes

    def _claimed_twice(self, language: Language) -> list[Mistake]:
        owners: dict[str, str] = {}
        mistakes = []
        for topic in language.topics.values():
            for phrasing in topic.phrasings:
                plain = " ".join(re.findall(r"\w+", phrasing.lower()))
                other = owners.setdefault(plain, topic.id)
                if other != topic.id:
                    mistakes.append(
                        Mistake(
                            f"answers/{language.code}/{topic.id}",
                            f"“{phrasing}” is claimed by {other} too",
                            "keep it in one of them",
                        )
                    )
        meant: dict[object, str] = {}
        for topic in language.topics.values():
            for key in sorted(topic.keys, key=str):
                other = meant.setdefault(key, topic.id)
                if other != topic.id:
                    said = ", ".join("/".join(sorted(names)) for names in key)
                    mistakes.append(
                        Mistake(
                            f"answers/{language.code}/{topic.id}",
                            f"a phrasing that says only “{said}” is claimed by {other} too",
                            "keep it in one of them",
                        )
                    )
        return mistakes

    def _unreached(self, language: Language) -> list[Mistake]:
        programme = Programme.from_config(self.config)
        moment = Moment(programme.starts, programme, None, language.code)
        mistakes = []
        for topic in language.topics.values():
            missed = [p for p in topic.phrasings if topic.id not in self._reached(p, language, moment)]
            if missed:
                mistakes.append(
                    Mistake(
                        f"answers/{language.code}/{topic.id}",
                        f"“{missed[0]}” is not understood as this topic"
                        + (f", nor are {len(missed) - 1} others" if len(missed) > 1 else ""),
                        "add its words to `words` or `with`, or change the phrasing",
                    )
                )
        return mistakes

    def _reached(self, phrasing: str, language: Language, moment: Moment) -> set[str]:
        matches = _Reading(self, language, moment, clean(phrasing), ()).matches()
        return {match.topic.id for match in matches if match.topic is not None}

    def _language(self, lang: str | None) -> Language:
        for code in (lang or "", (lang or "").split("-")[0], self.config.workshop.language):
            if code in self._languages:
                return self._languages[code]
        return self._languages["en"]

    def _wordless(self, moment: Moment) -> Answer:
        """Nothing but emoji, marks or a mention."""
        return Answer("unknown", self.composer.frame("wordless", moment), moment.lang, confidence=1.0)

    def _framed(self, said: list[Said], declined: list[str], moment: Moment, *, confidence: float, choices: tuple[Choice, ...] = (), foreign: bool = False, long: bool = False) -> Answer:  # fmt: skip
        topics = [one for one in said if one.kind == "topic"]
        known = [one for one in topics if one.known]
        unknown = [one for one in topics if not one.known]
        sources = tuple(dict.fromkeys(source for one in said for source in one.sources))
        small = bool(said) and not topics and not declined
        status: AnswerStatus = "answered" if known else "small_talk" if small else "unknown"
        text = self.composer.frame(
            "reply",
            moment,
            known=known,
            unknown=[one.text for one in unknown],
            small=[one.text for one in said if one.kind == "small_talk"] if not known and not unknown else [],
            declined=[_quotable(part) for part in declined],
            sources=_joined_sources(sources),
            choices=choices,
            foreign=foreign,
            long=long,
        )
        unanswered = (
            tuple([*(one.question for one in unknown if one.question), *declined]) if not small else ()
        )
        return Answer(
            status,
            text,
            moment.lang,
            tuple(one.topic for one in said),
            sources,
            unanswered,
            confidence if status != "unknown" else round(1 - confidence, 2),
            choices,
        )


class _Reading:
    """One message being read."""

    def __init__(
        self, answers: Answers, language: Language, moment: Moment, text: str, learned: Sequence[Learned]
    ) -> None:
        self.answers = answers
        self.language = language
        self.understanding = language.understanding
        self.moment = moment
        self.text = text
        self.learned = learned
        self.unknown = {
            topic.id for topic in language.topics.values() if not answers.composer.known(topic, moment)
        }

    def matches(self) -> list[Match]:
        """What each part asks."""
        parts = self.understanding.splitter.parts(self.understanding.sentences(self.text))
        matches = [match for part in parts for match in self.understanding.judge(part, self._is_unknown)]
        told_what_to_say = {
            match.part.sentence
            for match in matches
            if any("injection" in atom.names for atom in match.part.atoms)
        }
        return [
            Match(match.part, None) if match.part.sentence in told_what_to_say else match for match in matches
        ]

    def _is_unknown(self, topic: Topic) -> bool:
        return topic.id in self.unknown

    def reply(self) -> Answer:
        sentences = self.understanding.sentences(self.text)
        panel = self.understanding.panel_text(sentences, self.text)
        if panel is not None:
            return self._for_panel(panel)
        if self.learned and (found := self.understanding.learned(self.text, self.learned)) is not None:
            return self._learned(found)
        matches = self._asking(self._joined(self.matches()))
        asked = {
            number
            for number, sentence in enumerate(sentences)
            if self.understanding.is_opinion(self._as_part(sentence))
        }
        opinions = [match for match in matches if self._is_opinion(match, match.part.sentence in asked)]
        if opinions:
            others = [match for match in matches if match not in opinions and match.topic is not None]
            if not any(
                match.topic.front.kind == "topic" and not self._is_unknown(match.topic)
                for match in others
                if match.topic
            ):
                return self._for_panel(self._whole())
            matches = [match for match in matches if match not in opinions]
        return self._compose(matches)

    def _joined(self, matches: list[Match]) -> list[Match]:
        """ "I have not registered yet, what must I do?": a request that is clear only with what was told before."""
        made: list[Match] = []
        for match in matches:
            before = made[-1] if made else None
            if match.topic is None and before is not None and match.part.request and not before.part.request:
                part = Part(
                    [*before.part.tokens, *match.part.tokens], match.part.asked, True, match.part.sentence
                )
                joined = self.understanding.judge(part, self._is_unknown)
                if len(joined) == 1 and joined[0].topic is not None and joined[0].topic.front.kind == "topic":
                    made[-1] = joined[0]
                    continue
            made.append(match)
        return made

    def _as_part(self, sentence: Sentence) -> Part:
        part = Part(sentence.tokens, sentence.asked)
        part.atoms = self.understanding.atoms(part.tokens)
        return part

    def _echoes(self, match: Match, matches: Sequence[Match]) -> bool:
        """"When do you show the film, at what time?", "the other one, when is it?": part of what is declined."""
        at = next(index for index, other in enumerate(matches) if other is match)
        before = matches[at - 1] if at else None
        if match.topic is None or before is None or before.part.sentence != match.part.sentence:
            return False
        declined = before.topic is None or self._is_unknown(before.topic)
        bare = all(atom.names <= {"when", "where", "who", "how", "cost", "start"} for atom in match.part.atoms)
        said = {name for atom in before.part.atoms for name in atom.names}
        shared = any(atom.names & said for atom in match.part.atoms)
        return declined and bare and (shared or "it" in match.part.norms)

    def _is_opinion(self, match: Match, sentence: bool) -> bool:
        if not sentence and not self.understanding.is_opinion(match.part):
            return False
        if match.topic is None or self._is_unknown(match.topic):
            return True
        about_event = any(atom.names == {"event"} for atom in match.part.atoms)
        return match.topic.id.split(":")[0] in OPEN_TO_OPINION and not about_event

    def _whole(self) -> str:
        return clip(" ".join(self.text.split()), PANEL_LIMIT)

    def _for_panel(self, question: str) -> Answer:
        text = self.answers.composer.frame("panel", self.moment, question=_quotable(question))
        return Answer(
            "panel_question",
            text,
            self.moment.lang,
            confidence=0.9,
            panel_text=clip(question, PANEL_LIMIT) or None,
        )

    def _learned(self, found: Learned) -> Answer:
        composer = self.answers.composer
        topic = self.language.topics.get(found.topic) if found.topic else None
        if topic is not None:
            return self.answers._framed([composer.say(topic, self.moment)], [], self.moment, confidence=0.95)
        text = composer.frame("learned", self.moment, answer=found.answer, source=found.source)
        return Answer(
            "answered", text, self.moment.lang, (f"learned:{found.id}",), (found.source,), confidence=0.95
        )

    def _asking(self, matches: list[Match]) -> list[Match]:
        """Leave out what only told something, when something was asked beside it; places told still count."""
        if any(match.part.atoms for match in matches):
            matches = [match for match in matches if match.part.atoms]
        requests = [
            m
            for m in matches
            if m.part.request and not (m.topic is not None and m.topic.front.kind == "small_talk")
        ]
        if not requests:
            meant = [
                match for match in matches if match.topic is not None and match.topic.front.kind == "topic"
            ]
            return meant or matches
        plain = [
            match
            for match in requests
            if match.part.asked or not (match.topic is not None and match.topic.id == "status")
        ]
        requests = plain or requests
        requests = [match for match in requests if not self._echoes(match, requests)]
        named = [atom for match in matches for atom in match.part.atoms if isinstance(atom.value, Place)]
        for match in requests:
            if match.topic is not None and match.topic.front.check == "when":
                match.places = named
        return requests

    def _compose(self, matches: list[Match]) -> Answer:
        composer = self.answers.composer
        said: list[Said] = []
        declined: list[str] = []
        confidence = 1.0
        for match in matches:
            if match.topic is None:
                quoted = match.part.quoted(self.text)
                if quoted and quoted not in declined:
                    declined.append(quoted)
                continue
            if any(one.topic == match.topic.id for one in said):
                continue
            atoms: list[Atom] = [
                *match.part.atoms,
                *(atom for atom in match.places if atom not in match.part.atoms),
            ]
            claim = Claim(match.part, self.understanding.splitter.is_polar(match.part), self.answers.config, self.moment.programme, self.moment.at, self.understanding.splitter.negations)  # fmt: skip
            one = composer.say(
                match.topic,
                self.moment,
                verdict=verdict(match.topic.front.check, claim),
                polar=claim.polar,
                places=places_of(atoms),
                atoms=atoms,
            )
            one.question = match.part.quoted(self.text)
            said.append(one)
            confidence = min(confidence, match.confidence)
        choices: tuple[Choice, ...] = ()
        if not any(one.kind == "topic" for one in said) and len(matches) == 1:
            choices = tuple(
                Choice(topic.id, topic.label) for topic in matches[0].near if topic.front.kind == "topic"
            )
        foreign = not said and self.understanding.is_foreign(self.understanding.sentences(self.text))
        return self.answers._framed(
            said,
            declined,
            self.moment,
            confidence=confidence,
            choices=choices,
            foreign=foreign,
            long=len(self.text) > 1500,
        )


def _quotable(text: str) -> str:
    """A person's words as they may be quoted in mrkdwn: without anything that could be markup."""
    plain = re.sub(r"[^\w\s.,;:!?'’()%/€$£+-]|_", " ", text)
    return clip(" ".join(plain.split()), QUOTE_LIMIT)


def _joined_sources(sources: Sequence[str]) -> list[str]:
    """ "the letter, paragraph 1" and "the letter, paragraph 7" as "the letter, paragraphs 1 and 7"."""
    groups: dict[str, list[int]] = {}
    plain: list[str] = []
    for source in sources:
        match = re.fullmatch(r"(.*), paragraph (\d+)", source)
        if match:
            groups.setdefault(match[1], []).append(int(match[2]))
        else:
            plain.append(source)
    made = []
    for name, numbers in groups.items():
        ordered = [str(number) for number in sorted(set(numbers))]
        listed = ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} and {ordered[-1]}"
        made.append(f"{name}, paragraph{'s' if len(ordered) > 1 else ''} {listed}")
    return [*made, *plain]
