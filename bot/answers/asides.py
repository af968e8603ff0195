"""What a part says about the asker and others, beside what it asks."""

from __future__ import annotations

from itertools import pairwise

from bot.answers.entities import Atom
from bot.answers.forms import UNKNOWN
from bot.answers.parts import Part, Splitter
from bot.answers.text import Token


def asks_who_comes(part: Part, splitter: Splitter) -> bool:
    """ "Will the minister be there?" asks who comes; "can a minister come?" asks who may."""
    norms = [norm for norm in part.norms if norm not in splitter.lead_in or norm in ("is", "are")]
    if not norms or norms[0] not in splitter.who_may:
        return False
    names = frozenset(name for atom in part.atoms for name in atom.names)
    if "join" not in names or not names & {"persona", UNKNOWN}:
        return False
    if names & {"eligible", "must", "register", "optional", "cost", "free", "letter", "anyone"}:
        return False
    ourselves = splitter.ourselves - {"there"} if norms[-1] == "there" else splitter.ourselves
    return not set(norms) & ourselves


def _aside(tokens: list[Token], splitter: Splitter) -> set[int]:
    """The ids of tokens in "for my boss", "as a beekeeper", "on behalf of the village"."""
    ends = splitter.wh | splitter.polar | splitter.coordinators | splitter.conditions | {",", "that"}
    aside: set[int] = set()
    inside = False
    for at, token in enumerate(tokens):
        before = tokens[at - 1].norm if at else ""
        led = at == 0 or (before in splitter.prepositions and before != "of") or before in splitter.asking
        described = token.norm in ("a", "an") and before in ("as", "am", "being")
        if (token.norm in splitter.own and led) or described or (token.norm == "of" and before == "behalf"):
            inside = True
        elif token.norm in ends or (token.norm in splitter.prepositions and token.norm != "of"):
            inside = False
        if inside:
            aside.add(id(token))
    return aside


def without_asides(part: Part, splitter: Splitter) -> list[Atom]:
    """The atoms that are left when what only tells about the asker is taken away.

    "for my boss", "as a beekeeper", "on behalf of the village", "can the mayor attend",
    "can I join to write about it".
    """
    tokens = part.tokens
    names = frozenset(name for atom in part.atoms for name in atom.names)
    aside = _aside(tokens, splitter)
    crowd = _crowd(part.atoms) if names & {"join", "register", "eligible"} and "cost" not in names else set()
    verb = next((at for at, atom in enumerate(part.atoms) if atom.names & {"join", "register"}), None)
    whoever = splitter.is_polar(part) and not names & {"when", "where", "cost"}
    kept = []
    for at, atom in enumerate(part.atoms):
        own = all(id(token) in aside for token in atom.tokens)
        if (own and atom.names & {UNKNOWN, "persona", "matter"}) or id(atom) in crowd:
            continue
        if UNKNOWN in atom.names and verb is not None:
            if at < verb and whoever:
                continue  # "can <anybody> attend"
            if at > verb and _is_purpose(tokens, atom, part.atoms[verb], splitter):
                continue
        kept.append(atom)
    return kept


def _crowd(atoms: list[Atom]) -> set[int]:
    """The ids of words right before people: "<development> banks"."""
    return {
        id(first)
        for first, second in pairwise(atoms)
        if first.names & {UNKNOWN, "matter"} and "persona" in second.names and second.start - first.end <= 1
    }


def _is_purpose(tokens: list[Token], atom: Atom, verb: Atom, splitter: Splitter) -> bool:
    """Whether an atom stands in "… join to write about it"."""
    start = next(at for at, token in enumerate(tokens) if token is verb.tokens[-1])
    end = next(at for at, token in enumerate(tokens) if token is atom.tokens[0])
    between = [token.norm for token in tokens[start + 1 : end + 1]]
    if "to" not in between[:-1]:
        return False
    return between[between.index("to") + 1] not in splitter.articles
