"""Serving an ASGI application on a socket until told to stop, and stopping without breaking a call.

A server that is told to stop goes on serving for a grace, in which whoever sends it requests finds
out (`/readyz`) and sends no more. Its answers then say `Connection: close`, so that idle
connections go, too. Then it stops listening, and lets running requests end for some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.core.errors import StartupError
from privata.infra.http.protocol import USUAL, Patience, protocol_with

log = logging.getLogger(__name__)

#: How long running requests may take to end when the server has stopped listening, seconds.
IN_FLIGHT_S = 4

_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Stopping:
    """How to stop. `grace_s`: for how long it goes on serving, seconds; `begin` is called before
    it and `end_streams` after it. Neither may wait nor raise."""

    grace_s: float = 0.0
    begin: Callable[[], None] | None = None
    end_streams: Callable[[], None] | None = None


class _Closing:
    """An application whose answers end their connections once it is told to stop."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.stopping:
            await self.app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        await self.app(scope, receive, closing)


async def serve_app_on(
    listener: socket.socket,
    app: ASGIApp,
    *,
    patience: Patience = USUAL,
    stopping: Stopping = Stopping(),  # it is frozen
) -> None:
    """Serve any ASGI application on a listening socket until cancelled, then let requests end.

    A second cancellation ends the grace.
    """
    closing = _Closing(app)
    server = _Server(
        uvicorn.Config(
            closing,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=IN_FLIGHT_S,
            timeout_keep_alive=patience.idle_s,
            http=protocol_with(patience),
            ws="none",
        )
    )
    log.info("listening on http://%s:%s", *listener.getsockname()[:2])
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        closing.stopping = True
        await _grace(stopping)
        server.should_exit = True
        if stopping.end_streams is not None:
            stopping.end_streams()
        await task
        raise


async def _grace(stopping: Stopping) -> None:
    if stopping.begin is not None:
        stopping.begin()
    if stopping.grace_s > 0:
        log.info("stopping: not ready any more, serving for another %g s", stopping.grace_s)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(stopping.grace_s)


def listen(host: str, port: int, variable: str = "PRIVATA_PORT") -> socket.socket:
    """A listening socket; `StartupError` names an address that cannot be had, and the setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(
            f"Port {port} on {host} cannot be used ({error.strerror}); set {variable}."
        ) from None
    listener.listen(1024)
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the program around it decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
