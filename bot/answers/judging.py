"""What a part asks, judged by evidence.

A topic is chosen only when everything it needs was said and every other word of the part is one that
cannot change its answer: a name, number, place, activity or plain unknown word that the topic does not
account for leaves the part undecided. Topics that say "this is not published" take whatever else was asked
about their thing and win ties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.answers.asides import asks_who_comes, without_asides
from bot.answers.entities import Atom
from bot.answers.forms import (
    ALWAYS,
    ATTRIBUTES,
    BLOCKERS,
    EVENT,
    FRAGMENT,
    HASTE,
    KEYS,
    SOFT,
    UNKNOWN,
    WEAK,
    WORKSHOP,
    Form,
    Names,
    distinct,
    key_of,
)
from bot.answers.knowledge import Topic
from bot.answers.parts import Part, Splitter
from bot.answers.reading import Reader
from bot.answers.shaping import located
from bot.answers.text import Token


@dataclass(slots=True)
class Match:
    """A part and the topic that answers it; None when nothing does. `near`: topics that almost did."""

    part: Part
    topic: Topic | None
    confidence: float = 0.0
    near: tuple[Topic, ...] = ()
    places: list[Atom] = field(default_factory=list)
    vetoed: bool = False  # declined for a reason that no likelihood outweighs
    another_day: bool = False  # the event it names is said to be on another day than the workshop

    @property
    def names(self) -> Names:
        """All that the part's words may stand for."""
        return frozenset(name for atom in self.part.atoms for name in atom.names)


Accepting = tuple[Form, Names]  # a form, and the names that may stand beside it


class Judge:
    """Knows what has to be said for each topic."""

    def __init__(self, topics: Sequence[Topic], reader: Reader, splitter: Splitter) -> None:
        self.topics = list(topics)
        self.reader = reader
        self.splitter = splitter
        self._learn_topics()
        self._declining = {topic.id for topic in self.topics if topic.front.known is not True}
        self._own_events = frozenset(reader.words.lists.own_events.split())
        self._forms: dict[str, list[tuple[Topic, Accepting]]] = {}
        for topic in self.topics:
            general = ALWAYS | HASTE | {EVENT} | (frozenset() if topic.front.precise else WORKSHOP)
            for form in topic.alternatives:
                accepting = form, topic.allows.union(general, *form.needs)
                for name in min(form.needs, key=len):
                    self._forms.setdefault(name, []).append((topic, accepting))

    def _learn_topics(self) -> None:
        """Turn each topic's words, needs and phrasings into what has to be said for it."""
        for topic in self.topics:
            own = frozenset({topic.id})
            needs = [line.replace("{it}", self.own_name(topic)) for line in topic.needs]
            for line in needs:
                topic.alternatives.append(Form.of(line))
            for line in topic.front.fragments:
                fragment = Form.of(line.replace("{it}", self.own_name(topic)), longest=FRAGMENT)
                topic.alternatives.append(fragment)
            if topic.words:
                topic.alternatives.append(Form((own,)))
            allows = {name.replace("{it}", self.own_name(topic)) for name in topic.front.allows} | {topic.id}
            own_forms = not topic.alternatives
            for phrasing in topic.phrasings:
                if own_forms:
                    self._name_unknown(phrasing, topic)
                atoms = self.reader.read(phrasing)
                if own_forms and (key := key_of(atoms)):
                    topic.keys.add(key)
                    topic.alternatives.append(Form(key))
                if not topic.needs:
                    allows.update(name for atom in atoms for name in atom.names if name != UNKNOWN)
            topic.allows = frozenset(allows)

    def own_name(self, topic: Topic) -> str:
        """The name that atoms bear which name the topic's own item."""
        if topic.front.each == "abbreviations":
            return f"short:{topic.item.short}"
        kind = {"subjects": "subject", "segments": "segment"}.get(topic.front.each)
        return f"{kind}:{topic.item.id}" if kind else "code"

    def _name_unknown(self, phrasing: str, topic: Topic) -> None:
        for atom in self.reader.read(phrasing):
            if UNKNOWN in atom.names:
                self.reader.lexicon.add(atom.tokens[0].norm, f"word:{atom.tokens[0].stem}")

    def judge(self, part: Part, unknown: Callable[[Topic], bool]) -> list[Match]:
        """The topics that answer a part, or one Match without a topic."""
        part.atoms = self.reader.atoms(part.tokens)
        if asks_who_comes(part, self.splitter):
            part.atoms = [*part.atoms, Atom(frozenset({"attends"}), (part.tokens[0],))]
        norms = [norm for norm in part.norms if norm not in self.splitter.lead_in or norm in ("is", "are")]
        if self._asks_for_another(part):
            part.atoms = [*part.atoms, Atom(frozenset({"existential"}), (part.tokens[0],))]
        if self._names_another(part):
            part.atoms = [*part.atoms, Atom(frozenset({"another"}), (part.tokens[0],))]
        if norms[:1] == ["what"] and norms[1:2] in (["do"], ["does"]) and norms[-1] == "do":
            part.atoms = [*part.atoms, Atom(frozenset({"activity"}), (part.tokens[-1],))]
        whole = self._best(part, unknown)
        split = self._judge_pieces(part, unknown)
        if whole.topic is not None and not unknown(whole.topic):
            topics = {
                match.topic.id for match in split if match.topic is not None and not unknown(match.topic)
            }
            return (
                split if len(topics) > 1 and len(topics) == len(split) else self._with_equal(whole, unknown)
            )
        if split:
            return split
        if whole.topic is None:
            kept = without_asides(part, self.splitter)
            if len(kept) < len(part.atoms):
                return [self._best(part, unknown, kept)]
        return [whole]

    def _with_equal(self, match: Match, unknown: Callable[[Topic], bool]) -> list[Match]:
        """A part that is as much another known topic's is answered by both."""
        if match.topic is None or match.topic.front.kind != "topic":
            return [match]
        equal = [topic for topic in match.near if topic.front.kind == "topic" and not unknown(topic)]
        return [match, *(Match(match.part, topic, match.confidence) for topic in equal[:1])]

    def _names_another(self, part: Part) -> bool:
        """ "The meeting with my boss", "the SG5 meeting", "the workshop on falconry": not this event."""
        for at, atom in enumerate(part.atoms):
            if EVENT not in atom.names:
                continue
            index = next(index for index, token in enumerate(part.tokens) if token is atom.tokens[-1])
            after = [token.norm for token in part.tokens[index + 1 : index + 2]]
            if after == ["with"]:
                return True
            behind = part.atoms[at + 1] if at + 1 < len(part.atoms) else None
            named = behind is not None and part.tokens[index + 2 : index + 3] == list(behind.tokens[:1])
            if after in (["on"], ["about"]) and named and behind is not None and UNKNOWN in behind.names:
                return True
            before = part.atoms[at - 1] if at else None
            foreign = before is not None and "subject" in before.names and 0 < atom.start - before.end <= 1
            if foreign and atom.tokens[-1].norm not in self._own_events:
                return True
        return False

    def _asks_for_another(self, part: Part) -> bool:
        """ "Is there a workshop on Friday?" asks whether there is one, not when the workshop is."""
        norms = part.norms
        existing = norms[1:2] == ["there"] and norms[0] in ("is", "are", "will", "was", "were")
        return (
            existing
            and bool({"a", "an", "any"} & set(norms[2:4]))
            and any(EVENT in a.names for a in part.atoms)
        )

    def _judge_pieces(self, part: Part, unknown: Callable[[Topic], bool]) -> list[Match]:
        """Items of a list answered one by one, where at least one can be and none belongs to the others."""
        pieces = self.splitter.pieces(part)
        if not pieces or len(part.atoms) <= 1:
            return []
        matches = []
        for piece in pieces:
            piece.atoms = self.reader.atoms(piece.tokens)
            if piece.atoms:
                matches.append(self._best(piece, unknown))
        answered = [match for match in matches if match.topic is not None and not unknown(match.topic)]
        if not answered or len(matches) < 2:
            return []
        first = matches[0]
        hangs = first not in answered and self.splitter.opens(first.part.tokens, 0)
        if hangs and all(atom.names <= WEAK for match in answered for atom in match.part.atoms):
            return []
        said = frozenset(name for match in answered for atom in match.part.atoms for name in atom.names)
        for match in matches:
            if match not in answered and self._belongs(match, said):
                return []
        merged = _merged(matches)
        for match in merged:
            match.part.atoms = located(match.part.atoms, self.reader.entities.places.within)
        return merged

    def _belongs(self, match: Match, said: Names) -> bool:
        """Whether a declined item carries what may be meant of all: "date and time of the dinner"."""
        attached = any(norm in self.splitter.prepositions for norm in match.part.norms[1:])
        strange = any(UNKNOWN in atom.names for atom in match.part.atoms)
        shared = any(atom.names & said and EVENT not in atom.names for atom in match.part.atoms)
        asks = any(atom.names & ATTRIBUTES for atom in match.part.atoms)
        return (attached and (strange or shared)) or (
            strange and len(match.part.atoms) > 1 and not asks and shared
        )

    def _best(self, part: Part, unknown: Callable[[Topic], bool], kept: list[Atom] | None = None) -> Match:
        atoms = part.atoms if kept is None else kept
        key = key_of(atoms)
        best: list[tuple[float, Topic]] = []
        near: list[tuple[float, Topic]] = []
        names = frozenset(name for atom in atoms for name in atom.names)
        size = len(part.tokens)
        polar = self.splitter.is_polar(part)
        small = size <= 9 and not part.asked and not self.splitter.opens(part.tokens, 0)
        small = small and not any(atom.names & ATTRIBUTES for atom in atoms)
        for topic, forms in self._candidates(names):
            if key and key in topic.keys:
                best.append((len(key) + 0.25, topic))
                continue
            score, left = self._cover(topic, forms, atoms, names, part.tokens, polar)
            if score <= 0:
                continue
            if topic.front.kind == "small_talk":
                if left == 0 or (small and not topic.front.strict) or self._is_small(topic, part):
                    bonus = 10 if self._is_small(topic, part) and not part.asked and topic.id != "bot" else 0
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

    def _is_small(self, topic: Topic, part: Part) -> bool:
        """Whether a part is a greeting or thanks with nothing but who, when and where beside it."""
        if topic.id not in ALWAYS or part.norms[0] in ("what", "which", "when", "where", "is", "can", "do"):
            return False
        return all(atom.names & (SOFT | {topic.id}) for atom in part.atoms)

    def _candidates(self, names: Names) -> list[tuple[Topic, list[Accepting]]]:
        """The topics of which at least one form may have been said, with those forms."""
        found: dict[str, tuple[Topic, list[Accepting]]] = {}
        for name in sorted(names):
            for topic, form in self._forms.get(name, ()):
                found.setdefault(topic.id, (topic, []))[1].append(form)
        return list(found.values())

    def _cover(
        self,
        topic: Topic,
        forms: Sequence[Accepting],
        atoms: Sequence[Atom],
        names: Names,
        tokens: Sequence[Token],
        polar: bool,
    ) -> tuple[float, int]:
        """How much of a topic's need was said, and how many atoms it does not account for."""
        best = (0.0, len(atoms))
        size = len(tokens)
        for form, accepted in forms:
            score = form.score
            if best[1] == 0 < best[0] and score <= best[0]:
                continue  # all is accounted for by a form that needs as much
            if not form.fits(names, size, polar) or not distinct(form.needs, atoms):
                continue
            left = sum(
                1
                for atom in atoms
                if atom.names.isdisjoint(accepted)
                and not (topic.front.broad and self._is_beside(atom, form))
                and not (
                    UNKNOWN in atom.names
                    and (
                        self._is_light(atom, form, atoms, tokens, polar)
                        or (form.names_too and polar and self._is_name(atom, tokens))
                    )
                )
            )
            if (left == 0, score, -left) > (best[1] == 0 and best[0] > 0, best[0], -best[1]):
                best = (score, left)
        return best

    def _is_beside(self, atom: Atom, form: Form) -> bool:
        """Whether an atom may stand beside a form's own key word without changing what is asked."""
        keyed = any(need & KEYS for need in form.needs)
        return keyed and not atom.names & BLOCKERS and not any(name in self._declining for name in atom.names)

    def _is_light(
        self, atom: Atom, form: Form, atoms: Sequence[Atom], tokens: Sequence[Token], polar: bool
    ) -> bool:
        """Whether an unknown word only colours a key word of the form and cannot change what is asked.

        An adjective or verb right before a key word ("transfer money", "detailed
        agenda"); a noun right behind one ("registration sheet").
        """
        token = atom.tokens[0]
        kind = self.reader.spelling.kind(token.norm)
        if not self.reader.spelling.is_word(token.norm) or (
            token.raw[:1].isupper() and token is not tokens[0]
        ):
            return False
        at = next(index for index, other in enumerate(tokens) if other is token)
        keys = [other for other in atoms if any(other.names & need & KEYS for need in form.needs)]
        after = [other.norm for other in tokens[at + 1 : at + 4]]
        while after and after[0] in self.splitter.articles:
            after.pop(0)
        before_key = any(after[:1] == [key.tokens[0].norm] and key.start > atom.start for key in keys)
        if kind in ("a", "v") and before_key:
            return True
        return (
            any(0 <= atom.start - key.end <= 1 and "venueword" not in key.names for key in keys) and not polar
        )

    def _is_name(self, atom: Atom, tokens: Sequence[Token]) -> bool:
        """Whether an unknown word is a name that takes part: "by Ericsson", "at Palexpo"."""
        token = atom.tokens[0]
        if not (token.raw[:1].isupper() and token.start > 0) and self.reader.spelling.is_word(token.norm):
            return False
        at = next(index for index, other in enumerate(tokens) if other is token)
        before = [other.norm for other in tokens[max(0, at - 3) : at]]
        led = any(norm in self.splitter.named_by for norm in before)
        return led or (at <= 4 and tokens[0].norm in self.splitter.polar)


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
        same = next((other for other in made if match.topic is not None and other.topic is match.topic), None)
        if same is not None:
            same.part.atoms = [*same.part.atoms, *match.part.atoms]
            continue
        made.append(match)
    return made
