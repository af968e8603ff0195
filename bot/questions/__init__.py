"""Questions for the panel: submitted, reviewed, voted on, brought to the stage, answered.

`submission` stores them, `deeds` is the table of what may become of them, `life` and `undo` let it happen,
`beside` holds what changes nothing of that (claims, notes, …), `votes` counts, `windows` says what is open,
`messages` and `cards` tell everybody, `picture` decides who may see whose name.
"""

from bot.questions.cards import COMPOSERS
from bot.questions.windows import replan

__all__ = ["COMPOSERS", "replan"]
