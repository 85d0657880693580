"""Whose request it is: the application context of the process, the caller's address, the caller's
actor."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from privata.infra.context import AppContext

#: Headers that layers further inside put on the answer, whatever it is: a list of pairs of bytes.
SCOPE_HEADERS: Final = "privata.headers"


def context_of(request: Request) -> AppContext:
    """The application context that the application was assembled with."""
    ctx: AppContext = request.app.state.ctx
    return ctx


def client_ip(request: Request) -> str | None:
    """The caller's address; behind trusted proxies the server has put it in the peer's place."""
    return request.client.host if request.client else None
