"""Browsers at the partner API: what a page of another site may read, and why a secret key may not.

Pages may read: with no key what is open to all, and with a publishable key what such a key opens.
No answer of ours depends on cookies, so any site may (`*`) and none may send credentials. A key
that a page holds is known to everybody who opens the page; so a secret one is refused where a
browser sends it (it adds `Origin`, which servers do not send), in an answer that the page can read.

This layer stands outside the admission: a browser's question whether it may ask takes no token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from privata.api.errors import on_http_error, on_request_error
from privata.api.openapi_headers import ALWAYS
from privata.apikeys.access_api import HEADER
from privata.apikeys.scopes import Scope as KeyScope
from privata.core.errors import BrowserRefused
from privata.core.tenancy import Actor
from privata.infra.http.access import SCOPE_HEADERS

#: How long a browser may keep what a preflight told it, seconds; none keeps it longer.
MAX_AGE_S: Final = 7200

_READS: Final = ("GET", "HEAD")

_FROM_BROWSER: Final = "privata.from_browser"
_NOT_FOUND: Final = 404

_ANY: Final = (b"access-control-allow-origin", b"*")

#: What scripts may read of our headers; without this they see none of them.
_EXPOSED: Final = (
    b"access-control-expose-headers",
    ", ".join((*ALWAYS, "Retry-After", "WWW-Authenticate")).encode(),
)

_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": ", ".join(_READS),
    "Access-Control-Max-Age": str(MAX_AGE_S),
    "Cache-Control": "no-store",
}


class Browsers:
    """Answers preflights, and lets pages read what GET and HEAD answer.

    `routes`: what there is; `headers`: those in which a key may come.
    """

    def __init__(
        self, app: ASGIApp, routes: Sequence[Route], headers: Sequence[str] = (HEADER,)
    ) -> None:
        self.app = app
        self.routes = routes
        sent = ", ".join((*headers, "Content-Type"))
        self.preflight = {**_PREFLIGHT, "Access-Control-Allow-Headers": sent}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _find_out(scope):
            if scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method"):
                answer = await self._preflight(Request(scope))
                await answer(scope, receive, send)
                return
            if scope["method"] in _READS:
                scope[SCOPE_HEADERS] += [_ANY, _EXPOSED]
        await self.app(scope, receive, send)

    async def _preflight(self, request: Request) -> Response:
        path = request.scope["path"]
        route = next((one for one in self.routes if one.path_regex.match(path)), None)
        if route is None:
            return await on_http_error(request, HTTPException(_NOT_FOUND))
        if "GET" not in (route.methods or ()):
            error = BrowserRefused(
                f"{path[:256]} cannot be called from a browser, which may only read (GET, HEAD)."
                " Call it from your server."
            )
            return await on_request_error(request, error)
        return Response(status_code=204, headers=self.preflight)


def from_browser(scope: Scope) -> bool:
    """Whether a page asks: browsers name it in `Origin`, programs on servers do not.

    Known of what has come through `Browsers`: it looks once for each call.
    """
    return scope.get(_FROM_BROWSER, False) is True


def secret_in_browser(scope: Scope, actor: Actor) -> BrowserRefused | None:
    """The refusal of a secret key that a browser sent; None for all other calls."""
    if KeyScope.RAMP_EMBED in actor.scopes or not from_browser(scope):
        return None
    return BrowserRefused(
        f"A browser sent the secret key {actor.label}…, so anyone who opens this page can read it."
        " Rotate the key and call from your server. Public routes need no key. (If a server sent"
        " this request, remove the Origin header.)"
    )


def _find_out(scope: Scope) -> bool:
    for name, _ in scope["headers"]:
        if name == b"origin":
            scope[_FROM_BROWSER] = True
            return True
    return False


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
