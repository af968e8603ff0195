"""What a yes-or-no question takes for granted, held against the facts.

Each check returns True (it is so), False (it is not) or None (nothing was claimed that could be checked).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.answers.claims import Claim
from bot.answers.dates import Day, Hour
from bot.answers.entities import Atom, Code
from bot.answers.localtimes import Clock, Place, utc_of
from bot.programme.model import Status


def verdict(check: str, claim: Claim) -> bool | None:
    """The verdict of the check that a topic's front matter names."""
    denied = claim.denied
    if not claim.polar or check not in CHECKS or denied is None or (claim.chooses and check not in ANY_OF):
        return None
    if set(claim.part.norms) >= OPINION:
        return None
    if claim.lacks and check != "register":
        if not claim.lacks_by_name:
            return None  # "for free without registering": what is lacking is another thing
        denied = False  # "without paying" is "free"
    found = CHECKS[check](claim)
    return (not found) if found is not None and denied else found


def day_fits(claim: Claim) -> bool | None:
    """Whether the days that are named are the workshop's; None when none can be told."""
    tz = claim.config.workshop.tz
    start = claim.programme.starts.astimezone(tz)
    today = claim.at.astimezone(tz).date()
    if claim.compared:
        return None
    days = [_is_day(day, start.date()) for day in claim.values("date") if isinstance(day, Day)]
    spans = [_is_span(span, start, today) for span in claim.values("span") if isinstance(span, tuple)]
    return _all([*days, *spans])


def _all(results: list[bool | None]) -> bool | None:
    made = [result for result in results if result is not None]
    return all(made) if made else None


def _when(claim: Claim) -> bool | None:
    named = [atom.value for atom in claim.part.atoms if {"place", "zone_"} & atom.names]
    zones = len(_offsets([place for place in named if isinstance(place, Place)], claim.programme.starts))
    clocks = claim.values("clock")
    if zones > 1 and (not clocks or (len(clocks) == 1 and "clock" in claim.part.atoms[0].names)):
        return None  # "15:30 CET in IST?" claims nothing, it wants that time put over
    besides = not claim.has("clock") and not BESIDES.isdisjoint(claim.part.norms)
    besides = besides or (claim.has("date") and "today" in claim.part.norms)  # "is today the 20th?"
    besides = besides or ("today" in claim.part.norms and _names_weekday(claim))  # "today is Thursday"
    if claim.has("calledoff") or claim.has("letter") or claim.has("must") or besides:
        return None  # of whether it takes place, of the letter, of another time besides
    may = claim.part.norms[0] in MAY or claim.part.norms[0] == "will"
    if claim.timed and may and not claim.words.selves.isdisjoint(claim.part.norms[1:3]):
        return None  # "can I make it to a meeting at 3?"
    if claim.timed and (
        claim.of_being_there or claim.has("in-part") or not OVERLAPS.isdisjoint(claim.part.norms)
    ):
        return None  # of somebody's own time
    if any(claim.has(name) for name in BESIDE_HOURS):
        return None
    if claim.has("span") and not PARTLY.isdisjoint(claim.part.norms):
        return None  # "the whole afternoon", "in the middle of the night"
    tz = claim.config.workshop.tz
    start, end = claim.programme.starts.astimezone(tz), claim.programme.ends.astimezone(tz)
    today = claim.at.astimezone(tz).date()
    days = [day for day in claim.values("date") if isinstance(day, Day)]
    if claim.compared and (days or claim.values("span")):
        return None
    if days and not RELATED.isdisjoint(claim.part.norms):
        return None
    told = end if claim.has("end") and not claim.has("start") else start  # what the day is said of
    results: list[bool | None] = [_is_day_there(day, claim, told) for day in days]
    if None in results and claim.values("clock"):
        return None  # "00:00 on the 25th in Sydney", where it is another day
    for value in claim.values("span"):
        if isinstance(value, tuple):
            own, there = _is_span(value, told, today), _is_span(value, _there(claim, told), today)
            results.append(None if own and not there and value[0] != "part" else there)
    results.append(_hours(claim, start, end))
    results.append(_length(claim, (end - start) / timedelta(minutes=1), (start.date() - today).days))
    if results[-1] is None and claim.values("amount"):
        return None
    found = _all(results)
    timed = any(claim.has(name) for name in ("clock", "date", "span"))
    return None if found is False and timed and claim.may_be_placed else found


def _names_weekday(claim: Claim) -> bool:
    return any(isinstance(value, tuple) and value[0] == "weekday" for value in claim.values("span"))


def _there(claim: Claim, start: datetime) -> datetime:
    """The start as the clocks of the place that is named show it."""
    clocks = [place.clocks[0] for place in claim.values("place") if isinstance(place, Place)]
    return start.astimezone(clocks[0].tz()) if clocks else start


def _is_day_there(day: Day, claim: Claim, start: datetime) -> bool | None:
    """Whether it is that day where it is asked from; None for the workshop's own where that is another."""
    there = _there(claim, start).date()
    return None if there != start.date() and _is_day(day, start.date()) else _is_day(day, there)


def _is_day(day: Day, actual: date) -> bool:
    def fits(number: int | None, month: int | None) -> bool:
        return (
            number in (None, actual.day) and month in (None, actual.month) and day.year in (None, actual.year)
        )

    return fits(day.day, day.month) or (day.swapped is not None and fits(*day.swapped))


def _is_span(value: tuple[object, ...], start: datetime, today: date) -> bool | None:
    kind, what = value[0], value[1]
    if kind == "day" and isinstance(what, int):
        return start.date() == today + timedelta(days=what)
    if kind == "weekday" and isinstance(what, int):
        if value[2] == "next":
            ahead = (start.date() - today).days
            return start.weekday() == what and 0 < ahead <= 13
        return start.weekday() == what
    if kind == "part" and isinstance(what, tuple):
        return bool(what[0] <= start.hour < what[1] or what[0] <= start.hour + 24 < what[1])
    if kind == "span" and isinstance(what, str):
        return _in_span(what, start.date(), today)
    return None


def _in_span(span: str, day: date, today: date) -> bool:
    if span == "weekend":
        return day.weekday() >= 5
    unit, step = span[:-2], int(span[-2:])
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        return monday <= day < monday + timedelta(days=7)
    if unit == "month":
        return (day.year * 12 + day.month) == (today.year * 12 + today.month + step)
    return day.year == today.year + step


def _hours(claim: Claim, start: datetime, end: datetime) -> bool | None:
    hours = [value for value in claim.values("clock") if isinstance(value, Hour)]
    clocks = [
        place.clocks for place in (*claim.values("zone_"), *claim.values("place")) if isinstance(place, Place)
    ]
    if not hours:
        zones = [
            atom.value
            for atom in claim.part.atoms
            if "zone_" in atom.names and isinstance(atom.value, Place) and atom.tokens[0] in claim.part.tokens
        ]  # of the part itself: "Can I join late? My meeting ends at 14:30 CET"
        polar = not claim.words.polar.isdisjoint(claim.part.norms[:2])
        asks = claim.part.claim or polar  # "time in UTC?" claims nothing
        if zones and asks and not claim.values("span") and not claim.amid:
            return any(
                start.astimezone(clock.tz()).utcoffset() == start.utcoffset() for clock in zones[0].clocks
            )
        return None
    named = [atom.value for atom in claim.part.atoms if {"place", "zone_"} & atom.names]
    places = [place for place in named if isinstance(place, Place)]
    if len(hours) == len(places) > 1:  # "14:00 CET is 8 am in New York": one instant on two clocks
        return all(_is_then(hour, start, place.clocks) for hour, place in zip(hours, places, strict=True))
    if len(places) > 1 and len(_offsets(places, start)) > 1:
        return None  # which hour is said of which
    if clocks and all(clock.zone == claim.config.workshop.zone for clock in clocks[0]):
        clocks = []
    if claim.compared and hours[0].hour == 0:
        return None  # midnight is before and after every day
    if claim.compared:
        return _is_beyond(claim.compared, hours[0], start if claim.has("start") else end, clocks)
    until = claim.has("end") or not UNTIL.isdisjoint(claim.part.norms)
    wanted = [end] if len(hours) == 1 and until and not claim.has("start") else [start, end]
    norms = claim.part.norms
    begins = [int(at) for at, to in pairwise(norms) if at.isdecimal() and len(at) < 3 and to in UNTIL]
    if until and any(number not in (start.hour, start.hour % 12) for number in begins):
        return None  # "2 to 3.30" names two hours, of which one looks like any number
    results = []
    for hour, instant in zip(hours, wanted, strict=False):
        if clocks:
            results.append(_is_then(hour, instant, clocks[0]))
        else:
            results.append(instant.hour in _numbers(hour) and instant.minute == hour.minute)
    return all(results)


def _is_beyond(
    compared: int, hour: Hour, instant: datetime, clocks: Sequence[Sequence[Clock]]
) -> bool | None:
    """Whether an instant is before (-1) or after (1) an hour; None when it is that very hour."""
    if clocks:
        moments = [utc_of(number, hour.minute, instant, clocks[0][0]) for number in _numbers(hour)]
    else:
        moments = [instant.replace(hour=number, minute=hour.minute) for number in _numbers(hour)]
    nearest = min(moments, key=lambda moment: abs(moment - instant))
    return None if nearest == instant else (instant > nearest) == (compared > 0)


def _is_then(hour: Hour, instant: datetime, clocks: Sequence[Clock]) -> bool:
    """Whether one of the clocks shows that hour at the instant."""
    return any(
        utc_of(number, hour.minute, instant, clock) == instant
        for clock in clocks
        for number in _numbers(hour)
    )


def _numbers(hour: Hour) -> set[int]:
    """The hours of the day that are meant: of one without am and pm, both."""
    return {hour.hour, (hour.hour + 12) % 24} if hour.half else {hour.hour}


def _length(claim: Claim, minutes: float, days: int) -> bool | None:
    amounts = [value for value in claim.values("amount") if isinstance(value, int | float)]
    if not amounts:
        if claim.has("duration") and any(
            set(claim.part.norms) & {"full", "whole", "all", "half"} and "day" in claim.part.norms
            for _ in (0,)
        ):
            return minutes >= 210
        return None
    if claim.amid or claim.of_being_there or claim.has("join") or claim.has("place") or claim.has("zone_"):
        return None
    if amounts[0] < 20 and not claim.has("duration"):
        return None
    if not JUDGING.isdisjoint(claim.part.norms):
        return None
    counted = not AHEAD.isdisjoint(claim.part.norms)
    if counted and amounts[0] >= 1440 and amounts[0] % 1440 == 0 and not claim.has("duration"):
        return days == amounts[0] / 1440
    if amounts[0] == 1440:
        return None
    if claim.compared and claim.programme.starts <= claim.at < claim.programme.ends:
        return None  # of what is left of it
    if claim.compared and amounts[0] != minutes:
        return (minutes > amounts[0]) == (claim.compared > 0)
    return None if claim.compared else bool(amounts[0] == minutes)


def _mode(claim: Claim) -> bool | None:
    virtual = claim.config.workshop.virtual
    way = claim.has("inperson") and claim.has("place") and claim.part.norms[0] not in claim.words.polar
    if claim.has("letter") or (way and not claim.part.claim):
        return None  # of one for a visa; "the way from the airport to the station in Geneva?"
    if claim.has("place") or claim.has("inperson") or (claim.has("where") and not claim.has("virtual")):
        return not virtual if claim.has("inperson") or claim.has("place") else None
    return virtual if claim.has("virtual") else None


def _cost(claim: Claim) -> bool | None:
    participation = claim.config.participation
    norms = set(claim.part.norms)
    if participation is None or claim.part.norms[:2] == ["am", "i"]:  # "am I free at nine?"
        return None
    if norms & {"only", "except", "unless", "if", "include", "includes", "cover", "covers", "same", "with"}:
        return None  # free, but not on the condition that is named, and no fee that includes a thing
    if claim.has("speakers") or (claim.has("free") and claim.part.norms[1:2] == ["there"]):
        return None  # of what they are paid; of free things beside the workshop
    if claim.has("free") and (claim.has("cost") or claim.has("money")):
        return None  # free for some, and not for others
    if claim.has("free"):
        return participation.free
    if claim.part.norms[1:2] == ["of"]:
        return None  # "cost of registration?" claims nothing
    return not participation.free if claim.has("cost") or claim.has("money") else None


def _register(claim: Claim) -> bool | None:
    registration = claim.config.registration
    if registration is None or not claim.words.once_more.isdisjoint(claim.part.norms):
        return None
    if claim.at >= claim.programme.starts or not ENOUGH.isdisjoint(claim.part.norms):
        return None  # whether one still can, nobody has told
    if claim.has("optional") or (claim.has("not") and "without" in claim.part.norms):
        return registration.mandatory if claim.lacks else not registration.mandatory
    if claim.has("byother"):
        return not registration.online_only
    if claim.has("inperson"):
        return not registration.online_only
    if claim.has("must"):
        if not claim.has("register") and not ATTENDING.isdisjoint(claim.part.norms):
            return None
        other = any("?" in atom.names for atom in claim.part.atoms) and not claim.has("register")
        told = {"each", "every", "all", "by"}.isdisjoint(claim.part.norms)  # nor by when, nor by whom
        beside = ("persona", "behalf", "speakers", "registration-details", "number")
        if any(claim.has(name) for name in beside):
            return None  # whoever it is, and whatever else is needed
        return registration.mandatory if told and not other else None
    return registration.online_only if claim.has("virtual") else None


def _organiser(claim: Claim) -> bool | None:
    if claim.has("subject") or claim.has("parentorg"):  # of which the organiser may be a part
        return None
    if claim.has("otherorg"):
        return False
    if claim.has("org") or claim.has("orgevent"):
        return True
    strange = any("?" in atom.names for atom in claim.part.atoms)
    return False if strange and claim.has("organise") else None  # "is it legit?" names nobody


def _signatory(claim: Claim) -> bool | None:
    if any("?" in atom.names for atom in claim.part.atoms):  # and somebody else besides
        return None
    named = claim.has("sign") or claim.has("director") or claim.has("office")
    return True if claim.has("person") and named else None


def _participation(claim: Claim) -> bool | None:
    participation = claim.config.participation
    norms = set(claim.part.norms)
    if participation is None or claim.has("place") or claim.has("register") or claim.timed or claim.amid:
        return None
    if claim.at >= claim.programme.ends or not norms.isdisjoint(claim.words.provisos):
        return None
    if (
        norms & {"bring", "whole", "together"}
        or {"my", "place"} <= norms
        or {"my", "behalf"} <= norms
        or "instead" in norms
    ):
        return None  # of who stands in for whom
    comes = claim.part.norms[0] in ("will", "did") and norms & ATTENDING and not norms & ADMITTED
    if comes or not ANYWHERE.isdisjoint(norms):
        return None  # who comes is another question; and not everybody from every country
    narrow = set(NARROW)
    if not claim.has("persona"):  # a private person is not a private event
        narrow |= {"private"}
    if {"country", "countries", "nationality"}.intersection([*norms, *claim.told]) or "non" in norms:
        return None  # not from every one
    if not norms.isdisjoint(claim.words.excluding):
        return False
    if claim.has("must") or narrow.intersection(claim.part.norms):
        if claim.chooses or (claim.has("must") and (claim.has("?") or claim.has("contribute"))):
            return None  # "is accreditation needed?"
        return False if claim.has("eligible") or claim.has("persona") or claim.has("must") else None
    asks = bool(MAY.intersection(claim.part.norms[:1])) or claim.has("eligible") or "welcome" in norms
    return True if asks and not claim.has("arrangements") else None  # and not of dogs, nor of an age


def _status(claim: Claim) -> bool | None:
    day = claim.has("calledoff") and day_fits(claim) is True and not claim.has("clock")
    if (claim.timed and not day) or claim.of_being_there or claim.amid:
        return None
    status, at = claim.programme.status, claim.at
    norms = set(claim.part.norms)
    if norms & {"cancelled", "canceled", "cancel", "cancellation", "called"}:
        return status is Status.CANCELLED
    if norms & {
        "postponed",
        "postpone",
        "rescheduled",
        "reschedule",
        "moved",
        "delayed",
        "delay",
        "changed",
        "change",
        "shifted",
        "pushed",
        "deferred",
    }:
        return status is Status.POSTPONED or claim.programme.starts != claim.config.workshop.start
    if "new" in norms:
        return None
    if claim.has("statusq"):
        return status is Status.ON if at < claim.programme.ends else False
    if norms & {"planned", "schedule", "scheduled", "punctually"} or {"on", "time"} <= norms:
        return None
    if norms & {"started", "begun", "start", "begin"}:
        return claim.programme.starts <= at
    if claim.has("over"):
        return at >= claim.programme.ends
    if norms & {"now", "live", "ongoing", "underway", "progress", "going"}:
        return claim.programme.starts <= at < claim.programme.ends
    return None


def _listed(claim: Claim) -> bool | None:
    if claim.has("othernumber"):
        return None if claim.has("discuss") else False  # who shows something is not told
    if claim.has("discuss") and claim.at >= claim.programme.starts:
        return None  # whether it was shown nobody has told
    if any(atom.names & ABOUT_ONE and "discuss" not in atom.names for atom in claim.part.atoms):
        return None  # listed it may be, and not be about that
    listed = {value.listed is not None for value in claim.values("code") if isinstance(value, Code)}
    told = claim.has("standardword") and (not claim.has("discuss") or "among" in claim.part.norms)
    if listed == {False} and not (told or claim.has("list") or claim.has("letter")):
        return None  # it may be shown although it is not listed: "including", says the letter
    return listed.pop() if len(listed) == 1 else None  # of several, some may be and others not


# What may be said wrongly of a thing that the workshop speaks of: its text says it rightly.
UNTOLD = (
    "place", "org", "otherorg", "othernumber", "person", "date", "standardword", "code", "start", "end",
    "clock",
)  # fmt: skip


def _subject(claim: Claim) -> bool | None:
    if any("?" in atom.names for atom in claim.part.atoms):
        return False if claim.has("meaning") else None
    first = any("subject" in atom.names for atom in claim.part.atoms[:1])
    does_itself = first and claim.part.norms[0] in ("does", "do", "did")
    if does_itself or "by" in claim.part.norms:
        return None
    # Who presents it, or which country it is about, may be said wrongly: the text says it rightly.
    named = sum("subject" in atom.names for atom in claim.part.atoms)
    if named > 1 or any(claim.has(name) for name in UNTOLD):
        return None
    if {"before", "after", "only", "already", "yet", "part"}.intersection(claim.part.norms):
        return None
    if (claim.has("launch") or claim.has("discuss")) and claim.at >= claim.programme.starts:
        return None  # it was announced; whether it happened nobody has told
    does = any(claim.has(name) for name in ("discuss", "launch", "relate"))
    return True if does and not _is_part_of_it(claim) else None


def _is_part_of_it(claim: Claim) -> bool:
    """ "Is the workshop part of the conference?": of a thing that the workshop speaks of."""
    norms = claim.part.norms
    behind = claim.part.tokens[norms.index("part") :] if "part" in norms else []
    return any("subject" in atom.names and atom.tokens[0] in behind for atom in claim.part.atoms)


NARROW = frozenset(
    ["only", "restricted", "reserved", "limited", "exclusive", "exclusively", "closed", "must", "need"]
)
OPINION = frozenset({"think", "should"})  # "do you think it should be free?"
ANY_OF = frozenset({"participation", "listed"})  # "students or journalists": whichever it is
ATTENDING = frozenset({"attendance", "attending", "attend", "participation", "presence"})
ADMITTED = frozenset({"able", "allowed", "admitted", "accepted", "welcome", "permitted", "let", "i", "we"})
BESIDES = frozenset({"well", "also", "too", "previously"})
ENOUGH = frozenset({"enough", "sufficient", "suffice", "suffices"})
JUDGING = frozenset({"worth", "enough", "too", "past", "tend", "tends"})  # of a length
AHEAD = frozenset({"in", "away", "go", "from", "left", "ahead"})  # "five days to go"
RELATED = frozenset({"week", "month", "same"})  # "in the same week as the 28th"
UNTIL = frozenset({"to", "till", "until"})
PARTLY = frozenset({"whole", "entire", "all", "middle"})
MAY = frozenset({"can", "may", "could", "might"})
ANYWHERE = frozenset({
    "world", "anywhere", "everywhere", "planet", "globe", "outside", "children", "child", "kids", "minors",
    "everyone", "everybody", "anyone", "anybody", "every", "all", "under", "18s",
})  # fmt: skip
OVERLAPS = frozenset({
    "clash", "clashes", "overlap", "overlaps", "conflict", "conflicts", "collide", "collides", "coincide",
})  # fmt: skip
BESIDE_HOURS = frozenset({"free", "cost", "virtual", "inperson", "register"})  # other claims
ABOUT_ONE = frozenset({"title", "about", "meaning", "launch", "matter", "purpose", "?"})
CHECKS: dict[str, Callable[[Claim], bool | None]] = {
    "when": _when,
    "mode": _mode,
    "cost": _cost,
    "register": _register,
    "organiser": _organiser,
    "signatory": _signatory,
    "participation": _participation,
    "status": _status,
    "listed": _listed,
    "subject": _subject,
}


def places_of(atoms: list[Atom]) -> list[Place]:
    """Every place or zone that was named, in order, each once."""
    found: list[Place] = []
    for atom in atoms:
        if isinstance(atom.value, Place) and atom.value not in found:
            found.append(atom.value)
    return found


def narrowed(places: list[Place], instant: datetime) -> list[Place]:
    """Places without what says the same of one that is named besides.

    Its country ("from Canada (Toronto)", "in Kingston, Jamaica"), and a zone of the same time at an instant
    ("Sierra Leone is on GMT").
    """

    def holds(whole: Place, other: Place) -> bool:
        if whole.kind == "zone":
            first = other.kind != "zone" or places.index(other) < places.index(whole)
            return first and _offsets([whole], instant) == _offsets([other], instant)
        if other.kind == "zone":
            return False
        zones, own = ({clock.zone for clock in place.clocks} for place in (whole, other))
        return own < zones or (own == zones and whole.kind == "country" and other.kind == "city")

    return [
        place for place in places if not any(holds(place, other) for other in places if other is not place)
    ]


def _offsets(places: Sequence[Place], instant: datetime) -> set[timedelta | None]:
    """How far the clocks of places are from UTC at an instant."""
    return {instant.astimezone(clock.tz()).utcoffset() for place in places for clock in place.clocks}
