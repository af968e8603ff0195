"""Socket Mode: tickets, hello, envelopes, acknowledgements, disconnects (reference: Socket Mode).

Each envelope goes to one live socket; its acknowledgement is taken from any. Pings are answered below
this level, with their payload, unless a socket has been silenced.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.rehearsal.envelopes import Delivery, Outcome
from bot.rehearsal.faults import Faults
from bot.rehearsal.log import Log
from bot.rehearsal.state import APP_ID, Json

MOST_SOCKETS = 10
DISCONNECT_REASONS = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")


class SocketMode:
    """The open sockets of the app, as a road for deliveries."""

    def __init__(self, log: Log, faults: Faults, *, ack_seconds: float) -> None:
        self._log = log
        self._faults = faults
        self.ack_seconds = ack_seconds
        self._sockets: list[WebSocket] = []
        self._unacked: dict[str, asyncio.Future[Json | None]] = {}
        self._opened = asyncio.Event()
        self.was_open = False
        self._turn = itertools.count()
        self._held: list[Callable[[], Any]] = []

    @property
    def is_open(self) -> bool:
        return bool(self._sockets)

    @property
    def sockets(self) -> list[WebSocket]:
        """The open sockets, oldest first."""
        return list(self._sockets)

    async def wait_open(self) -> None:
        await self._opened.wait()

    async def serve(self, websocket: WebSocket) -> None:
        """Run one socket until it ends. Any ticket is taken: clients use theirs again after a restart."""
        await websocket.accept()
        if len(self._sockets) >= MOST_SOCKETS:
            await websocket.send_json(self._disconnect("too_many_websockets"))
            await websocket.close()
            return
        self._sockets.append(websocket)
        self._log.note("socket", "open", sockets=len(self._sockets))
        try:
            await websocket.send_json(self._hello())
            self.was_open = True
            self._opened.set()
            while True:
                self._acknowledge(await websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass  # gone: what it had not acknowledged runs into its deadline
        finally:
            self._sockets.remove(websocket)
            if not self._sockets:
                self._opened.clear()
            self._log.note("socket", "closed", sockets=len(self._sockets))

    async def attempt(self, delivery: Delivery) -> Outcome:
        """Send one envelope and wait for its acknowledgement."""
        fault = self._faults.strike("envelopes")
        kind = fault.kind if fault else None
        envelope_id = str(uuid.uuid4())
        heard: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._unacked[envelope_id] = heard
        try:
            if fault and kind in ("slow", "drop"):
                await asyncio.sleep(min(fault.seconds, self.ack_seconds) if kind == "drop" else fault.seconds)
            if kind == "drop":
                return Outcome(False, reason="timeout")
            if kind == "reorder":
                await self._let_next_pass()
            await self._send(self._envelope(delivery, envelope_id), delivery)
            if kind == "duplicate":
                await self._send(self._envelope(delivery, str(uuid.uuid4())), delivery)
            self._release()
            async with asyncio.timeout(self.ack_seconds):
                return Outcome(True, await heard)
        except TimeoutError:
            return Outcome(False, reason="timeout")
        finally:
            del self._unacked[envelope_id]

    async def disconnect(self, reason: str) -> int:
        """Send a disconnect frame with `reason` on every socket; returns how many there were."""
        sockets = self.sockets
        for websocket in sockets:
            await websocket.send_json(self._disconnect(reason))
        self._log.note("fault", "disconnect", reason=reason, sockets=len(sockets))
        return len(sockets)

    async def close(self) -> int:
        """Close every socket properly, with a close frame; returns how many there were."""
        sockets = self.sockets
        for websocket in sockets:
            await websocket.close()
        self._log.note("fault", "close frame", sockets=len(sockets))
        return len(sockets)

    async def _send(self, envelope: Json, delivery: Delivery) -> None:
        # A socket whose peer vanished may still be listed: then the next one gets the envelope.
        for _ in range(len(self._sockets)):
            websocket = self._sockets[next(self._turn) % len(self._sockets)]
            try:
                await websocket.send_json(envelope)
            except (RuntimeError, WebSocketDisconnect):
                continue
            self._log.note(
                "envelope", delivery.name, type=delivery.kind, attempt=delivery.attempt, payload=envelope
            )
            return

    async def _let_next_pass(self) -> None:
        passed = asyncio.Event()
        self._held.append(passed.set)
        try:
            async with asyncio.timeout(self.ack_seconds):
                await passed.wait()
        except TimeoutError:
            pass  # nothing followed: sent late, as it is

    def _release(self) -> None:
        for release in self._held:
            release()
        self._held.clear()

    def _acknowledge(self, frame: str) -> None:
        try:
            data = json.loads(frame)
        except ValueError:
            self._log.note("failure", "frame", reason="not JSON")
            return
        heard = self._unacked.get(str(data.get("envelope_id"))) if isinstance(data, dict) else None
        if heard is None or heard.done():
            self._log.note("late_ack", "frame", body=data if isinstance(data, dict) else None)
            return
        payload = data.get("payload")
        heard.set_result(payload if isinstance(payload, dict) and payload else None)

    def _envelope(self, delivery: Delivery, envelope_id: str) -> Json:
        envelope: Json = {
            "envelope_id": envelope_id,
            "payload": delivery.payload,
            "type": delivery.kind,
            "accepts_response_payload": delivery.accepts_response,
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": delivery.attempt, "retry_reason": delivery.reason}
        return envelope

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {"host": "rehearsal", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }

    def _disconnect(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "rehearsal"}}
