"""Look at the components without the dashboard: `python -m privata.ui.preview [port]`.

Development only. Serves the gallery at `/`, signed-out pages at `/sign-in` and `/error/404`, and a
live stream, with the same content policy as the dashboard. `?environment=test` shows the stripe,
`?theme=dark` the dark theme.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import uvicorn
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.ui import sample
from privata.ui.jinja import environment
from privata.ui.static_app import Static

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
_HOST = "127.0.0.1"
_PORT = 8090


def create_app() -> Starlette:
    """The preview as an ASGI application."""
    pages, static = environment(), Static()
    pages.globals["now"] = lambda: sample.NOW
    routes = [
        Route("/", _page(pages, "ui/gallery.html")),
        Route("/sign-in", _page(pages, "ui/gallery_bare.html")),
        Route("/error/{status:int}", _error(pages)),
        Route("/drawer/{ident}", _drawer(pages)),
        Route("/search", _search(pages)),
        Route("/toast", _toast(pages), methods=["POST"]),
        Route("/live", _live),
        Route("/switch", _back, methods=["POST"]),
        Mount(static.prefix.rstrip("/"), static),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_ContentPolicy)])


class _ContentPolicy:
    """Pure ASGI, so that the live stream is not buffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = CONTENT_POLICY
            await send(message)

        await self._app(scope, receive, with_policy)


Handler = Callable[[Request], Awaitable[Response]]


def _context(request: Request) -> dict[str, object]:
    theme = request.query_params.get("theme") or request.cookies.get("theme")
    chosen = request.query_params.get("environment", "live")
    shell = sample.shell(environment=chosen, theme=theme)
    return sample.gallery() | {"shell": shell, "theme": theme, "csrf_token": "preview"}


def _page(pages: Environment, template: str) -> Handler:
    async def show(request: Request) -> Response:
        opened = request.query_params.get("open")
        found = sample.delivery(opened) if opened else None
        return _html(pages, template, _context(request) | {"opened": found})

    return show


def _error(pages: Environment) -> Handler:
    async def show(request: Request) -> Response:
        context = _context(request) | {"status": request.path_params["status"]}
        return _html(pages, "ui/error.html", context)

    return show


def _drawer(pages: Environment) -> Handler:
    async def show(request: Request) -> Response:
        opened = sample.delivery(request.path_params["ident"])
        return _html(pages, "ui/gallery_drawer.html", {"opened": opened})

    return show


def _search(pages: Environment) -> Handler:
    async def show(request: Request) -> Response:
        groups = sample.search(request.query_params.get("q", ""))
        return _html(pages, "ui/gallery_search.html", {"groups": groups})

    return show


def _toast(pages: Environment) -> Handler:
    async def show(request: Request) -> Response:
        return _html(pages, "ui/gallery_toast.html", {})

    return show


async def _back(request: Request) -> Response:
    form = await request.form()
    return RedirectResponse(f"/?environment={form.get('environment', 'live')}", status_code=303)


async def _live(request: Request) -> Response:
    async def stream() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        for count in range(600):
            message = {"topic": "streams", "n": 112 + count % 60}
            yield f"id: {count}\ndata: {json.dumps(message)}\n\n"
            await asyncio.sleep(2)

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


def _html(pages: Environment, template: str, context: dict[str, object]) -> Response:
    return HTMLResponse(pages.get_template(template).render(context))


def main() -> None:
    """Serve until Ctrl-C; the port is the first argument, or PORT, or 8090."""
    port = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", _PORT))
    uvicorn.run(
        create_app(), host=_HOST, port=port, log_level="warning", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main()
