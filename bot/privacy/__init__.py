"""What becomes of people's data: removed when they ask, unlinked and removed when its time is over.

`erasing` forgets one person; `retention` does by the clock what `[retention]` in config.toml says.
docs/privacy.md tells the same in words.
"""

from bot.privacy.erasing import Forgotten, erase, known, unlink
from bot.privacy.retention import Retention

__all__ = ["Forgotten", "Retention", "erase", "known", "unlink"]
