"""The server's own side of the network: one uvicorn server in the running loop, and its connections.

No signal handlers are installed and no main loop runs: whoever starts it also stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Any

import uvicorn
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

GRACE = 1.0  # wall seconds
PING_SECONDS = 5.0  # several clients take a socket without a ping for half a minute for dead


class CannotListen(OSError):
    """The wished address cannot be used; the message says which and why."""


class PortInUse(CannotListen):
    """The wished port is taken; the message says which and how to choose another."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} on {host} is in use; choose another with --port")


class Listening:
    """A listening socket that serves an ASGI application."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._silent: set[tuple[str, int]] = set()
        silent = self._silent

        class WebSocketProtocol(WebSocketsSansIOProtocol):
            """Pings, and answers pings, as Slack does; unless its peer is in the silent set."""

            def handle_ping(self) -> None:
                if self.client in silent:
                    self.conn.data_to_send()
                else:
                    super().handle_ping()

            def send_keepalive_ping(self) -> None:
                if self.client in silent:
                    self.schedule_ping()
                else:
                    super().send_keepalive_ping()

        self.host, self.port = host, port
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=H11Protocol,
                ws=WebSocketProtocol,
                lifespan="off",
                log_config=None,
                access_log=False,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=None,
                timeout_keep_alive=75,
            )
        )

    async def start(self) -> None:
        """Listen; with port 0 the system picks one. Raises PortInUse or CannotListen."""
        # Naming the protocol lets asyncio switch off Nagle's algorithm, which costs 40 ms a request.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(self.host, self.port) from None
            why = f"{self.host} is no address to listen at here: {error.strerror}; choose another with --host"
            raise CannotListen(error.errno, why) from None
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup(sockets=[listener])

    async def stop(self) -> None:
        """Stop listening and end every connection and request."""
        # asyncio loses a connection whose server is closed while it is being accepted (until Python 3.12):
        # accept no more, let what was accepted arrive, then close.
        loop = asyncio.get_running_loop()
        for server in self._server.servers:
            for listener in server.sockets:
                with contextlib.suppress(NotImplementedError):  # not on every platform's loop
                    loop.remove_reader(listener.fileno())
        for _ in range(5):
            await asyncio.sleep(0)
        for server in self._server.servers:
            server.close()
        for transport in self._transports():
            transport.abort()
        for _ in range(100):  # the loop closes an aborted connection a moment later
            if not self._server.server_state.connections:
                break
            await asyncio.sleep(0)
        # Requests whose peer is gone end by themselves; only what does not is cancelled.
        tasks = set(self._server.server_state.tasks)
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=GRACE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self, connection: HTTPConnection) -> None:
        """Reset the TCP connection that a request or a WebSocket came in on."""
        for transport in self._transports(_peer(connection)):
            transport.abort()

    def silence(self, connection: HTTPConnection) -> None:
        """Answer no more pings on this WebSocket."""
        self._silent.add(_peer(connection))

    def _transports(self, peer: tuple[str, int] | None = None) -> list[asyncio.WriteTransport]:
        protocols: set[Any] = self._server.server_state.connections
        return [each.transport for each in list(protocols) if each.transport and peer in (None, each.client)]


def _peer(connection: HTTPConnection) -> tuple[str, int]:
    client = connection.client
    return (client.host, client.port) if client else ("", 0)
