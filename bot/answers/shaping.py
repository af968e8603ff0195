"""Atoms that belong together made one: what describes the event, letters behind a city, the whole title."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.answers.entities import Atom
from bot.answers.forms import EVENT, ONLY_EVENT, UNKNOWN, Names
from bot.answers.localtimes import Place


def with_codes(found: list[Atom]) -> list[Atom]:
    """ "Perth WA": letters right after a place belong to it."""
    made: list[Atom] = []
    for atom in found:
        if (
            made
            and "place" in made[-1].names
            and UNKNOWN in atom.names
            and len(atom.tokens[0].norm) <= 3
            and atom.start - made[-1].end <= 2
        ):
            continue
        made.append(atom)
    return made


def located(found: list[Atom], within: Callable[[Place, Place], Place | None]) -> list[Atom]:
    """ "Birmingham, Alabama", "Lima, Peru": a city with what it lies in is one place."""
    made: list[Atom] = []
    for atom in found:
        before = made[-1] if made else None
        if before is not None and isinstance(before.value, Place) and isinstance(atom.value, Place):
            one = within(before.value, atom.value) if 0 < atom.start - before.end <= 2 else None
            if one is not None:
                made[-1] = Atom(before.names, (*before.tokens, *atom.tokens), one)
                continue
        made.append(atom)
    return made


def described(atoms: list[Atom], title: Names, definite: set[int]) -> list[Atom]:
    """Take "the virtual ITU footprint" of "the virtual ITU footprint workshop" into the event.

    `definite` are the ends of words that say which one is meant: "a virtual workshop" is another matter.
    """
    kept: list[Atom] = []
    for atom in atoms:
        if EVENT in atom.names:
            while kept and _next_to(kept[-1], atom, 30) and _describes(kept[-1], atom, title, definite):
                taken = kept.pop()
                if "org" in taken.names and atom.names == {EVENT}:
                    atom = replace(atom, names=ONLY_EVENT)
            if kept and kept[-1].names & {"date", "span"} and _next_to(kept[-1], atom, 1):
                kept[-1] = replace(kept[-1], names=frozenset({"eventday"}))
        kept.append(atom)
    made: list[Atom] = []
    run: list[Atom] = []
    for atom in kept:
        if "matter" in atom.names:
            run.append(atom)
            continue
        made.extend(_after_event(made, run, title))
        made.append(atom)
        run = []
    return [*made, *_after_event(made, run, title)]


def _after_event(made: list[Atom], run: list[Atom], title: Names) -> list[Atom]:
    """ "The workshop on the environmental footprint": words of the title right behind the event are it."""
    if made and EVENT in made[-1].names and run and all(_titular(atom, title) for atom in run):
        return []
    return _titled(run, title)


def _describes(atom: Atom, event: Atom, title: Names, definite: set[int]) -> bool:
    if "subject" in atom.names:
        return False
    if "virtual" in atom.names:
        return _next_to(atom, event, 1) and atom.start - 1 in definite
    return "org" in atom.names or ("matter" in atom.names and _titular(atom, title))


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
