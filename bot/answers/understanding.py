"""What a part asks, judged by evidence.

A topic is chosen only when everything it needs was said and every other word of the part is one that
cannot change its answer: a name, number, place, activity or plain unknown word that the topic does not
account for leaves the part undecided. Topics that say "this is not published" take whatever else was asked
about their thing and win ties.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.answers.entities import Atom, Calendar, Entities
from bot.answers.knowledge import Names, Topic
from bot.answers.lexicon import Lexicon, Words
from bot.answers.localtimes import Places
from bot.answers.model import Learned
from bot.answers.parts import Part, Splitter
from bot.answers.spelling import Spelling, english
from bot.answers.text import Sentence, Token, clean, fold, sentences, stem
from bot.config import Config

EVENT = "event"
UNKNOWN = "?"
_ONLY_EVENT = frozenset({EVENT})


@dataclass(slots=True)
class Match:
    """A part and the topic that answers it; None when nothing does. `near`: topics that almost did."""

    part: Part
    topic: Topic | None
    confidence: float = 0.0
    near: tuple[Topic, ...] = ()
    places: list[Atom] = field(default_factory=list)


class Understanding:
    """Reads messages by the words of one language and the topics of one workshop."""

    def __init__(
        self, config: Config, words: Words, topics: Sequence[Topic], places: Places, language: str
    ) -> None:
        self.config = config
        self.words = words
        self.topics = list(topics)
        self.lexicon = Lexicon(words)
        self.splitter = Splitter(words)
        self._name_things()
        self.matter = self._matter()
        calendar = Calendar.of(language)
        self.spelling = Spelling(
            self.lexicon.vocabulary | self.matter_words | calendar.words() | words.times.words(), english()
        )
        self.entities = Entities(config, self.lexicon, places, calendar, self.spelling.is_word)
        self._learn_topics()
        self._lead_in = frozenset(words.lists.lead_in.split())
        self._panel_prefixes = sorted(
            (self.lexicon.split(line) for line in words.panel.prefixes), key=len, reverse=True
        )
        self._asking_forms = [self.lexicon.split(line) for line in words.panel.asking]

    # what the words mean

    def _name_things(self) -> None:
        """Words of topics, subjects, segments, the organiser and the letter's signatory."""
        config = self.config
        for topic in self.topics:
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
        self.matter_words = {word for word in words if word not in self.lexicon.harmless}
        return frozenset(stem(word) for word in self.matter_words)

    def _learn_topics(self) -> None:
        """Turn each topic's words, needs and phrasings into what has to be said for it."""
        for topic in self.topics:
            own = frozenset({topic.id})
            needs = [line.replace("{it}", self._own_name(topic)) for line in topic.front.needs]
            for line in needs:
                topic.alternatives.append(tuple(frozenset(need.split("|")) for need in line.split()))
            if topic.words:
                topic.alternatives.append((own,))
            allows = {name.replace("{it}", self._own_name(topic)) for name in topic.front.allows} | {topic.id}
            own_forms = not topic.alternatives
            for phrasing in topic.phrasings:
                if own_forms:
                    self._name_unknown(phrasing, topic)
                atoms = self.read(phrasing)
                key = _key(atoms)
                if key:
                    topic.keys.add(key)
                    if own_forms:
                        topic.alternatives.append(key)
                allows.update(name for atom in atoms for name in atom.names if name != UNKNOWN)
            topic.allows = frozenset(allows)

    def _own_name(self, topic: Topic) -> str:
        kind = {"subjects": "subject", "segments": "segment", "standards": "standard"}.get(
            topic.front.each, ""
        )
        return f"{kind}:{topic.item.id}" if kind in ("subject", "segment") else "code"

    def _name_unknown(self, phrasing: str, topic: Topic) -> None:
        for atom in self.read(phrasing):
            if UNKNOWN in atom.names:
                self.lexicon.add(atom.tokens[0].norm, f"word:{atom.tokens[0].stem}")

    # reading

    def read(self, text: str) -> list[Atom]:
        """The atoms of a text taken as one part."""
        tokens = [
            token for sentence in sentences(clean(text), self.words.rewrites) for token in sentence.tokens
        ]
        return self.atoms(tokens)

    def sentences(self, text: str) -> list[Sentence]:
        """Sentences of cleaned text with typing errors mended."""
        found = sentences(text, self.words.rewrites)
        mended = 0
        for sentence in found:
            for token in sentence.tokens:
                if token.kind == "word" and mended < 40 and self._is_odd(token):
                    mended += 1
                    meant = self.spelling.mend(
                        token.norm, proper=token.raw[:1].isupper() and token is not sentence.tokens[0]
                    )
                    if meant is not None:
                        token.norm, token.corrected = meant, True
                token.stem = stem(token.norm)
        return found

    def _is_odd(self, token: Token) -> bool:
        norm = token.norm
        if (
            self.lexicon.knows(norm)
            or stem(norm) in self.matter
            or self.spelling.is_target(norm)
            or not norm.isascii()
        ):
            return False
        return not self.entities.places.longest.get(norm)

    def atoms(self, tokens: Sequence[Token]) -> list[Atom]:
        """The atoms of tokens, with words that only describe the event taken into it."""
        found = []
        for atom in self.entities.atoms(tokens):
            names = atom.names
            if UNKNOWN in names and (atom.tokens[0].stem or stem(atom.tokens[0].norm)) in self.matter:
                names = frozenset({"matter"})
            general = {name.split(":")[0] for name in names if name.startswith(("subject:", "segment:"))}
            found.append(replace(atom, names=names | general) if general or names is not atom.names else atom)
        return _described(found)

    def panel_text(self, found: Sequence[Sentence], text: str) -> str | None:
        """What a message puts to the panel by saying so; None when it addresses the bot."""
        for sentence in found:
            tokens = [token for token in sentence.tokens if token.kind != "mark"]
            at = 0
            while at < len(tokens) and tokens[at].norm in self._lead_in:
                at += 1
            for prefix in self._panel_prefixes:
                if tuple(token.norm for token in tokens[at : at + len(prefix)]) == prefix:
                    rest = tokens[at + len(prefix) :]
                    start = rest[0].start if rest else tokens[-1].end
                    following = text[start:].strip(" :,;-.\n")
                    before = text[: tokens[0].start].strip()
                    return " ".join((following or before).split())
        return None

    def is_opinion(self, part: Part) -> bool:
        """Whether a part asks for a judgement or a policy, which is for people to answer."""
        if any(EVENT in atom.names for atom in part.atoms) or len(part.tokens) < 5:
            return False
        norms = tuple(token.norm for token in part.tokens if token.kind != "mark")
        while norms and norms[0] in self._lead_in:
            norms = norms[1:]
        opened = any(norms[: len(form)] == form for form in self._asking_forms)
        return opened and any(
            "matter" in atom.names or "subject" in atom.names or UNKNOWN in atom.names for atom in part.atoms
        )

    def is_foreign(self, found: Sequence[Sentence]) -> bool:
        """Whether most words are of no language that there are files for."""
        words = [
            token
            for sentence in found
            for token in sentence.tokens
            if token.kind == "word" and len(token.norm) > 1
        ]
        strange = [
            token
            for token in words
            if not self.lexicon.knows(token.norm) and not self.spelling.is_word(token.norm)
        ]
        return len(words) >= 2 and len(strange) * 2 >= len(words)

    def learned(self, text: str, stored: Sequence[Learned]) -> Learned | None:
        """The organiser's answer that was given to this same question before, in these or similar words."""
        asked = self._bag(text)
        if not asked:
            return None
        best: tuple[float, int, Learned] | None = None
        for one in stored:
            for phrasing in one.phrasings:
                other = self._bag(phrasing)
                if other and asked == other and (best is None or (1.0, -one.id) > best[:2]):
                    best = (1.0, -one.id, one)
        return best[2] if best else None

    def _bag(self, text: str) -> frozenset[str]:
        """The words that carry something, typing errors mended, one form each; concepts by their name."""
        tokens = [token for sentence in self.sentences(clean(text)) for token in sentence.tokens]
        bag = set()
        for atom in self.atoms(tokens):
            if EVENT in atom.names:
                continue
            bag.add(
                "/".join(sorted(atom.names))
                if UNKNOWN not in atom.names and atom.value is None
                else " ".join(token.stem or token.norm for token in atom.tokens)
            )
        return frozenset(bag)

    # judging

    def judge(self, part: Part, unknown: Callable[[Topic], bool]) -> list[Match]:
        """The topics that answer a part, or one Match without a topic."""
        part.atoms = self.atoms(part.tokens)
        whole = self._best(part, unknown)
        if whole.topic is not None and not unknown(whole.topic):
            return [whole]
        pieces = self.splitter.pieces(part)
        if pieces and not (whole.topic is not None and len(part.atoms) <= 1):
            matches = []
            for piece in pieces:
                piece.atoms = self.atoms(piece.tokens)
                matches.append(self._best(piece, unknown))
            if self._may_split(matches, unknown):
                return _merged(matches)
        return [whole]

    def _may_split(self, matches: list[Match], unknown: Callable[[Topic], bool]) -> bool:
        """Items may be answered one by one unless a declined one carries what belongs to all of them."""
        answered = [match for match in matches if match.topic is not None and not unknown(match.topic)]
        if not answered:
            return False
        for match in matches:
            if match in answered:
                continue
            if not match.part.atoms:
                return False
            if any(
                norm in ("of", "for", "at", "in", "to", "by", "with", "from", "on", "about", "during")
                for norm in match.part.norms[1:]
            ):
                return False
        last = matches[-1]
        return last in answered or all(
            any(EVENT in atom.names for atom in match.part.atoms) or len(match.part.atoms) == 1
            for match in answered
        )

    def _best(self, part: Part, unknown: Callable[[Topic], bool]) -> Match:
        atoms = part.atoms
        key = _key(atoms)
        best: list[tuple[float, Topic]] = []
        near: list[tuple[float, Topic]] = []
        names = frozenset(name for atom in atoms for name in atom.names)
        for topic in self.topics:
            if key and key in topic.keys:
                best.append((len(key) + 0.75, topic))
                continue
            score, left = self._cover(topic, atoms, names)
            if score <= 0:
                continue
            if left == 0 or (topic.front.kind == "topic" and unknown(topic) and not topic.front.strict):
                best.append((score, topic))
            elif left == 1:
                near.append((score, topic))
        if not best:
            ordered = sorted(near, key=lambda pair: (-pair[0], pair[1].id))
            return Match(part, None, near=tuple(topic for _, topic in ordered[:2]))
        best.sort(
            key=lambda pair: (-pair[0], not unknown(pair[1]), pair[1].front.kind == "small_talk", pair[1].id)
        )
        top = best[0][0]
        confidence = 0.9 if any(token.corrected for token in part.tokens) else 0.97
        return Match(part, best[0][1], confidence, tuple(topic for score, topic in best[1:3] if score == top))

    def _cover(self, topic: Topic, atoms: Sequence[Atom], names: Names) -> tuple[float, int]:
        """How much of a topic's need was said, and how many atoms it does not account for."""
        best = (0.0, len(atoms))
        for needs in topic.alternatives:
            if not all(need & names for need in needs):
                continue
            score = float(sum(1 for need in needs if EVENT not in need))
            if not _distinct(needs, atoms):
                continue
            accepted = topic.allows.union(*needs)
            left = sum(1 for atom in atoms if not atom.names & accepted and EVENT not in atom.names)
            if (score if left == 0 else score - 100, -left) > (
                best[0] if best[1] == 0 else best[0] - 100,
                -best[1],
            ):
                best = (score, left)
        return best


def _distinct(needs: tuple[Names, ...], atoms: Sequence[Atom]) -> bool:
    """Whether different atoms meet the needs: one ambiguous word must not meet two of them."""
    if len(needs) < 2:
        return True
    free = list(atoms)
    for need in sorted(needs, key=lambda need: sum(1 for atom in atoms if atom.names & need)):
        chosen = next(
            (atom for atom in sorted(free, key=lambda atom: len(atom.names)) if atom.names & need), None
        )
        if chosen is None:
            return False
        free.remove(chosen)
    return True


def _key(atoms: Iterable[Atom]) -> tuple[Names, ...]:
    """What a part says, whatever the order: equal for two ways of asking the same thing."""
    kept = {atom.names for atom in atoms if atom.names != _ONLY_EVENT}
    if any(UNKNOWN in names for names in kept):
        return ()
    return tuple(sorted(kept, key=lambda names: sorted(names)))


def _described(atoms: list[Atom]) -> list[Atom]:
    """Take "the virtual ITU footprint" of "the virtual ITU footprint workshop" into the event."""
    kept: list[Atom] = []
    for atom in atoms:
        if EVENT in atom.names:
            while kept and kept[-1].names & {"matter", "org"} and not kept[-1].names & {"subject"}:
                kept.pop()
        kept.append(atom)
    made: list[Atom] = []
    run: list[Atom] = []
    for atom in kept:
        if "matter" in atom.names:
            run.append(atom)
            continue
        made.extend(_titled(run))
        made.append(atom)
        run = []
    return [*made, *_titled(run)]


def _titled(run: list[Atom]) -> list[Atom]:
    """Four words of the workshop's own in a row are its title, and stand for it."""
    if len(run) < 4:
        return run
    return [Atom(frozenset({EVENT}), tuple(token for atom in run for token in atom.tokens))]


def _merged(matches: list[Match]) -> list[Match]:
    """Neighbouring items of one topic count once."""
    made: list[Match] = []
    for match in matches:
        if match.topic is not None and any(other.topic is match.topic for other in made):
            continue
        made.append(match)
    return made
