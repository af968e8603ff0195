"""Requests to the web application, made in the process itself, whole or broken, signed or not."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.signature import SignatureVerifier

PATH = "/slack/events"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """What came back; status 0: nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    *chunks: bytes,
    method: str = "POST",
    path: str = PATH,
    headers: dict[str, str] | None = None,
    ends: bool = True,
) -> Answer:
    """Send one request in these chunks; with `ends` false the other side hangs up before the last one."""
    answer = Answer()
    pieces = list(chunks) or [b""]

    async def receive() -> dict[str, Any]:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces) or not ends}
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return answer


async def never() -> dict[str, Any]:
    """A body that does not arrive."""
    await asyncio.Event().wait()
    raise AssertionError


def signed(secret: str, body: bytes, content_type: str = JSON, *, at: int | None = None) -> dict[str, str]:
    """The headers with which Slack sends this body, by default just now."""
    stamp = str(int(time.time()) if at is None else at)
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or "",
    }
