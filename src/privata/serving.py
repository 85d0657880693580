"""The web server: API and Desk behind one port, by path."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from privata.api.app import create_api
from privata.api.bad_requests import JsonRefusals
from privata.api.dashboard import PREFIX as DASHBOARD_PREFIX
from privata.api.dashboard import create_dashboard_api
from privata.api.probes import create_probes
from privata.api.routes import PREFIX
from privata.core.errors import StartupError
from privata.infra.garbage import short_pauses
from privata.infra.kernel import Kernel
from privata.infra.proxies import Network, client_address, parse_networks
from privata.streams.hub import Hub

log = logging.getLogger(__name__)

#: How long running requests may take to end when the server stops, seconds. Open streams are
#: ended by the server then; their clients reconnect.
GRACE_S = 5

#: The first parts of the paths of the two APIs. All below is theirs, also what they do not know:
#: a program that has its address wrong is to be told so in JSON.
_API = PREFIX.split("/")[1]
_DASHBOARD = DASHBOARD_PREFIX.split("/")[1]
_PROBE_PATHS = ("/healthz", "/readyz")


class ByPath:
    """Sends each request to the plane its path belongs to, as coming from its caller's address."""

    def __init__(
        self,
        api: Starlette | None,
        desk: ASGIApp | None,
        probes: ASGIApp,
        automation: ASGIApp | None = None,
        trusted: Sequence[Network] = (),
    ) -> None:
        self.trusted = trusted
        self.api = api
        self.automation = automation
        self.desk = desk
        self.probes = probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path: str = scope.get("path", "")
        if self.trusted:
            self._look_behind_proxies(scope)
        if path in _PROBE_PATHS:
            await self.probes(scope, receive, send)
            return
        first = path.lstrip("/").partition("/")[0].lower()
        if self.automation is not None and first == _DASHBOARD:
            await self.automation(scope, receive, send)
        elif self.api is not None and (self.desk is None or first == _API):
            await self.api(scope, receive, send)
        else:
            assert self.desk is not None
            await self.desk(scope, receive, send)

    def _look_behind_proxies(self, scope: Scope) -> None:
        """Put the caller's address in the place of the proxy's, for both planes."""
        forwarded = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
        ]
        peer = scope["client"]
        if peer is not None and forwarded:
            scope["client"] = (client_address(peer[0], forwarded, self.trusted), peer[1])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def create_application(kernel: Kernel, *, only: str | None = None) -> ByPath:
    """The whole web application, or one plane of it."""
    api = create_api(kernel) if only != "desk" else None
    desk = None
    if only != "api":
        from privata.desk.asgi import create_desk

        desk = create_desk(kernel)
    automation = create_dashboard_api(kernel) if only != "desk" else None
    trusted = parse_networks(kernel.settings.trusted_proxies)
    return ByPath(api, desk, create_probes(kernel), automation, trusted)


async def serve(kernel: Kernel, *, only: str | None = None) -> None:
    """Serve until cancelled, then let running requests end."""
    await serve_on(listen(kernel.settings.host, kernel.settings.port), kernel, only=only)


async def serve_and_work(kernel: Kernel) -> None:
    """Server and worker side by side until cancelled."""
    from privata.worker.main import work

    async with asyncio.TaskGroup() as group:
        group.create_task(serve(kernel))
        group.create_task(work(kernel))


async def serve_on(listener: socket.socket, kernel: Kernel, *, only: str | None = None) -> None:
    """Serve the application on a socket that listens already, until cancelled."""
    application = create_application(kernel, only=only)
    hub: Hub | None = None if application.api is None else application.api.state.streams

    def end_streams() -> None:
        if hub is not None:
            hub.close()
        if only != "api":
            from privata.desk.asgi import end_streams as end_live_pages

            end_live_pages()

    try:
        with short_pauses():
            await serve_app_on(listener, application, before_stop=end_streams)
    finally:
        if hub is not None:
            await hub.aclose()


async def serve_app_on(
    listener: socket.socket, app: ASGIApp, *, before_stop: Callable[[], None] | None = None
) -> None:
    """Serve any ASGI application on a listening socket until cancelled, then let requests end."""
    config = uvicorn.Config(
        app,
        http=JsonRefusals,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=75,
    )
    server = _Server(config)
    log.info("listening on http://%s:%s", *listener.getsockname()[:2])
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        if before_stop is not None:
            before_stop()
        await task
        raise


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `StartupError` names an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(
            f"Port {port} on {host} cannot be used ({error.strerror}); set PRIVATA_PORT."
        ) from None
    listener.listen(1024)
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the program around it decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
