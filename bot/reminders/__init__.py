"""Reminders: what is said when, by the rules of config.toml and the released programme.

`plan` works out what is due when, without a database; `arming` brings the outbox in line with it, in the
transaction that releases a programme; `saying` gives the templates their values when a reminder is posted;
`personal` lets a person subscribe to reminders of their own.
"""

from bot.reminders.arming import Replanned, replan
from bot.reminders.personal import LONGEST_LEAD, star, subscribe
from bot.reminders.plan import Planned, plan
from bot.reminders.saying import COMPOSERS, Upcoming, upcoming

__all__ = [
    "COMPOSERS",
    "LONGEST_LEAD",
    "Planned",
    "Replanned",
    "Upcoming",
    "plan",
    "replan",
    "star",
    "subscribe",
    "upcoming",
]
