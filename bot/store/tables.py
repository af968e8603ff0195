"""All tables, as typed classes. Every row carries the workshop's id; instants are aware, UTC.

People are known by an internal number everywhere; only `Person.slack_id` says who that is in Slack.
Small verbs sit on the rows; rules live in the services.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps it without its zone, so a naive one is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must be aware")
        return (
            value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)
        )

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Document = JSON().with_variant(JSONB(), "postgresql")
_KEY = String(255)
_SLUG = String(64)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant(), dict[str, Any]: Document, list[Any]: Document}  # noqa: RUF012


class OfWorkshop:
    """A row of one workshop. `bot.store.engine` fills the id in and shows a transaction only its own rows."""

    workshop_id: Mapped[str] = mapped_column(_SLUG)


def _stored(kind: type[StrEnum]) -> Enum:
    # Stored as its word, checked in Python: adding a state needs no change to the table.
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda e: [m.value for m in e],
    )


class Stamp(Base):
    """One row: whether this database is live or a rehearsal's. Made once, never changed."""

    __tablename__ = "stamp"

    id: Mapped[int] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime]


class Intake(OfWorkshop, Base):
    """What has been taken in from Slack: one row an event, command, click or submission, for ever once."""

    __tablename__ = "intake"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)


class Person(OfWorkshop, Base):
    """Somebody the bot has met; the only row that holds their Slack id (None once erased)."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("workshop_id", "slack_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slack_id: Mapped[str | None] = mapped_column(String(32))
    name: Mapped[str | None] = mapped_column(String(200))  # as Slack shows it; for the stage page and exports
    tz: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(20))
    is_bot: Mapped[bool] = mapped_column(default=False)
    dm: Mapped[str | None] = mapped_column(String(32))  # the conversation with the bot, once known
    refreshed_at: Mapped[datetime | None]  # when Slack was last asked about them
    home_opened_at: Mapped[datetime | None]
    remind_minutes: Mapped[int | None]  # personal reminders: lead time; None: not subscribed
    stars: Mapped[list[Any]] = mapped_column(default=list)  # ids of the segments they want reminders of
    muted: Mapped[bool] = mapped_column(default=False)
    met_at: Mapped[datetime]


class DeliveryState(StrEnum):
    PENDING = "pending"  # to be posted when due
    SENDING = "sending"  # a post is under way, or its outcome is not known yet
    SENT = "sent"  # in Slack; `channel` and `ts` say where
    FAILED = "failed"  # given up; `last_error` says why; a person may try again
    DROPPED = "dropped"  # too late to be worth sending
    CANCELLED = "cancelled"  # no longer wanted before it was sent
    WITHDRAWN = "withdrawn"  # was in Slack, and was taken back


class Delivery(OfWorkshop, Base):
    """One message the bot posts, keeps current, or withdraws: the outbox row.

    `kind` names the template (`templates/<kind>.json.j2`), rendered when it is sent. `revision` counts what
    is wanted, `shown` what Slack last got: shown < revision on a sent row means that an edit is due.
    `task` and `due_at` say what the sender has to do next with the row and from when; both None: nothing.
    `token` stands in the message's metadata, by which a post of unknown outcome is found in Slack; it is
    random, so that no other database's message can be taken for it.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("workshop_id", "key"),
        Index("ix_deliveries_lane", "workshop_id", "lane", "state", "priority", "not_before", "id"),
        Index("ix_deliveries_order", "workshop_id", "task", "priority", "not_before", "id"),
        Index("ix_deliveries_due", "workshop_id", "task", "due_at"),
        Index("ix_deliveries_expiry", "workshop_id", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(_KEY)  # what this message is; the same key is never posted twice
    token: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    batch: Mapped[str | None] = mapped_column(String(80), index=True)  # the fan-out it belongs to
    kind: Mapped[str] = mapped_column(String(80))
    method: Mapped[str] = mapped_column(String(20), default="post")  # post, home
    lane: Mapped[str] = mapped_column(
        String(80)
    )  # "channel:<config key>", "person:<number>", or a channel id
    thread_ts: Mapped[str | None] = mapped_column(String(32))
    reply_to: Mapped[int | None] = mapped_column(
        ForeignKey("deliveries.id"), index=True
    )  # in the thread of that one, once sent
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what its template needs
    priority: Mapped[int] = mapped_column(default=50)  # smaller goes first; 10 urgent, 50 routine, 90 bulk
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime | None]  # from then on it is dropped
    state: Mapped[DeliveryState] = mapped_column(_stored(DeliveryState), default=DeliveryState.PENDING)
    task: Mapped[str | None] = mapped_column(String(20))  # post, look, update, retouch, delete, pin, home
    due_at: Mapped[datetime | None]  # from when the task may be done
    attempts: Mapped[int] = mapped_column(default=0)
    attempt_at: Mapped[datetime | None]  # start of the attempt whose outcome is open, or was last
    looks: Mapped[int] = mapped_column(default=0)  # how often the channel was searched since that attempt
    cursor: Mapped[str | None] = mapped_column(Text)  # where the present search goes on
    upkeep_attempts: Mapped[int] = mapped_column(
        default=0
    )  # failures of the present look, edit, deletion or pin
    last_error: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(String(32))
    ts: Mapped[str | None] = mapped_column(String(32))
    revision: Mapped[int] = mapped_column(default=1)
    shown: Mapped[int] = mapped_column(default=0)
    pin: Mapped[bool] = mapped_column(default=False)  # wanted
    pinned: Mapped[bool] = mapped_column(default=False)  # as it is in Slack, as far as known
    withdrawn: Mapped[bool] = mapped_column(default=False)  # wanted gone
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    def arm(self, now: datetime) -> None:
        """Set `task` and `due_at` to what the row's state calls for next; an open attempt is left alone."""
        if self.state is DeliveryState.SENDING:
            return
        self.task = self._wanted()
        self.due_at = None if self.task is None else max(now, self.not_before)

    def want_edit(self, now: datetime) -> None:
        """Have a row that is in Slack shown anew; an edit that waits already keeps its place."""
        waits_since = self.due_at if self.task == "update" else None
        self.upkeep_attempts = 0
        self.arm(now)
        if self.task == "update" and waits_since is not None:
            self.due_at = min(now, waits_since)

    def _wanted(self) -> str | None:
        sends = "home" if self.method == "home" else "post"
        if self.state is DeliveryState.PENDING:
            return sends
        if self.state is not DeliveryState.SENT:
            return None
        if self.withdrawn:
            return "delete"
        if self.shown < self.revision:
            return "home" if self.method == "home" else "update"
        return "pin" if self.pin != self.pinned else None


class Lane(OfWorkshop, Base):
    """One channel or DM: who is posting to it now and from when the next post is allowed.

    `leased_until` is wall time (a jump of the workshop's clock must not end a live lease); `next_free` is
    workshop time, like Slack's rate limits. Posts take the lane of their name; edits, deletions, pins and
    Home views take the one named "<lane>/upkeep", so that neither kind waits for the other.
    """

    __tablename__ = "lanes"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]
    next_free: Mapped[datetime | None]


class Budget(OfWorkshop, Base):
    """One Web API method's rate limit, shared by all replicas; `next_free` is workshop time."""

    __tablename__ = "budgets"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    next_free: Mapped[datetime]


class Switch(OfWorkshop, Base):
    """A setting an organiser or moderator flips while the workshop runs: `outgoing`, `questions.submit`, …"""

    __tablename__ = "switches"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str] = mapped_column(String(40))
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


class Version(OfWorkshop, Base):
    """A released programme: frozen. `programme` is `bot.programme.model.Programme` as JSON."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("workshop_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    programme: Mapped[dict[str, Any]]
    changes: Mapped[list[Any]] = mapped_column(default=list)  # from the version before, as JSON
    calendar: Mapped[dict[str, Any]] = mapped_column(default=dict)  # bot.programme.calendar.Bookkeeping
    origin: Mapped[str] = mapped_column(String(40))  # where its draft came from, or "undo"
    note: Mapped[str | None] = mapped_column(Text)
    released_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # None: from the command line
    released_at: Mapped[datetime]


class Draft(OfWorkshop, Base):
    """The one programme draft of a workshop; `revision` guards against two organisers' edits.

    The row outlives the draft, so that a revision never comes back: a click on an old card finds another.
    """

    __tablename__ = "drafts"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    base: Mapped[int]  # the version it was made from
    programme: Mapped[dict[str, Any]]
    origin: Mapped[str] = mapped_column(String(40))  # "edit", "import", "config", "restore", "page", "late"
    revision: Mapped[int] = mapped_column(default=1)
    opened: Mapped[int | None]  # the revision it began with; None: released or discarded, there is no draft
    edited_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    edited_at: Mapped[datetime]
    held_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who said: not yet


class Announcement(OfWorkshop, Base):
    """What an organiser broadcasts or approves: its text, its targets, and what became of it."""

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[str] = mapped_column(_SLUG, index=True)
    kind: Mapped[str] = mapped_column(String(20))  # "change" of a version, or "broadcast"
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[int | None]
    targets: Mapped[list[Any]] = mapped_column(default=list)  # lanes; of a broadcast: its audiences
    state: Mapped[str] = mapped_column(String(20))  # posted, undone; of a broadcast: announcements.State
    revision: Mapped[int] = mapped_column(default=1)
    pin: Mapped[bool] = mapped_column(default=False)
    loud: Mapped[bool] = mapped_column(default=False)  # notifies everybody in the channel
    moment: Mapped[str | None] = mapped_column(String(80))  # when: an instant, or relative; None: at once
    until: Mapped[str | None] = mapped_column(String(80))  # the same; None: the end of the workshop
    segment_id: Mapped[str | None] = mapped_column(_SLUG)  # what those are relative to; None: the workshop
    not_before: Mapped[datetime | None]  # as things stand; None while the moment has no instant
    expires_at: Mapped[datetime | None]
    written_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who wrote or edited it last
    written_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who said: post it
    edited: Mapped[bool] = mapped_column(default=False)  # after it was posted


class PageWatch(OfWorkshop, Base):
    """What is known of the event page: one row a workshop.

    `lines` is the page as organisers know it, `seen` as it was last read, `times` how often in a row it was
    read so. `next_at` is when to look again, and at the same time the claim of whoever is looking.
    """

    __tablename__ = "page_watches"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    lines: Mapped[list[Any] | None] = mapped_column(Document)  # None: never read
    seen: Mapped[list[Any] | None] = mapped_column(Document)
    times: Mapped[int] = mapped_column(default=0)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    next_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]  # when it was last read, or found unchanged
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    trouble: Mapped[str | None] = mapped_column(String(40))  # what the last look failed by; a code


class PageChange(OfWorkshop, Base):
    """A difference of the event page, seen twice: for organisers to decide."""

    __tablename__ = "page_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[str] = mapped_column(_SLUG, index=True)
    old: Mapped[list[Any]]  # lines of the page
    new: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(20))  # open, told, ignored, drafted, passed
    found_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]


class QuestionState(StrEnum):
    RECEIVED = "received"  # stored, not looked at
    HELD = "held"  # waits for review for a reason a filter gave
    PUBLISHED = "published"  # participants see it and may vote
    QUEUED = "queued"  # chosen for the segment
    ANSWERED = "answered"  # taken on stage or in writing
    DEFERRED = "deferred"  # time ran out; a written answer follows
    DECLINED = "declined"  # not taken, with a reason
    MERGED = "merged"  # points to the one it was merged into
    WITHDRAWN = "withdrawn"  # by its author


class Question(OfWorkshop, Base):
    """A question for the panel. `revision` is compared on every deed: a stale click changes nothing."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("workshop_id", "number"),
        Index("ix_questions_state", "workshop_id", "state"),
        Index("ix_questions_author", "author_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]  # what people call it by
    segment_id: Mapped[str] = mapped_column(_SLUG)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # None once unlinked
    hidden: Mapped[str] = mapped_column(String(20), default="named")  # named, participants, moderators
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[QuestionState] = mapped_column(_stored(QuestionState), default=QuestionState.RECEIVED)
    revision: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str | None] = mapped_column(Text)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("questions.id"))
    answer: Mapped[str | None] = mapped_column(Text)
    answer_link: Mapped[str | None] = mapped_column(Text)
    cannot_attend: Mapped[bool] = mapped_column(default=False)
    edited: Mapped[bool] = mapped_column(default=False)
    labels: Mapped[list[Any]] = mapped_column(default=list)
    posts: Mapped[int] = mapped_column(default=0)  # how often a channel post was begun; names the present one
    assigned_to: Mapped[str | None] = mapped_column(String(200))
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    claimed_until: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class Vote(OfWorkshop, Base):
    """One person's word on one question: the score counts those that stand, and is never stored.

    A vote taken back stays as a row that does not stand: an older event arriving late changes nothing.
    `shown`: the messages that show the score were told to show it with this word (`messages.recount`).
    """

    __tablename__ = "votes"
    __table_args__ = (
        Index(
            "ix_votes_unshown",
            "workshop_id",
            sqlite_where=text("shown = 0"),
            postgresql_where=text("NOT shown"),
        ),
    )

    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    stands: Mapped[bool]
    voted_at: Mapped[datetime]
    shown: Mapped[bool] = mapped_column(default=False, server_default=false())


class Remark(OfWorkshop, Base):
    """Words beside a question: a note between moderators, a clarification asked for, the asker's reply."""

    __tablename__ = "remarks"

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))  # note, clarification, reply
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime]


class Counter(OfWorkshop, Base):
    """The last number given out, for what people call by a number; its row makes givers queue."""

    __tablename__ = "counters"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[int]


class BoardView(OfWorkshop, Base):
    """How one moderator looks at the board: which questions, in which order, which page."""

    __tablename__ = "board_views"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    show: Mapped[str] = mapped_column(String(20), default="waiting")
    sort: Mapped[str] = mapped_column(String(20), default="oldest")
    label: Mapped[str | None] = mapped_column(String(40))
    search: Mapped[str | None] = mapped_column(String(100))
    page: Mapped[int] = mapped_column(default=0)


class StageKey(OfWorkshop, Base):
    """A secret link that drives the stage page; only a hash of the secret is kept, and it can be revoked."""

    __tablename__ = "stage_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    segment_id: Mapped[str] = mapped_column(_SLUG)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # None: from the command line
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Stage(OfWorkshop, Base):
    """What is on stage in one Q&A segment: the current question, the next, and a version to compare."""

    __tablename__ = "stages"

    workshop_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    segment_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    current_id: Mapped[int | None] = mapped_column(ForeignKey("questions.id"))
    next_id: Mapped[int | None] = mapped_column(ForeignKey("questions.id"))
    revision: Mapped[int] = mapped_column(default=1)


class Inquiry(OfWorkshop, Base):
    """Something people asked the bot that it could not answer; the same one asked again joins it."""

    __tablename__ = "inquiries"
    __table_args__ = (UniqueConstraint("workshop_id", "sameness", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)  # as first asked
    sameness: Mapped[str] = mapped_column(_KEY)  # equal for the same question in other spacing and case
    round: Mapped[int] = mapped_column(
        default=0
    )  # 0 while open; its own id once closed, so it may be asked anew
    state: Mapped[str] = mapped_column(String(20), default="open")  # open, answered, pointed, ignored
    answer: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=1)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]


class InquiryAsker(OfWorkshop, Base):
    """Who waits for an inquiry's answer, and where they asked."""

    __tablename__ = "inquiry_askers"
    __table_args__ = (UniqueConstraint("inquiry_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiries.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    lane: Mapped[str] = mapped_column(String(80))
    thread_ts: Mapped[str | None] = mapped_column(String(32))
    asked_at: Mapped[datetime]


class LearnedTopic(OfWorkshop, Base):
    """An organiser's answer that the bot gives from then on."""

    __tablename__ = "learned_topics"

    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[str] = mapped_column(_SLUG, index=True)
    topic: Mapped[str | None] = mapped_column(
        String(80)
    )  # a phrasing for that topic; None: an answer of its own
    phrasings: Mapped[list[Any]]
    answer: Mapped[str | None] = mapped_column(Text)
    taught_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    taught_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Exchange(OfWorkshop, Base):
    """One inquiry to the bot and its outcome, without the person: what the report counts."""

    __tablename__ = "exchanges"

    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[str] = mapped_column(_SLUG, index=True)
    status: Mapped[str] = mapped_column(String(20))  # answered, unknown, small_talk, panel_question
    topics: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime]


class Deed(OfWorkshop, Base):
    """The audit: who did what to what, and when. Only ever added to."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "workshop_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("people.id")
    )  # None: the command line, or the bot
    deed: Mapped[str] = mapped_column(String(80))  # "question.approve", "programme.release", …
    subject: Mapped[str] = mapped_column(String(80))  # "question:12", "version:3"
    old: Mapped[dict[str, Any] | None] = mapped_column(Document)
    new: Mapped[dict[str, Any] | None] = mapped_column(Document)
    reason: Mapped[str | None] = mapped_column(Text)
