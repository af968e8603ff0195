"""`workshop-bot check`: everything that can be wrong before the day, each finding with its remedy.

`offline` needs no network; `online` asks Slack, and changes nothing there.
"""

from bot.check.finding import Finding
from bot.check.offline import offline
from bot.check.online import online

__all__ = ["Finding", "offline", "online"]
