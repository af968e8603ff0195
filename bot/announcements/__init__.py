"""What organisers approve and everybody is told.

`releases` brings a draft to everybody in one go, and takes it back; `composers` says what its messages read.
`broadcasts` are what organisers write themselves; `schedule` reads when, `copies` says what they read.
`calendars` goes into the thread of a change. `pages` is what became of the event page.
"""

from bot.announcements import composers, pages
from bot.announcements.composers import LINES, PROGRAMME_ROOM, last_change
from bot.announcements.releases import (
    QUIET,
    SOON,
    WORTH,
    Review,
    begin,
    discard,
    hold,
    propose,
    release_and_announce,
    review,
    run_late,
    show_programme,
    undo,
)

COMPOSERS = {**composers.COMPOSERS, **pages.COMPOSERS}

__all__ = [
    "COMPOSERS",
    "LINES",
    "PROGRAMME_ROOM",
    "QUIET",
    "SOON",
    "WORTH",
    "Review",
    "begin",
    "discard",
    "hold",
    "last_change",
    "propose",
    "release_and_announce",
    "review",
    "run_late",
    "show_programme",
    "undo",
]
