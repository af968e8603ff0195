"""One-click links that put something into a person's own web calendar."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode


def one_click(title: str, starts: datetime, ends: datetime, details: str) -> dict[str, str]:
    """The links for Google ("google") and Outlook ("outlook"); times in UTC, everything else encoded."""
    google = urlencode(
        {
            "action": "TEMPLATE",
            "text": title,
            "dates": f"{starts:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}",
            "details": details,
        }
    )
    outlook = urlencode(
        {
            "path": "/calendar/action/compose",
            "rru": "addevent",
            "subject": title,
            "startdt": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
            "enddt": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "body": details,
        }
    )
    return {
        "google": f"https://calendar.google.com/calendar/render?{google}",
        "outlook": f"https://outlook.live.com/calendar/0/deeplink/compose?{outlook}",
    }
