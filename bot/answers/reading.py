"""Messages to sentences of mended words, and words to atoms, by the words of one language and workshop."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.answers.dates import Calendar
from bot.answers.entities import Atom, Entities
from bot.answers.forms import EVENT, UNKNOWN
from bot.answers.knowledge import Topic
from bot.answers.lexicon import Lexicon, Words
from bot.answers.localtimes import Places
from bot.answers.shaping import described, located, with_codes
from bot.answers.spelling import Spelling, english
from bot.answers.text import Sentence, Token, clean, fold, sentences, stem
from bot.config import Config

MOST_MENDED = 40  # words of one message
LONGEST_RUN = 200  # characters without a space that are looked through for words
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")  # kana and Chinese characters


class Reader:
    """Knows every word: the language's, the topics', the workshop's, and what may be a slip of one."""

    def __init__(
        self,
        config: Config,
        words: Words,
        topics: Sequence[Topic],
        places: Places,
        language: str,
        foreign: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.config = config
        self.words = words
        self.foreign = foreign
        self._unspaced = {word for table in foreign.values() for word in table if _UNSPACED.search(word)}
        self._longest = max(map(len, self._unspaced), default=0)
        self._definite = frozenset(words.lists.definite.split())
        self._counted = frozenset(words.lists.counted.split()) | words.times.words()
        self.lexicon = Lexicon(words, (config.workshop.organiser, *config.workshop.organiser_aliases))
        self._name_things(topics)
        self.matter = self._matter()
        calendar = Calendar.of(language)
        known = self.lexicon.vocabulary | self.matter_words | calendar.words() | words.times.words()
        self.spelling = Spelling(known, english())
        self.entities = Entities(
            config, self.lexicon, places, calendar, self.spelling.is_word, self.spelling.kind
        )

    def _name_things(self, topics: Sequence[Topic]) -> None:
        """Words of topics, subjects, segments, the organiser and the letter's signatory."""
        config = self.config
        for topic in topics:
            for word in topic.words:
                self.lexicon.add(word, topic.id)
        for subject in config.subjects:
            for name in subject.names:
                self.lexicon.add(name, f"subject:{subject.id}")
        for alias in (config.workshop.organiser, *config.workshop.organiser_aliases):
            self.lexicon.add(alias, "org")
        if config.letter.signed_by:
            self.lexicon.add(config.letter.signed_by, "person")
            self.lexicon.add(config.letter.signed_by.split()[-1], "person")
        if config.letter.signed_as:
            self.lexicon.add(config.letter.signed_as, "office")
        for title in (config.workshop.title, config.workshop.short_title, f"{config.workshop.kind}"):
            if title and title != "workshop":
                self.lexicon.add(title, EVENT)
        for entry in config.abbreviations:
            self.lexicon.add(f"={entry.short}", f"short:{entry.short}")
            if entry.full in (config.letter.signed_as or ""):
                self.lexicon.add(f"={entry.short}", "office")
                self.lexicon.add(entry.full, "office")
        for segment in config.segments:
            self.lexicon.add(segment.title, f"segment:{segment.id}")

    def _matter(self) -> frozenset[str]:
        """Stems of the words that the workshop's own facts are made of."""
        config = self.config
        texts = [config.workshop.title, config.workshop.short_title, config.workshop.kind]
        if config.purpose:
            texts.append(config.purpose.text)
        texts += [text for subject in config.subjects for text in (subject.text, *subject.names)]
        texts += [item.title for item in (config.standards.items if config.standards else [])]
        texts += [text for segment in config.segments for text in (segment.title, segment.description or "")]
        words = {word for text in texts for word in re.findall(r"[^\W\d_]{3,}", fold(text))}
        common = self.lexicon.harmless | set(self.words.lists.common.split())
        self.matter_words = {word for word in words if word not in common}
        title = re.findall(r"[^\W\d_]{3,}", fold(f"{config.workshop.title} {config.workshop.short_title}"))
        self._title = frozenset(stem(word) for word in title if word not in self.lexicon.harmless)
        self._field = frozenset(
            stem(word) for line in config.questions.field for word in self.lexicon.split(line)
        )
        return frozenset(stem(word) for word in self.matter_words)

    def read(self, text: str) -> list[Atom]:
        """The atoms of a text taken as one part."""
        tokens = [
            token for sentence in sentences(clean(text), self.words.rewrites) for token in sentence.tokens
        ]
        return self.atoms(tokens)

    def sentences(self, text: str) -> list[Sentence]:
        """Sentences of cleaned text: other languages' words put into this one, typing errors mended."""
        found = sentences(text, self.words.rewrites)
        for sentence in found:
            self._spell_out(sentence.tokens)
        if self.foreign:
            self._translate(found)
        mended = 0
        for sentence in found:
            for token in sentence.tokens:
                if token.kind == "word" and mended < MOST_MENDED and self._is_odd(token):
                    mended += 1
                    meant = self._as_place(sentence.tokens, token) or self.spelling.mend(
                        token.norm, proper=token.raw[:1].isupper() and token is not sentence.tokens[0]
                    )
                    if meant is not None:
                        token.norm, token.corrected = meant, True
                token.stem = stem(token.norm)
        return found

    def _spell_out(self, tokens: Sequence[Token]) -> None:
        """ "how 2 register", "price 4 students": digits that are words."""
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
            meant = self.words.digits.get(token.norm)
            words = before.kind == "word" and after.kind == "word"
            if meant is not None and words and after.norm not in self._counted:
                token.norm, token.kind = meant, "word"

    def _translate(self, found: list[Sentence]) -> None:
        """Put the words of a message in another language into this one, where a table has them."""
        for sentence in found:
            sentence.tokens = [piece for token in sentence.tokens for piece in self._cut(token)]
        every = [token for sentence in found for token in sentence.tokens if token.kind == "word"]
        words = [token for token in every if not self._is_zone(token)]  # a place has its name in any language
        strange = [token for token in words if not self._is_known(token.norm)]
        if not strange or len(words) > 60:
            return
        hits = {
            code: [token for token in words if token.norm in table] for code, table in self.foreign.items()
        }
        code = max(
            hits,
            key=lambda code: (
                sum(1 for token in strange if token.norm in self.foreign[code]),
                len(hits[code]),
            ),
        )
        count = sum(1 for token in strange if token.norm in self.foreign[code])
        if not count or len(hits[code]) * 2 < len(words) or (count == 1 and len(words) > 4):
            return
        for sentence in found:
            named = self._in_names(sentence.tokens, self.foreign[code])
            sentence.tokens = self._put_over(sentence.tokens, self.foreign[code], named)

    def _cut(self, token: Token) -> list[Token]:
        """The words of a run of Chinese or Japanese, which has no spaces: the longest known at each place."""
        if token.kind != "word" or len(token.norm) > LONGEST_RUN or not _UNSPACED.search(token.norm):
            return [token]
        norm, made, at, strange = token.norm, [], 0, 0
        while at <= len(norm):
            lengths = range(min(self._longest, len(norm) - at), 0, -1)
            length = next((n for n in lengths if norm[at : at + n] in self._unspaced), 0)
            if (length or at == len(norm)) and strange:
                made.append((at - strange, at))
                strange = 0
            if length:
                made.append((at, at + length))
            else:
                strange += 1
            at += length or 1
        return [
            Token(norm[start:end], norm[start:end], token.start + start, token.start + end)
            for start, end in made
        ]

    def _in_names(self, tokens: list[Token], table: Mapping[str, str]) -> set[int]:
        """Where tokens of a place's name stand that begins with no word of a table: "à Port-au-Prince"."""
        places = self.entities.places
        found: set[int] = set()
        for at, token in enumerate(tokens):
            begins = token.raw[:1].isupper() and token.norm not in table
            longest = places.longest.get(token.norm, 0) if begins else 0
            for length in range(min(longest, len(tokens) - at), 1, -1):
                if places.place(" ".join(other.norm for other in tokens[at : at + length])):
                    found.update(range(at, at + length))
                    break
        return found

    def _put_over(self, tokens: list[Token], table: Mapping[str, str], named: set[int]) -> list[Token]:
        """Tokens with the words and pairs of words of a table replaced by what they mean; names are kept."""
        made: list[Token] = []
        at = 0
        while at < len(tokens):
            token, pair = tokens[at], " ".join(other.norm for other in tokens[at : at + 2])
            length = 2 if " " in pair and pair in table else 1
            meant = table.get(pair) if length == 2 else table.get(token.norm)
            if meant is None or token.kind != "word" or at in named:
                made.append(token)
                at += 1
                continue
            end = tokens[at + length - 1].end
            made.extend(Token(word, token.raw, token.start, end, translated=True) for word in meant.split())
            at += length
        return made

    def _is_zone(self, token: Token) -> bool:
        """ "ET", "LA": capitals that name a zone or a place."""
        places = self.entities.places
        return places.is_abbreviation(token.norm) or (token.raw[:1].isupper() and token.norm in places.words)

    def _is_known(self, norm: str) -> bool:
        return self.lexicon.knows(norm) or self.spelling.is_word(norm)

    def _as_place(self, tokens: Sequence[Token], token: Token) -> str | None:
        """The place that a misspelt word means where one is to be expected: "in Melborne"."""
        at = next(index for index, other in enumerate(tokens) if other is token)
        before = tokens[at - 1].norm if at else ""
        follows = tokens[at + 1].norm if at + 1 < len(tokens) else ""
        if before not in ("in", "from", "for", "time") and follows != "time":
            return None
        if before == "time" and not token.raw[:1].isupper():  # "qué hora sería en Madrid"
            return None
        if at and tokens[at - 1].translated and not token.raw[:1].isupper():  # "en pleine nuit"
            return None
        return None if self.spelling.is_word(token.norm) else self.entities.places.closest(token.norm)

    def _is_odd(self, token: Token) -> bool:
        norm = token.norm
        if (
            self.lexicon.knows(norm)
            or stem(norm) in self.matter
            or self.spelling.is_target(norm)
            or not norm.isascii()
        ):
            return False
        return norm not in self.entities.places.words

    def atoms(self, tokens: Sequence[Token]) -> list[Atom]:
        """The atoms of tokens, with words that only describe the event taken into it."""
        found = []
        for atom in located(self.entities.atoms(tokens), self.entities.places.within):
            names = atom.names
            if UNKNOWN in names and (atom.tokens[0].stem or stem(atom.tokens[0].norm)) in self.matter:
                names = frozenset({"matter"})
            general = {name.split(":")[0] for name in names if ":" in name}
            if general == {"short"} and atom.tokens[0].stem in self.matter:
                general.add("matter")
            found.append(replace(atom, names=names | general) if general or names is not atom.names else atom)
        definite = {token.end for token in tokens if token.norm in self._definite}
        return described(with_codes(found), self._title, definite)

    def is_strange(self, found: Sequence[Sentence]) -> bool:
        """Whether half of the words stand nowhere as they were written."""
        words = [token for sentence in found for token in sentence.tokens if token.kind == "word"]
        strange = sum(token.corrected or not self._is_known(token.norm) for token in words)
        return strange * 2 >= len(words) > 1

    def is_foreign(self, found: Sequence[Sentence]) -> bool:
        """Whether most words are of no language that there are files for."""
        every = [token for sentence in found for token in sentence.tokens]
        words = [token for token in every if token.kind == "word" and len(token.norm) > 1]
        strange = [token for token in words if not self._is_known(token.norm)]
        return len(words) >= 2 and len(strange) * 2 >= len(words)
