"""The report after the event: what was asked, said and reached, read from the database alone.

`gather` gives plain values, for a program or for `templates/pages/report.html`; `plots` works out where the
drawn lines run. No person is named unless asked for, and hidden askers never are.
"""

from bot.report.gathering import gather

__all__ = ["gather"]
