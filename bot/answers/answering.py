"""From a message to a reply: the one thing the rest of the house asks of this room."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers.compose import Composer, Moment
from bot.answers.knowledge import load
from bot.answers.lexicon import Words, foreign_words
from bot.answers.localtimes import Places
from bot.answers.message import Message
from bot.answers.model import Answer, Learned, TopicInfo
from bot.answers.reply import framed
from bot.answers.text import clean
from bot.answers.understanding import Language, Understanding
from bot.config import Config, shipped
from bot.errors import ConfigError, Mistake
from bot.programme.model import Programme
from bot.rendering import Rendering

COST = "cost"  # the topic of what it costs


class Answers:
    """Answers inquiries from config.toml, the programme and organisers' answers, never from anything else."""

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
            by_id = {topic.id: topic for topic in topics}
            self._languages[folder.name] = Language(folder.name, by_id, understanding)
        for language in self._languages.values():
            mistakes.extend(self._unsaid(language))
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
            if _asks_the_price(cleaned) and COST in language.topics:
                return self.answer_topic(COST, at=at, programme=programme, tz=tz, lang=lang)
            return Answer("unknown", self.composer.frame("wordless", moment), moment.lang, confidence=1.0)
        return Message(self.composer, language, moment, cleaned, learned).reply()

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
        return framed(self.composer, [said], [], moment, confidence=1.0)

    def topics(self, lang: str | None = None) -> list[TopicInfo]:
        """Every topic, in the order of its id."""
        return [
            TopicInfo(topic.id, topic.label, topic.family, topic.front.known is not False, topic.phrasings)
            for topic in sorted(self._language(lang).topics.values(), key=lambda topic: topic.id)
            if topic.front.kind == "topic"
        ]

    def check(self) -> list[Mistake]:
        """What is wrong between the answer files: phrasings of two topics, topics their phrasings miss."""
        languages = self._languages.values()
        return [
            mistake for one in languages for mistake in (*self._claimed_twice(one), *self._unreached(one))
        ]

    def _unsaid(self, language: Language) -> list[Mistake]:
        """Bodies that cannot be rendered; saying each once also gets every template ready for use."""
        programme = Programme.from_config(self.config)
        moment = Moment(programme.starts, programme, None, language.code)
        mistakes = []
        for topic in language.topics.values():
            try:
                self.composer.say(topic, moment)
            except Exception as error:  # a template may fail in any way; the file's name is what helps
                right = "mend the body or the sources"
                mistakes.append(Mistake(_file(language, topic.id), f"it cannot be said ({error})", right))
        return mistakes

    def _claimed_twice(self, language: Language) -> list[Mistake]:
        owners: dict[object, str] = {}
        mistakes = []
        for topic in language.topics.values():
            plain = {" ".join(re.findall(r"\w+", phrasing.lower())): phrasing for phrasing in topic.phrasings}
            meant = {key: ", ".join("/".join(sorted(names)) for names in key) for key in topic.keys}
            for claim, shown in [*plain.items(), *sorted(meant.items(), key=lambda item: item[1])]:
                other = owners.setdefault(claim, topic.id)
                if other != topic.id:
                    wrong = f"“{shown}” is claimed by {other} too"
                    mistakes.append(Mistake(_file(language, topic.id), wrong, "keep it in one of them"))
        return mistakes

    def _unreached(self, language: Language) -> list[Mistake]:
        programme = Programme.from_config(self.config)
        moment = Moment(programme.starts, programme, None, language.code)
        mistakes = []
        for topic in language.topics.values():
            missed = [
                line for line in topic.phrasings if topic.id not in self._reached(line, language, moment)
            ]
            if missed:
                more = f", nor are {len(missed) - 1} others" if len(missed) > 1 else ""
                wrong = f"“{missed[0]}” is not understood as this topic{more}"
                right = "add its words to `words` or `with`, or change the phrasing"
                mistakes.append(Mistake(_file(language, topic.id), wrong, right))
        return mistakes

    def _reached(self, phrasing: str, language: Language, moment: Moment) -> set[str]:
        matches = Message(self.composer, language, moment, clean(phrasing)).asked.judged()
        return {match.topic.id for match in matches if match.topic is not None}

    def _language(self, lang: str | None) -> Language:
        for code in (lang or "", (lang or "").split("-")[0], self.config.workshop.language):
            if code in self._languages:
                return self._languages[code]
        return self._languages["en"]


def _asks_the_price(text: str) -> bool:
    """ "€?": a sign of money and a question mark."""
    return "?" in text and any(unicodedata.category(character) == "Sc" for character in text)


def _file(language: Language, topic: str) -> str:
    return f"answers/{language.code}/{topic}"
