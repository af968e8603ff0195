"""What a file says, brought into the programme: the same segments known again, the rest left as it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from bot.errors import ConfigError, Mistake
from bot.programme.changes import with_missing
from bot.programme.importing.entries import LONG_TEXT, SEGMENTS, Entry, Found, wrong
from bot.programme.model import Programme, Segment, Status


def merge(found: Found, base: Programme) -> Programme:
    """`base` as the file has it. Raises ConfigError."""
    workshop = dict(found.workshop)
    if "status" in workshop:
        workshop["status"] = Status(workshop["status"] or "on")
    workshop = {key: value for key, value in workshop.items() if value is not None or key == "link"}
    segments = base.segments if found.entries is None else _segments(found.entries, base)
    merged = base.model_copy(update={**workshop, "segments": segments})
    if found.timed_only:
        merged = _with_untimed(base, merged)
    mistakes = [] if found.entries is None else _checks(found.entries, segments)
    if merged.ends <= merged.starts:
        mistakes.append(Mistake("workshop.ends", "the workshop ends before it starts", "let it be later"))
    if mistakes:
        raise ConfigError(mistakes)
    return merged


def _with_untimed(base: Programme, merged: Programme) -> Programme:
    """The segments of `base` that have no time, and so cannot be missing in the file, in their places."""
    untimed = {segment.id: segment for segment in base.segments if segment.starts is None}
    found = {segment.id for segment in merged.segments}
    whole = [
        segment if segment.id in found else untimed[segment.id]
        for segment in with_missing(base, merged).segments
        if segment.id in found or segment.id in untimed
    ]
    return merged.model_copy(update={"segments": tuple(whole)})


def _segments(entries: Sequence[Entry], base: Programme) -> tuple[Segment, ...]:
    if not entries:
        raise wrong("the file", "it holds no segments", "export the programme again")
    if len(entries) > SEGMENTS:
        raise wrong("the file", f"it holds {len(entries)} segments", f"{SEGMENTS} are the most")
    ids = _known(entries, base)
    taken = {*ids.values(), *(segment.id for segment in base.segments)}
    segments = []
    for entry in entries:
        id = ids.get(entry.known_as)
        if id is None:
            id = entry.known_as if entry.is_id else _new_id(entry.known_as, taken)
            ids[entry.known_as] = id
            taken.add(id)
        earlier = base.segment(id)
        fields = dict(entry.fields)
        if not entry.is_id:
            fields["known_as"] = entry.known_as
        if fields.get("source") is None:
            same_title = earlier is not None and earlier.title == fields["title"]
            fields["source"] = earlier.source if earlier and same_title else None
        known = earlier or Segment(id=id, title=fields["title"])
        segments.append(known.model_copy(update=fields))
    return tuple(segments)


def _known(entries: Sequence[Entry], base: Programme) -> dict[str, str]:
    """The ids of the segments that are there already, by what they are known as in the file."""
    by_alias = {segment.known_as: segment.id for segment in base.segments if segment.known_as}
    own = {segment.id for segment in base.segments}
    ids = {}
    for entry in entries:
        if not entry.is_id and entry.known_as in by_alias:
            ids[entry.known_as] = by_alias[entry.known_as]
        elif entry.known_as in own:
            ids[entry.known_as] = entry.known_as
    left = [segment for segment in base.segments if segment.id not in ids.values()]
    titles = _unique({segment.id: segment.title for segment in left if not segment.known_as})
    fresh = {e.known_as: e.fields["title"] for e in entries if e.known_as not in ids and not e.is_id}
    for title, known_as in _unique(fresh).items():
        if title in titles:
            ids[known_as] = titles[title]
    return ids


def _unique(titles: Mapping[str, str]) -> dict[str, str]:
    """Title → key, for the titles that stand there once."""
    folded: dict[str, list[str]] = {}
    for key, title in titles.items():
        folded.setdefault(fold(title), []).append(key)
    return {title: keys[0] for title, keys in folded.items() if len(keys) == 1 and title}


def fold(title: str) -> str:
    """A title as it is compared: without case and punctuation."""
    return re.sub(r"\W+", " ", title.casefold()).strip()


def _new_id(known_as: str, taken: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", known_as.lower()).strip("-")[:50].strip("-")
    if slug and slug not in taken and len(known_as) <= 50:
        return slug
    return f"{slug or 'segment'}-{hashlib.sha256(known_as.encode()).hexdigest()[:10]}"


def _checks(entries: Sequence[Entry], segments: Sequence[Segment]) -> list[Mistake]:
    mistakes, seen = [], set()
    for entry, segment in zip(entries, segments, strict=True):
        if segment.id in seen:
            mistakes.append(
                Mistake(entry.where, f"{entry.known_as!r} stands there twice", "keep one of them")
            )
        seen.add(segment.id)
        if segment.ends is not None and segment.starts is not None and segment.ends <= segment.starts:
            mistakes.append(Mistake(entry.where, "it ends before it starts", "let it end later"))
        if segment.link is not None and not re.fullmatch(r"https?://[^\s<>|\"]{1,1990}", segment.link):
            mistakes.append(
                Mistake(entry.where, f"{segment.link[:80]!r} is no web address", "start it with https://")
            )
        if segment.description is not None and len(segment.description) > LONG_TEXT:
            mistakes.append(
                Mistake(entry.where, "its description is too long", f"write up to {LONG_TEXT} characters")
            )
    return mistakes
