"""config.toml as frozen, typed sections, read once and passed down.

Unknown keys are refused and every mistake is reported in one go, each with its dotted key. Secrets and
addresses that differ per installation come only from the environment (`Environment`).
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bot.errors import ConfigError, Mistake


def shipped(name: str) -> Path:
    """The path of a shipped file or folder: the checkout's own, or the copy inside an installed wheel."""
    checkout = Path(__file__).resolve().parent.parent / name
    if checkout.exists():
        return checkout
    return Path(str(resources.files("bot"))) / "shipped" / name


def _refuse(wrong: str, right: str) -> PydanticCustomError:
    # The two halves of a Mistake travel through pydantic in the error's context.
    return PydanticCustomError("workshop", "{wrong}; {right}", {"wrong": wrong, "right": right})


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value) or len(value) > 64:
        raise _refuse(f"{value!r} is no id", "use lower-case letters, digits and single hyphens, 64 at most")
    return value


def _one_line(value: str) -> str:
    if not value.strip():
        raise _refuse("it is empty", "write the text, or leave the key out where it is optional")
    if any(ord(character) < 32 for character in value):
        raise _refuse("it holds a line break or control character", "write it on one line")
    return value.strip()


def _lines(value: str) -> str:
    if not value.strip():
        raise _refuse("it is empty", "write the text, or leave the key out where it is optional")
    if any(ord(character) < 32 and character != "\n" for character in value):
        raise _refuse("it holds a control character", "remove it")
    return value.strip()


def _link(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>|\"]+", value):
        raise _refuse(f"{value!r} is no web address", "write an address that starts with https://")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Line = Annotated[str, AfterValidator(_one_line), Field(max_length=3000)]
Text = Annotated[str, AfterValidator(_lines), Field(max_length=10_000)]
Link = Annotated[str, AfterValidator(_link), Field(max_length=2000)]


_zones = functools.cache(available_timezones)  # it walks through the whole tz database


class Section(BaseModel):
    """What every section shares: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class WorkshopSection(Section):
    id: Slug
    title: Line
    short_title: Line = ""
    kind: Line = "workshop"
    organiser: Line
    organiser_aliases: list[Line] = []
    starts: datetime
    ends: datetime
    zone: str
    language: str = "en"
    format: Line = "virtual"
    virtual: bool = True
    link: Link | None = None
    link_audience: Literal["everyone", "registered"] = "registered"
    source: Line

    @field_validator("starts", "ends")
    @classmethod
    def _local(cls, value: datetime) -> datetime:
        if value.tzinfo is not None:
            raise _refuse("it carries an offset", "write local time without one; workshop.zone says the zone")
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in _zones():
            raise _refuse(
                f"{value!r} is no time zone", 'use a name of the tz database such as "Europe/Zurich"'
            )
        return value

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        try:
            Locale.parse(value, sep="-")
        except (ValueError, UnknownLocaleError):
            raise _refuse(f"{value!r} is no language", 'use a tag such as "en" or "fr"') from None
        return value

    @model_validator(mode="after")
    def _order(self) -> WorkshopSection:
        if self.ends <= self.starts:
            raise _refuse("the workshop ends before it starts", "let `ends` be later than `starts`")
        return self

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def start(self) -> datetime:
        """The start as an instant, aware, UTC."""
        return self.starts.replace(tzinfo=self.tz).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The end as an instant, aware, UTC."""
        return self.ends.replace(tzinfo=self.tz).astimezone(UTC)


class LetterSection(Section):
    name: Line
    signed_by: Line | None = None
    signed_as: Line | None = None
    source: Line


class PageSection(Section):
    url: Link
    carries: list[Line] = []
    note: Line | None = None
    source: Line


class RegistrationSection(Section):
    url: Link
    mandatory: bool
    online_only: bool = True
    note: Line | None = None
    purpose: Line | None = None
    source: Line


class ParticipationSection(Section):
    free: bool
    open_to: list[Line]
    note: Line | None = None
    source: Line


class PurposeSection(Section):
    text: Line
    source: Line


class SubjectSection(Section):
    """A thing the workshop is about; `names` are ways people refer to it, the first its full name."""

    id: Slug
    names: Annotated[list[Line], Field(min_length=1)]
    text: Line
    unpublished: Line | None = None
    source: Line


class StandardSection(Section):
    code: Line
    title: Line


class StandardsSection(Section):
    family: Line
    developed_by: Line | None = None
    items: Annotated[list[StandardSection], Field(min_length=1)]
    source: Line


class AbbreviationSection(Section):
    """What a short form stands for."""

    short: Line
    full: Line
    source: Line


class SegmentSection(Section):
    """A segment of the programme's first version; times are local, in `workshop.zone`."""

    id: Slug
    title: Line
    starts: datetime | None = None
    ends: datetime | None = None
    speakers: Annotated[list[Line], Field(max_length=50)] = []
    description: Text | None = None
    link: Link | None = None
    takes_questions: bool = False
    source: Line | None = None

    @model_validator(mode="after")
    def _times(self) -> SegmentSection:
        for key, value in (("starts", self.starts), ("ends", self.ends)):
            if value is not None and value.tzinfo is not None:
                raise _refuse(f"`{key}` carries an offset", "write local time without one")
        if self.ends is not None and self.starts is None:
            raise _refuse("it has an end but no start", "give `starts` too, or leave `ends` out")
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise _refuse("it ends before it starts", "let `ends` be later than `starts`")
        return self


_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_MOMENT = re.compile(r"(?P<anchor>start|end)?(?:(?P<sign>[+-])(?P<duration>P[0-9WDTHMS]+))?")


def parse_duration(text: str) -> tuple[int, timedelta]:
    """An ISO 8601 duration as (calendar days, exact time); years and months are not accepted.

    Days are nominal (RFC 5545 §3.3.6: a day may last 23 or 25 hours), the rest is exact.
    Raises ValueError.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    parts = {key: int(value or 0) for key, value in match.groupdict().items()}
    exact = timedelta(hours=parts["hours"], minutes=parts["minutes"], seconds=parts["seconds"])
    days = parts["weeks"] * 7 + parts["days"]
    if days > 3660 or exact > timedelta(days=3660):
        raise ValueError(text)
    return days, exact


class Moment(BaseModel):
    """An instant said relative to the start or the end of something: "-P1D", "start", "end-PT5M"."""

    model_config = ConfigDict(frozen=True)

    anchor: Literal["start", "end"]
    sign: Literal[-1, 1] = 1
    days: int = 0
    exact: timedelta = timedelta()

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read "start", "end", "-P7D", "end+PT5M", …; raises ValueError."""
        match = _MOMENT.fullmatch(text)
        if not text or match is None:
            raise ValueError(text)
        days, exact = parse_duration(match["duration"]) if match["duration"] else (0, timedelta())
        return cls(
            anchor=match["anchor"] or "start", sign=-1 if match["sign"] == "-" else 1, days=days, exact=exact
        )

    def instant(self, start: datetime, end: datetime, tz: ZoneInfo) -> datetime:
        """The instant, UTC. Days are counted on the calendar of `tz`, so a clock change keeps the hour."""
        anchor = (start if self.anchor == "start" else end).astimezone(tz)
        day = (anchor.replace(tzinfo=None) + self.sign * timedelta(days=self.days)).replace(
            tzinfo=tz, fold=anchor.fold
        )
        return day.astimezone(UTC) + self.sign * self.exact


class ReminderSection(Section):
    id: Slug
    at: str
    segment: str | None = None
    audience: Literal["participants", "moderators", "organisers", "subscribers"] = "participants"
    late: str = "PT15M"

    @field_validator("at")
    @classmethod
    def _at(cls, value: str) -> str:
        try:
            Moment.parse(value)
        except ValueError:
            raise _refuse(
                f"{value!r} is no moment", 'use "start", "end" or a duration from one: "-P1D", "end-PT5M"'
            ) from None
        return value

    @field_validator("late")
    @classmethod
    def _late(cls, value: str) -> str:
        try:
            parse_duration(value)
        except ValueError:
            raise _refuse(
                f"{value!r} is no duration", 'use an ISO 8601 one such as "PT15M" or "P1D"'
            ) from None
        return value

    @property
    def moment(self) -> Moment:
        return Moment.parse(self.at)

    @property
    def worth(self) -> timedelta:
        """How long after its instant the message is still worth posting."""
        days, exact = parse_duration(self.late)
        return timedelta(days=days) + exact


def _channel(value: str) -> str:
    if not re.fullmatch(r"#[^\s#A-Z.]{1,80}|[CG][A-Z0-9]{2,}", value):
        raise _refuse(f"{value!r} is no channel", 'use its name with # in lower case, or its id ("C…")')
    return value


def _role_member(value: str) -> str:
    if not re.fullmatch(r"#[^\s#A-Z.]{1,80}|[CGSUW][A-Z0-9]{2,}", value):
        raise _refuse(
            f"{value!r} is nobody", 'use a channel ("#name"), a user group id ("S…") or a user id ("U…")'
        )
    return value


Channel = Annotated[str, AfterValidator(_channel)]
RoleMember = Annotated[str, AfterValidator(_role_member)]


class ChannelsSection(Section):
    participants: Channel
    moderators: Channel
    organisers: Channel


class RolesSection(Section):
    moderators: list[RoleMember]
    organisers: Annotated[list[RoleMember], Field(min_length=1)]


class QuestionsSection(Section):
    shortest: Annotated[int, Field(ge=1, le=100)] = 3
    longest: Annotated[int, Field(ge=10, le=3000)] = 500
    open_per_person: Annotated[int, Field(ge=1, le=100)] = 5
    per_minute: Annotated[int, Field(ge=1, le=100)] = 3
    publish: Literal["after-review", "at-once"] = "after-review"
    field: list[Line] = []  # words of the panel's field: a question of opinion made of them is for the panel
    hold_words: list[Line] = []
    quiet_votes: bool = False
    minutes_each: Annotated[int, Field(ge=1, le=60)] = 2
    claim_minutes: Annotated[int, Field(ge=1, le=120)] = 5
    digest_after: Annotated[int, Field(ge=1, le=1000)] = 20


class LimitsSection(Section):
    posts_per_minute: Annotated[int, Field(ge=1, le=6000)] = 200
    inquiries_per_minute: Annotated[int, Field(ge=1, le=1000)] = 20


class RetentionSection(Section):
    """How long after the workshop's end what people did is kept, or after it was done if that is later."""

    intake: str = "P7D"
    hidden_askers: str = "P14D"
    inquiries: str = "P90D"
    exchanges: str = "P365D"
    people: str = "P90D"

    @field_validator("*")
    @classmethod
    def _periods(cls, value: str) -> str:
        try:
            parse_duration(value)
        except ValueError:
            raise _refuse(f"{value!r} is no duration", 'use an ISO 8601 one such as "P90D"') from None
        return value

    def period(self, name: str) -> timedelta:
        """One of the periods, by its key."""
        days, exact = parse_duration(getattr(self, name))
        return timedelta(days=days) + exact


class WatchSection(Section):
    """Whether the bot looks at `page.url` for changes by itself, and how often."""

    enabled: bool = False
    every: str = "PT30M"

    @field_validator("every")
    @classmethod
    def _every(cls, value: str) -> str:
        try:
            days, exact = parse_duration(value)
        except ValueError:
            days, exact = 0, timedelta()
        if timedelta(days=days) + exact < timedelta(minutes=5):
            raise _refuse(
                f"{value!r} is no such period", 'use an ISO 8601 one of five minutes or more: "PT30M"'
            )
        return value

    @property
    def period(self) -> timedelta:
        days, exact = parse_duration(self.every)
        return timedelta(days=days) + exact


class Config(Section):
    """Everything in config.toml."""

    workshop: WorkshopSection
    letter: LetterSection
    page: PageSection
    registration: RegistrationSection | None = None
    participation: ParticipationSection | None = None
    purpose: PurposeSection | None = None
    subjects: list[SubjectSection] = []
    standards: StandardsSection | None = None
    abbreviations: list[AbbreviationSection] = []
    segments: Annotated[list[SegmentSection], Field(min_length=1)]
    reminders: list[ReminderSection] = []
    channels: ChannelsSection
    roles: RolesSection
    questions: QuestionsSection = QuestionsSection()
    limits: LimitsSection = LimitsSection()
    watch: WatchSection = WatchSection()
    retention: RetentionSection = RetentionSection()


def load(path: Path) -> Config:
    """Read and check a configuration file.

    Raises ConfigError with every mistake: the dotted key, what is wrong, what would be right.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([Mistake(str(path), "there is no such file", "name one with --config")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Mistake(str(path), f"it cannot be read ({error})", "check the file")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Mistake(str(path), f"it is not valid TOML: {error}", "mend that line")]) from None
    return parse(data)


def parse(data: Mapping[str, Any]) -> Config:
    """Check configuration data; raises ConfigError with every mistake."""
    try:
        config = Config.model_validate(dict(data))
    except ValidationError as error:
        raise ConfigError([mistake_of(detail) for detail in error.errors()]) from None
    mistakes = list(_cross_checks(config))
    if mistakes:
        raise ConfigError(mistakes)
    return config


def _cross_checks(config: Config) -> list[Mistake]:
    """Mistakes that only show when two sections are held side by side."""
    mistakes = []
    for name, ids in (
        ("segments", [segment.id for segment in config.segments]),
        ("subjects", [subject.id for subject in config.subjects]),
        ("reminders", [reminder.id for reminder in config.reminders]),
    ):
        for index, value in enumerate(ids):
            if value in ids[:index]:
                mistakes.append(
                    Mistake(f"{name}.{index}.id", f"{value!r} is used twice", "give each its own id")
                )
    known = {segment.id for segment in config.segments}
    for index, reminder in enumerate(config.reminders):
        if reminder.segment not in (None, "*") and reminder.segment not in known:
            mistakes.append(
                Mistake(
                    f"reminders.{index}.segment",
                    f"there is no segment {reminder.segment!r}",
                    f'use "*" or one of {", ".join(sorted(known))}',
                )
            )
    return mistakes


_RIGHT = {
    "missing": "add it",
    "extra_forbidden": "remove it, or mend its spelling",
    "string_type": "write text in quotes",
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "datetime_type": "write a date and time such as 2025-11-25T14:00:00",
    "list_type": "write a list in [brackets]",
    "model_type": "write it as a [section]",
}


def mistake_of(detail: Any) -> Mistake:
    """One of pydantic's errors as a Mistake: the dotted key, what is wrong, what would be right."""
    key = ".".join(str(part) for part in detail["loc"]) or "config.toml"
    context = detail.get("ctx") or {}
    if detail["type"] == "workshop":
        return Mistake(key, str(context["wrong"]), str(context["right"]))
    if detail["type"] == "missing":
        return Mistake(key, "it is missing", "add it")
    if detail["type"] == "extra_forbidden":
        return Mistake(key, "there is no such setting", _RIGHT["extra_forbidden"])
    given = repr(detail.get("input"))
    shown = given if len(given) <= 80 else given[:77] + "…"
    right = _RIGHT.get(detail["type"], detail["msg"][0].lower() + detail["msg"][1:])
    return Mistake(key, f"{shown} does not fit", right)


_TOKENS = {
    "SLACK_BOT_TOKEN": (r"xoxb-[\w-]+", "the Bot User OAuth Token, which starts with xoxb-"),
    "SLACK_APP_TOKEN": (r"xapp-[\w-]+", "the App-Level Token, which starts with xapp-"),
    "SLACK_SIGNING_SECRET": (
        r"(?!xox|xapp)[\w-]{8,}",
        "the Signing Secret under Basic Information, 32 hexadecimal digits",
    ),
}
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a person's token"}


def _looks_wrong(name: str, value: str) -> str:
    """What a token looks like instead; never the token."""
    if value != value.strip():
        return "it has spaces around it"
    prefix = next((prefix for prefix in _KINDS if value.startswith(prefix)), None)
    if prefix is None:
        return "it has another shape than Slack's"
    return "it is cut off" if _TOKENS[name][0].startswith(prefix) else f"it looks like {_KINDS[prefix]}"


class Environment(BaseModel):
    """What differs per installation: tokens, addresses, the database. Read once at start."""

    model_config = ConfigDict(frozen=True)

    bot_token: str | None = None
    app_token: str | None = None
    signing_secret: str | None = None
    api_url: str = "https://slack.com/api/"
    database_url: str | None = None
    listen: str = "127.0.0.1:8080"
    public_url: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Environment:
        """Read `SLACK_*` and `WORKSHOP_*`; an empty value counts as not set."""
        given = os.environ if environ is None else environ
        names = {
            "bot_token": "SLACK_BOT_TOKEN",
            "app_token": "SLACK_APP_TOKEN",
            "signing_secret": "SLACK_SIGNING_SECRET",
            "api_url": "SLACK_API_URL",
            "database_url": "WORKSHOP_DATABASE_URL",
            "listen": "WORKSHOP_LISTEN",
            "public_url": "WORKSHOP_PUBLIC_URL",
        }
        return cls(**{field: given[name] for field, name in names.items() if given.get(name)})

    def secrets(self) -> dict[str, str | None]:
        """The tokens by the names of their variables."""
        return {
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }

    def malformed(self) -> list[Mistake]:
        """Values that cannot be right: tokens swapped, cut off, of another kind; addresses that are none."""
        tokens = [
            Mistake(name, _looks_wrong(name, value), f"copy it again: {_TOKENS[name][1]}")
            for name, value in self.secrets().items()
            if value is not None and not re.fullmatch(_TOKENS[name][0], value)
        ]
        addresses = [
            Mistake(name, "it is no web address", f"write one such as {example}")
            for name, value, example in (
                ("SLACK_API_URL", self.api_url, "https://slack.com/api/"),
                ("WORKSHOP_PUBLIC_URL", self.public_url, "https://bot.example.org"),
            )
            if value is not None and not _ADDRESS.fullmatch(value)
        ]
        return [*tokens, *addresses]

    def missing(self) -> list[Mistake]:
        """What joining Slack takes and is not there."""
        found = []
        if self.bot_token is None:
            right = "set it to the token that starts with xoxb-"
            found.append(Mistake("SLACK_BOT_TOKEN", "it is not set", right))
        if self.app_token is None and self.signing_secret is None:
            wrong = "neither it nor SLACK_SIGNING_SECRET is set"
            right = "set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP"
            found.append(Mistake("SLACK_APP_TOKEN", wrong, right))
        return found

    def __repr__(self) -> str:  # tokens must not reach a log through a repr
        return "Environment(…)"

    __str__ = __repr__
