"""The web server: API and the dashboard behind one port, by path."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from privata.api.app import create_api
from privata.api.changenow import PREFIX as CHANGENOW_PREFIX
from privata.api.changenow import create_changenow_api
from privata.api.dashboard import PREFIX as DASHBOARD_PREFIX
from privata.api.dashboard import create_dashboard_api
from privata.api.routes import PREFIX
from privata.core.errors import StartupError
from privata.infra.context import AppContext
from privata.infra.ending import within
from privata.infra.garbage import short_pauses
from privata.infra.http.probes import PROBE_PATHS, create_probes
from privata.infra.http.protocol import Patience
from privata.infra.http.proxies import Network, address_in, client_address, parse_networks
from privata.infra.http.safe_headers import CAME_IN_THE_CLEAR, NO_PAGE, SafeHeaders
from privata.infra.http.server import Stopping, listen, serve_app_on
from privata.infra.readiness import Readiness
from privata.infra.settings import Settings
from privata.ready import readiness_of
from privata.streams.hub import Hub

__all__ = ["create_application", "listen", "serve", "serve_and_work", "serve_app_on", "serve_on"]

#: Seconds for each of the last steps, which need the database: it may be frozen.
_LAST_S: Final = 0.5

#: The first parts of the paths of the APIs. All below is theirs, also what they do not know:
#: a program that has its address wrong is to be told so in JSON.
_API = PREFIX.split("/")[1]
_DASHBOARD = DASHBOARD_PREFIX.split("/")[1]
_CHANGENOW = CHANGENOW_PREFIX.split("/")[1]


class ByPath:
    """Sends each request to the plane its path belongs to, as coming from its caller's address."""

    def __init__(
        self,
        api: ASGIApp | None,
        dashboard: ASGIApp | None,
        probes: ASGIApp,
        automation: ASGIApp | None = None,
        trusted: Sequence[Network] = (),
        changenow: ASGIApp | None = None,
    ) -> None:
        self.trusted = trusted
        self.api = api
        self.changenow = changenow
        self.automation = automation
        self.dashboard = dashboard
        self.probes = probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path: str = scope.get("path", "")
        if self.trusted:
            self._look_behind_proxies(scope)
        if path in PROBE_PATHS:
            await self.probes(scope, receive, send)
            return
        first = path.lstrip("/").partition("/")[0].lower()
        if self.automation is not None and first == _DASHBOARD:
            await self.automation(scope, receive, send)
        elif self.changenow is not None and first == _CHANGENOW:
            await self.changenow(scope, receive, send)
        elif self.api is not None and (self.dashboard is None or first == _API):
            await self.api(scope, receive, send)
        else:
            assert self.dashboard is not None
            await self.dashboard(scope, receive, send)

    def _look_behind_proxies(self, scope: Scope) -> None:
        """Put the caller's address and scheme in the place of the proxy's, for both planes."""
        peer = scope["client"]
        if peer is None:
            return
        schemes = _forwarded_in(scope, b"x-forwarded-proto")
        if schemes and address_in(peer[0], self.trusted):
            scope["scheme"] = "https" if schemes[-1].strip().lower() == "https" else "http"
            scope[CAME_IN_THE_CLEAR] = scope["scheme"] == "http"
        forwarded = _forwarded_in(scope, b"x-forwarded-for")
        if forwarded:
            scope["client"] = (client_address(peer[0], forwarded, self.trusted), peer[1])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def _forwarded_in(scope: Scope, header: bytes) -> list[str]:
    """The values of a header in the order they arrived."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


@dataclass(frozen=True, slots=True)
class Application:
    """What is served, and what has to run or to be ended with it."""

    app: ByPath
    readiness: Readiness
    streams: Hub | None


def create_application(ctx: AppContext, *, only: str | None = None) -> Application:
    """The whole web application, or one plane of it."""
    dashboard, came_back = None, None
    if only != "api":
        from privata.dashboard.asgi import create_dashboard
        from privata.dashboard.connections import replace_all

        dashboard, came_back = create_dashboard(ctx), replace_all
    readiness = readiness_of(ctx, came_back=came_back)
    api = create_api(ctx, readiness) if only != "dashboard" else None
    automation = create_dashboard_api(ctx) if only != "dashboard" else None
    changenow = create_changenow_api(ctx) if only != "dashboard" else None
    trusted = parse_networks(ctx.settings.trusted_proxies)
    https = ctx.settings.base_url.startswith("https://")

    def safe(app: ASGIApp | None, *, page: bool = False) -> ASGIApp | None:
        return app and SafeHeaders(app, https=https, more=() if page else NO_PAGE)

    probes = safe(create_probes(readiness))
    assert probes is not None
    return Application(
        ByPath(
            safe(api),
            safe(dashboard, page=True),
            probes,
            safe(automation),
            trusted,
            safe(changenow),
        ),
        readiness,
        None if api is None else api.state.streams,
    )


async def serve(ctx: AppContext, *, only: str | None = None) -> None:
    """Serve until cancelled, then let running requests end."""
    await serve_on(listen(ctx.settings.host, ctx.settings.port), ctx, only=only)


async def serve_and_work(ctx: AppContext) -> None:
    """Server and worker side by side until cancelled."""
    from privata.worker.main import work

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(ctx))
            group.create_task(work(ctx))
    except* StartupError as several:
        raise several.exceptions[0] from None  # a port that is taken


async def serve_on(listener: socket.socket, ctx: AppContext, *, only: str | None = None) -> None:
    """Serve the application on a socket that listens already, until cancelled."""
    application = create_application(ctx, only=only)
    hub = application.streams

    def end_streams() -> None:
        if hub is not None:
            hub.close()
        if only != "api":
            from privata.dashboard.asgi import end_streams as end_live_pages

            end_live_pages()

    try:
        with short_pauses():
            async with application.readiness.watched():
                await serve_app_on(
                    listener,
                    application.app,
                    patience=_patience(ctx.settings),
                    stopping=Stopping(
                        ctx.settings.drain_seconds, application.readiness.drain, end_streams
                    ),
                )
    finally:
        if hub is not None:
            await within(_LAST_S, hub.aclose(), "closing the streams")
        if only != "api":
            from privata.dashboard.connections import close_pool

            await within(_LAST_S, asyncio.to_thread(close_pool), "closing the pages' connections")


def _patience(settings: Settings) -> Patience:
    return Patience(
        settings.request_head_seconds, settings.request_body_seconds, settings.keep_alive_seconds
    )
