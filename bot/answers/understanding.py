"""What a part asks, judged by evidence.

A topic is chosen only when everything it needs was said and every other word of the part is one that
cannot change its answer: a name, number, place, activity or plain unknown word that the topic does not
account for leaves the part undecided. Topics that say "this is not published" take whatever else was asked
about their thing and win ties.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
_ONLY_EVENT = frozenset({EVENT, "orgevent"})


_LOGISTICS = frozenset(
    {
        "register",
        "join",
        "link",
        "page",
        "speakers",
        "recording",
        "certificate",
        "joining-link",
        "programme_",
        "slides",
        "contact",
    }
)
_QUESTION_WORDS = frozenset({"question", "questions", "q", "qn", "query", "ask", "comment"})
_WEAK = frozenset({"venueword", "persona", "member", "place", "where", "org", "anyone", "event", "matter", "short"})
# What a topic is about by its own word, so that a light word beside it changes nothing.
_KEYS = frozenset({
    "register", "cost", "free", "page", "programme", "title", "virtual", "inperson", "venueword", "eligible", "link",
    "organise", "sign", "duration",
})  # fmt: skip
_TAKES_PLACE = frozenset({"takeplace"})
_TIMES_ONLY = frozenset({"span", "date", "clock", "amount"})
_SOFT = frozenset({"updates", "span", "persona", "anyone", "mytime", "place", "member", "takeplace", "event"})
ALWAYS = frozenset({"greeting", "thanks", "chatter", "bot"})  # said beside anything
FRAGMENT = 5  # tokens of a message that may be nothing but a catchword
_ATTRIBUTES = frozenset({"when", "where", "who", "how", "why", "cost", "link", "start", "end", "duration"})


@dataclass(frozen=True, slots=True)
class Form:
    """One way of asking for a topic: all of `needs` must be said, each by one of its names.

    `names_too`: a yes-or-no question may also hold names that nobody knows ("organised by UNESCO?").
    """

    needs: tuple[Names, ...]
    longest: int = 10_000
    names_too: bool = False
    polar: bool = False  # only in a yes-or-no question

    @classmethod
    def of(cls, line: str) -> Form:
        """Read "when event" or "organise|sign *"."""
        words = line.split()
        needs = tuple(frozenset(word.split("|")) for word in words if word not in ("*", "polar"))
        return cls(needs, names_too="*" in words, polar="polar" in words)


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
        self.topics = list(topics)
        self.foreign = foreign
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
        self._forms: dict[str, list[tuple[Topic, Form]]] = {}
        for topic in self.topics:
            for form in topic.alternatives:
                for name in min(form.needs, key=len):
                    self._forms.setdefault(name, []).append((topic, form))
        self._panel_prefixes = sorted(
            (self.lexicon.split(line) for line in words.panel.prefixes), key=len, reverse=True
        )
        self._asking_forms = [self.lexicon.split(line) for line in words.panel.asking]
        names = [*words.panel.audience, *(name for subject in config.subjects for name in subject.names)]
        self._audiences = [self.lexicon.split(fold(name)) for name in names]
        self._panelists = {self.lexicon.split(name) for name in words.panel.audience}
        self._thinking_forms = [self.lexicon.split(line) for line in words.panel.thinking]
        self._strong_forms = [self.lexicon.split(line) for line in words.panel.strong]
        self._judging_forms = [self.lexicon.split(line) for line in words.panel.judging]

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

    def _learn_topics(self) -> None:
        """Turn each topic's words, needs and phrasings into what has to be said for it."""
        for topic in self.topics:
            own = frozenset({topic.id})
            needs = [line.replace("{it}", self._own_name(topic)) for line in topic.needs]
            for line in needs:
                topic.alternatives.append(Form.of(line))
            for line in topic.front.fragments:
                fragment = Form.of(line.replace("{it}", self._own_name(topic)))
                topic.alternatives.append(replace(fragment, longest=FRAGMENT))
            if topic.words:
                topic.alternatives.append(Form((own,)))
            allows = {name.replace("{it}", self._own_name(topic)) for name in topic.front.allows} | {topic.id}
            own_forms = not topic.alternatives
            for phrasing in topic.phrasings:
                if own_forms:
                    self._name_unknown(phrasing, topic)
                atoms = self.read(phrasing)
                if own_forms and (key := _key(atoms)):
                    topic.keys.add(key)
                    topic.alternatives.append(Form(key))
                allows.update(name for atom in atoms for name in atom.names if name != UNKNOWN)
            topic.allows = frozenset(allows)

    def _own_name(self, topic: Topic) -> str:
        if topic.front.each == "abbreviations":
            return f"short:{topic.item.short}"
        kind = {"subjects": "subject", "segments": "segment"}.get(topic.front.each)
        return f"{kind}:{topic.item.id}" if kind else "code"

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
        """Sentences of cleaned text, short ones of another language put into this one, typing errors mended."""
        found = sentences(text, self.words.rewrites)
        if self.foreign:
            self._translate(found)
        mended = 0
        for sentence in found:
            for token in sentence.tokens:
                if token.kind == "word" and mended < 40 and self._is_odd(token):
                    mended += 1
                    meant = self._as_place(sentence.tokens, token) or self.spelling.mend(
                        token.norm, proper=token.raw[:1].isupper() and token is not sentence.tokens[0]
                    )
                    if meant is not None:
                        token.norm, token.corrected = meant, True
                token.stem = stem(token.norm)
        return found

    def _translate(self, found: list[Sentence]) -> None:
        """Put the words of a message in another language into this one, where a table has them."""
        words = [token for sentence in found for token in sentence.tokens if token.kind == "word"]
        strange = [token for token in words if not self._is_known(token.norm) and not self._is_zone(token)]
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
            sentence.tokens = [
                Token(word, token.raw, token.start, token.end) if token.norm in self.foreign[code] else token
                for token in sentence.tokens
                for word in (
                    self.foreign[code][token.norm].split()
                    if token.kind == "word" and token.norm in self.foreign[code]
                    else [token.norm]
                )
            ]

    def _is_zone(self, token: Token) -> bool:
        """ "ET", "LA": capitals that name a zone or a place."""
        places = self.entities.places
        return places.is_abbreviation(token.norm) or (token.raw[:1].isupper() and token.norm in places.words)

    def _is_known(self, norm: str) -> bool:
        return self.lexicon.knows(norm) or self.spelling.is_word(norm)

    def _as_place(self, tokens: Sequence[Token], token: Token) -> str | None:
        """The place that a misspelt word means where a place is to be expected: "in Melborne", "Nairoby time"."""
        at = next(index for index, other in enumerate(tokens) if other is token)
        before = tokens[at - 1].norm if at else ""
        follows = tokens[at + 1].norm if at + 1 < len(tokens) else ""
        if before not in ("in", "from", "for", "time") and follows != "time":
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
        for atom in self.entities.atoms(tokens):
            names = atom.names
            if UNKNOWN in names and (atom.tokens[0].stem or stem(atom.tokens[0].norm)) in self.matter:
                names = frozenset({"matter"})
            general = {name.split(":")[0] for name in names if ":" in name}
            if general == {"short"} and atom.tokens[0].stem in self.matter:
                general.add("matter")
            found.append(replace(atom, names=names | general) if general or names is not atom.names else atom)
        return _described(_with_codes(found), self._title)

    def panel_text(self, found: Sequence[Sentence], text: str) -> str | None:
        """What a message puts to the panel by saying so; None when it addresses the bot."""
        for sentence in found:
            tokens = sentence.tokens
            after = self._addressed(tokens)
            if after is None:
                continue
            rest = [token for token in tokens[after:] if token.kind != "mark"]
            start = rest[0].start if rest else tokens[-1].end
            following = text[start:].strip(" :,;-.\n")
            return " ".join((following or text[: tokens[0].start]).split())
        return None

    def _addressed(self, tokens: Sequence[Token]) -> int | None:
        """The index after the words that address the panel, if a sentence does."""
        norms = [token.norm for token in tokens]
        start = 0
        while start < len(norms) and (norms[start] in self.splitter.lead_in or tokens[start].kind == "mark"):
            start += 1
        for at in range(len(norms)):
            length = self._audience(norms, at)
            if not length:
                continue
            end = at + length
            before = [
                norm
                for norm in norms[start:at]
                if norm not in ("the", "our", "all", "your", "today", "of", "live", "any", "one", "ur")
            ]
            ends_head = end >= len(norms) or tokens[end].kind == "mark"
            asked = any(norm in _QUESTION_WORDS for norm in before)
            if asked and before[-1:] and before[-1] in ("for", "to", "4", "2") and len(before) <= 10:
                return end
            if (
                before in (["for"], ["to"], ["@"], [])
                and end < len(norms)
                and tokens[end].kind == "mark"
                and norms[end] in (":", "-")
            ):
                return end
            if (
                any(norm in ("ask", "asking") for norm in before)
                and len(before) <= 8
                and len(norms) - end >= 3
            ):
                return end
            if tuple(norms[at:end]) not in self._panelists:
                continue
            if before and before[-1] in self.splitter.polar and len(before) <= 3 and not ends_head:
                follows = [
                    norm for norm in norms[end : end + 4] if norm not in ("please", "also", "maybe", "really")
                ]
                if any(tuple(follows[: len(form)]) == form for form in self._thinking_forms):
                    return start
        for prefix in self._panel_prefixes:
            if tuple(norms[start : start + len(prefix)]) == prefix:
                return start + len(prefix)
        return None

    def _audience(self, norms: Sequence[str], at: int) -> int:
        """How many words name who sits on the panel, from here."""
        return max(
            (len(name) for name in self._audiences if tuple(norms[at : at + len(name)]) == name), default=0
        )

    def is_opinion(self, part: Part) -> bool:
        """Whether a part asks for a judgement, a policy or a way of doing things, which is for people to answer."""
        norms = tuple(token.norm for token in part.tokens if token.kind != "mark")
        while norms and norms[0] in self.splitter.lead_in:
            norms = norms[1:]
        stems = {token.stem for token in part.tokens}
        first_person = any(norm in ("i", "my", "me") for norm in norms[:6])
        strong = any(norms[: len(form)] == form for form in self._strong_forms) and not first_person
        if strong and len(norms) >= 5 and stems & (self._field | self.matter):
            return True
        if any(atom.names == {EVENT} or "orgevent" in atom.names for atom in part.atoms):
            return False
        logistics = [atom for atom in part.atoms if atom.names & _LOGISTICS]
        if len(norms) < 4 or any(atom.tokens[0].stem not in self._field for atom in logistics):
            return False
        if not stems & (self._field | self.matter):
            return False
        named = any(norms[: len(form)] == form for form in self._asking_forms)
        own = any(norm in ("i", "my", "me") for norm in norms[:4])
        judged = any(
            norms[at : at + len(form)] == form for form in self._judging_forms for at in range(len(norms))
        )
        return (named and not own and len(norms) >= 5) or (judged and bool(stems & self._field))

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
        if self._asks_who_comes(part):
            part.atoms = [*part.atoms, Atom(frozenset({"attends"}), (part.tokens[0],))]
        norms = [norm for norm in part.norms if norm not in self.splitter.lead_in]
        if norms[:1] == ["what"] and norms[1:2] in (["do"], ["does"]) and norms[-1] == "do":
            part.atoms = [*part.atoms, Atom(frozenset({"activity"}), (part.tokens[-1],))]
        whole = self._best(part, unknown)
        split = self._judge_pieces(part, unknown)
        if whole.topic is not None and not unknown(whole.topic):
            topics = {
                match.topic.id for match in split if match.topic is not None and not unknown(match.topic)
            }
            return split if len(topics) > 1 and len(topics) == len(split) else [whole]
        if split:
            return split
        if whole.topic is None:
            kept = self._without_asides(part)
            if len(kept) < len(part.atoms):
                return [self._best(part, unknown, kept)]
        return [whole]

    def _asks_who_comes(self, part: Part) -> bool:
        """ "Will the minister be there?" asks who comes; "can a minister come?" asks who may."""
        norms = [norm for norm in part.norms if norm not in self.splitter.lead_in or norm in ("is", "are")]
        if not norms or norms[0] not in (
            "will",
            "is",
            "are",
            "does",
            "do",
            "has",
            "have",
            "did",
            "was",
            "were",
        ):
            return False
        names = frozenset(name for atom in part.atoms for name in atom.names)
        return (
            "join" in names
            and bool(names & {"persona", UNKNOWN})
            and not names & {"eligible", "must", "register", "optional", "cost", "free", "letter", "anyone"}
            and not set(norms)
            & {"i", "we", "you", "able", "there", "it"} - ({"there"} if norms[-1] == "there" else set())
        )

    def _judge_pieces(self, part: Part, unknown: Callable[[Topic], bool]) -> list[Match]:
        """Items of a list answered one by one, where at least one can be and none belongs to the others."""
        pieces = self.splitter.pieces(part)
        if not pieces or len(part.atoms) <= 1:
            return []
        matches = []
        for piece in pieces:
            piece.atoms = self.atoms(piece.tokens)
            if piece.atoms:
                matches.append(self._best(piece, unknown))
        answered = [match for match in matches if match.topic is not None and not unknown(match.topic)]
        if not answered or len(matches) < 2:
            return []
        first = matches[0]
        if first not in answered and self.splitter.opens(first.part.tokens, 0):
            if all(atom.names <= _WEAK for match in answered for atom in match.part.atoms):
                return []
        said = frozenset(name for match in answered for atom in match.part.atoms for name in atom.names)
        for match in matches:
            if match not in answered and self._belongs(match, said):
                return []
        return _merged(matches)

    def _belongs(self, match: Match, said: Names) -> bool:
        """Whether a declined item carries what may be meant of all of them: "date and time of the dinner"."""
        attached = any(norm in self.splitter.prepositions for norm in match.part.norms[1:])
        strange = any(UNKNOWN in atom.names for atom in match.part.atoms)
        shared = any(atom.names & said and EVENT not in atom.names for atom in match.part.atoms)
        asks = any(atom.names & _ATTRIBUTES for atom in match.part.atoms)
        return (attached and (strange or shared)) or (
            strange and len(match.part.atoms) > 1 and not asks and shared
        )

    def _without_asides(self, part: Part) -> list[Atom]:
        """The atoms that are left when what only tells about the asker is taken away.

        "for my boss", "as a beekeeper", "on behalf of the village", "officially", "can the mayor attend",
        "can I join to write about it".
        """
        tokens = part.tokens
        aside: set[int] = set()
        inside = False
        for at, token in enumerate(tokens):
            before = tokens[at - 1].norm if at else ""
            led = before in self.splitter.prepositions or before in self.splitter.asking or at == 0
            if token.norm in self.splitter.own and led:
                inside = True
            elif token.norm in ("a", "an") and before in ("as", "am", "being"):
                inside = True
            elif token.norm == "of" and before == "behalf":
                inside = True
            elif token.norm in self.splitter.wh | self.splitter.polar | self.splitter.coordinators | {
                ",",
                "that",
                "if",
            } or (token.norm in self.splitter.prepositions and token.norm != "of"):
                inside = False
            if inside or (token.kind == "word" and len(token.norm) > 5 and token.norm.endswith("ly")):
                aside.add(id(token))
        joins = any(atom.names & {"join", "register", "eligible"} for atom in part.atoms)
        crowd = {
            id(first)
            for first, second in zip(part.atoms, part.atoms[1:], strict=False)
            if "persona" in second.names and second.start - first.end <= 1 and joins
        }
        joining = [
            at for at, atom in enumerate(part.atoms) if "join" in atom.names or "register" in atom.names
        ]
        names = frozenset(name for atom in part.atoms for name in atom.names)
        polar = self.splitter.is_polar(part)
        kept = []
        for at, atom in enumerate(part.atoms):
            if all(id(token) in aside for token in atom.tokens) and atom.names & {
                UNKNOWN,
                "persona",
                "matter",
            }:
                continue
            if (
                joining
                and polar
                and UNKNOWN in atom.names
                and at < joining[0]
                and not names & {"when", "where", "cost"}
            ):
                continue  # "can <anybody> attend"
            if id(atom) in crowd and atom.names & {UNKNOWN, "matter"} and "cost" not in names:
                continue  # "<development> banks"
            if (
                joining
                and at > joining[0]
                and UNKNOWN in atom.names
                and self._purpose(tokens, atom, part.atoms[joining[0]])
            ):
                continue
            kept.append(atom)
        return kept

    def _purpose(self, tokens: list[Token], atom: Atom, verb: Atom) -> bool:
        """Whether an atom stands in "… join to write about it"."""
        start = next(at for at, token in enumerate(tokens) if token is verb.tokens[-1])
        end = next(at for at, token in enumerate(tokens) if token is atom.tokens[0])
        between = [token.norm for token in tokens[start + 1 : end + 1]]
        return "to" in between and between.index("to") + 1 < len(between) and between[between.index("to") + 1] not in (
            "the", "a", "an", "this", "that", "any", "your", "all",
        )  # fmt: skip

    def _best(self, part: Part, unknown: Callable[[Topic], bool], kept: list[Atom] | None = None) -> Match:
        atoms = part.atoms if kept is None else kept
        key = _key(atoms)
        best: list[tuple[float, Topic]] = []
        near: list[tuple[float, Topic]] = []
        names = frozenset(name for atom in atoms for name in atom.names)
        size = len(part.tokens)
        polar = self.splitter.is_polar(part)
        small = size <= 9 and not part.asked and not any(atom.names & _ATTRIBUTES for atom in atoms)
        for topic, forms in self._candidates(names):
            if key and key in topic.keys:
                best.append((len(key) + 0.25, topic))
                continue
            score, left = self._cover(topic, forms, atoms, names, part.tokens, polar)
            if score <= 0:
                continue
            if topic.front.kind == "small_talk":
                if left == 0 or (small and not topic.front.strict) or self._is_small(topic, atoms):
                    bonus = 10 if self._is_small(topic, atoms) and not part.asked and topic.id != "bot" else 0
                    best.append((score / 100 + bonus if left else score + bonus, topic))
            elif left == 0 or (unknown(topic) and not topic.front.strict):
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
        confidence = 0.97
        if kept is not None or any(token.corrected for token in part.tokens):
            confidence = 0.88
        return Match(part, best[0][1], confidence, tuple(topic for score, topic in best[1:3] if score == top))

    def _is_small(self, topic: Topic, atoms: Sequence[Atom]) -> bool:
        """"How are you doing today?": small talk with nothing but who, when and where beside it."""
        return topic.id in ALWAYS and all(atom.names & (_SOFT | {topic.id}) for atom in atoms)

    def _candidates(self, names: Names) -> list[tuple[Topic, list[Form]]]:
        """The topics of which at least one form may have been said, with those forms."""
        found: dict[str, tuple[Topic, list[Form]]] = {}
        for name in sorted(names):
            for topic, form in self._forms.get(name, ()):
                found.setdefault(topic.id, (topic, []))[1].append(form)
        return list(found.values())

    def _cover(
        self,
        topic: Topic,
        forms: Sequence[Form],
        atoms: Sequence[Atom],
        names: Names,
        tokens: Sequence[Token],
        polar: bool,
    ) -> tuple[float, int]:
        """How much of a topic's need was said, and how many atoms it does not account for."""
        best = (0.0, len(atoms))
        size = len(tokens)
        for form in forms:
            if (
                size > form.longest
                or ((form.longest == FRAGMENT or set().union(*form.needs) <= _TIMES_ONLY) and names & ALWAYS)
                or (form.polar and not polar)
                or not all(need & names for need in form.needs)
            ):
                continue
            if not _distinct(form.needs, atoms):
                continue
            score = sum(1 for need in form.needs if EVENT not in need) + (0.5 if form.polar else 0.0)
            accepted = topic.allows.union(ALWAYS, _TAKES_PLACE, *form.needs)
            left = sum(
                1
                for atom in atoms
                if not atom.names & accepted
                and EVENT not in atom.names
                and not self._is_light(atom, form, atoms, tokens, polar)
                and not (form.names_too and polar and UNKNOWN in atom.names and self._is_name(atom, tokens))
            )
            if (left == 0, score, -left) > (best[1] == 0 and best[0] > 0, best[0], -best[1]):
                best = (score, left)
        return best

    def _is_light(
        self, atom: Atom, form: Form, atoms: Sequence[Atom], tokens: Sequence[Token], polar: bool
    ) -> bool:
        """Whether an unknown word only colours a key word of the form and cannot change what is asked.

        An adjective or verb right before a key word ("transfer money", "detailed
        agenda"); a noun right behind one ("registration sheet").
        """
        if UNKNOWN not in atom.names:
            return False
        token = atom.tokens[0]
        kind = self.spelling.kind(token.norm)
        if not self.spelling.is_word(token.norm) or (token.raw[:1].isupper() and token is not tokens[0]):
            return False
        at = next(index for index, other in enumerate(tokens) if other is token)
        keys = [other for other in atoms if any(other.names & need & _KEYS for need in form.needs)]
        after = [other.norm for other in tokens[at + 1 : at + 4]]
        while after and after[0] in ("the", "a", "an", "my", "our", "your", "any", "some", "this"):
            after.pop(0)
        before_key = bool(after) and any(key.tokens[0].norm == after[0] and key.start > atom.start for key in keys)
        if kind in ("a", "v") and before_key:
            return True
        return any(0 <= atom.start - key.end <= 1 and "not" not in atom.names for key in keys) and not polar

    def _is_name(self, atom: Atom, tokens: Sequence[Token]) -> bool:
        """Whether an unknown word is a name that takes part: "by Ericsson", "did Ericsson …", "at Palexpo"."""
        token = atom.tokens[0]
        if not (token.raw[:1].isupper() and token.start > 0) and self.spelling.is_word(token.norm):
            return False
        at = next(index for index, other in enumerate(tokens) if other is token)
        before = [other.norm for other in tokens[max(0, at - 3) : at]]
        led = any(
            norm in ("by", "with", "from", "at", "in", "called", "named", "for", "of") for norm in before
        )
        return led or (at <= 4 and tokens[0].norm in self.splitter.polar)


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
    kept = {atom.names for atom in atoms if not atom.names <= _ONLY_EVENT}
    if any(UNKNOWN in names for names in kept):
        return ()
    return tuple(sorted(kept, key=lambda names: sorted(names)))


def _with_codes(found: list[Atom]) -> list[Atom]:
    """"Perth WA": letters right after a place belong to it."""
    made: list[Atom] = []
    for atom in found:
        if made and "place" in made[-1].names and UNKNOWN in atom.names and len(atom.tokens[0].norm) <= 3 and atom.start - made[-1].end <= 2:
            continue
        made.append(atom)
    return made


def _described(atoms: list[Atom], title: Names) -> list[Atom]:
    """Take "the virtual ITU footprint" of "the virtual ITU footprint workshop" into the event."""
    kept: list[Atom] = []
    for atom in atoms:
        if EVENT in atom.names:
            while (
                kept
                and kept[-1].names & {"matter", "org"}
                and "subject" not in kept[-1].names
                and ("org" in kept[-1].names or _titular(kept[-1], title))
                and _next_to(kept[-1], atom, 30)
            ):
                if "org" in kept.pop().names and atom.names == {EVENT}:
                    atom = replace(atom, names=_ONLY_EVENT)
        kept.append(atom)
    made: list[Atom] = []
    run: list[Atom] = []
    for atom in kept:
        if "matter" in atom.names:
            run.append(atom)
            continue
        made.extend(_titled(run, title))
        made.append(atom)
        run = []
    return [*made, *_titled(run, title)]


def _titular(atom: Atom, title: Names) -> bool:
    """Whether a word is one of the title's, or nearly ("environment" for "environmental")."""
    return all(
        token.stem in title or any(len(token.stem) > 6 and word.startswith(token.stem[:7]) for word in title)
        for token in atom.tokens
    )


def _next_to(first: Atom, second: Atom, most: int) -> bool:
    return second.start - first.end <= most


def _titled(run: list[Atom], title: Names) -> list[Atom]:
    """Most words of the title in a row stand for the workshop."""
    stems = {token.stem for atom in run for token in atom.tokens}
    if len(stems & title) < 3 or len(stems & title) * 5 < len(title) * 3 or stems - title:
        return run
    return [Atom(frozenset({EVENT}), tuple(token for atom in run for token in atom.tokens))]


def _merged(matches: list[Match]) -> list[Match]:
    """Items of one topic count once; "missed it, any recording?" does not ask whether it was missed."""
    made: list[Match] = []
    for match in matches:
        if (
            match.topic is not None
            and match.topic.id == "status"
            and any(other.topic is not match.topic for other in matches)
        ):
            continue
        if match.topic is not None and any(other.topic is match.topic for other in made):
            continue
        made.append(match)
    return made
