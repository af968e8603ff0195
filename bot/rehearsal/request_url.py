"""HTTP mode: signed requests to the app's own address (reference: Events API, "Verifying requests").

Events are JSON, interactions a form with `payload`, commands a flat form. A 2xx within the deadline is
the acknowledgement; up to two redirects are followed.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.clock import Clock
from bot.rehearsal.envelopes import Delivery, Outcome
from bot.rehearsal.faults import Faults
from bot.rehearsal.log import Log
from bot.rehearsal.state import Json

_HTTP_REASONS = {"timeout": "http_timeout"}


class RequestUrl:
    """The app's request URL, as a road for deliveries."""

    def __init__(
        self, url: str, signing_secret: str, log: Log, faults: Faults, *, ack_seconds: float
    ) -> None:
        self.url = url
        self._signatures = SignatureVerifier(signing_secret)
        self._log = log
        self._faults = faults
        self._timeout = aiohttp.ClientTimeout(total=ack_seconds)
        self._session: aiohttp.ClientSession | None = None

    is_open = was_open = True

    async def wait_open(self) -> None:
        return

    async def attempt(self, delivery: Delivery) -> Outcome:
        """Send one request and read the acknowledgement from its answer."""
        fault = self._faults.strike("envelopes")
        if fault and fault.kind == "drop":
            await asyncio.sleep(min(fault.seconds, self._timeout.total or 0))
            return Outcome(False, reason="http_timeout")
        if fault and fault.kind in ("slow", "reorder"):
            await asyncio.sleep(fault.seconds)
        self._log.note(
            "envelope", delivery.name, type=delivery.kind, attempt=delivery.attempt, payload=delivery.payload
        )
        if fault and fault.kind == "duplicate":
            await self._request(delivery)
        return await self._request(delivery)

    async def challenge(self) -> bool:
        """Slack's check of a new request URL: whether it answers the challenge."""
        payload = {
            "type": "url_verification",
            "token": "rehearsal-verification-token",
            "challenge": "rehearsal",
        }
        outcome = await self._request(Delivery("events_api", payload, True))
        return outcome.acknowledged and (outcome.body or {}).get("challenge") == "rehearsal"

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _request(self, delivery: Delivery) -> Outcome:
        body, content_type = encode(delivery)
        stamp = str(int(Clock().now().timestamp()))  # clients compare it with their own wall time
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": self._signatures.generate_signature(timestamp=stamp, body=body) or "",
        }
        if delivery.attempt:
            headers["X-Slack-Retry-Num"] = str(delivery.attempt)
            headers["X-Slack-Retry-Reason"] = _HTTP_REASONS.get(delivery.reason, delivery.reason)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(
                self.url, data=body.encode(), headers=headers, max_redirects=3
            ) as response:
                return _outcome(
                    response.status, response.headers.get("x-slack-no-retry"), await response.text()
                )
        except TimeoutError:
            return Outcome(False, reason="http_timeout")
        except aiohttp.TooManyRedirects:
            return Outcome(False, reason="too_many_redirects")
        except aiohttp.ClientSSLError:
            return Outcome(False, reason="ssl_error")
        except aiohttp.ClientError:
            return Outcome(False, reason="connection_failed")


def encode(delivery: Delivery) -> tuple[str, str]:
    """The body and its content type, as Slack sends each kind."""
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload), "application/json"
    form = "application/x-www-form-urlencoded"
    if delivery.kind == "interactive":
        return urlencode({"payload": json.dumps(delivery.payload)}), form
    return urlencode({key: str(value) for key, value in delivery.payload.items() if value is not None}), form


def _outcome(status: int, no_retry: str | None, text: str) -> Outcome:
    if not 200 <= status < 300:
        return Outcome(False, status=status, reason="http_error", final=no_retry == "1")
    return Outcome(True, _body(text), status)


def _body(text: str) -> Json | None:
    if not text.strip():
        return None
    try:
        data: Any = json.loads(text)
    except ValueError:
        return {"text": text}
    return data if isinstance(data, dict) else {"text": text}
