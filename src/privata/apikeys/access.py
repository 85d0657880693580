"""The actor of an API request."""

from __future__ import annotations

from starlette.requests import Request

from privata.apikeys.scopes import Scope
from privata.apikeys.service import authenticate, require_scope
from privata.core.tenancy import Actor
from privata.infra.access import client_ip, kernel_of

HEADER = "X-API-Key"


async def actor_of(request: Request, *scopes: Scope) -> Actor:
    """The actor of `X-API-Key`, which has one of `scopes`; `InvalidKey` or `ScopeRequired`."""
    actor = await authenticate(
        kernel_of(request),
        request.headers.get(HEADER),
        ip=client_ip(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    if scopes:
        require_scope(actor, *scopes)
    return actor


async def actor_if_any(request: Request) -> Actor | None:
    """The actor, or None where no key was sent; a wrong key is still refused."""
    if HEADER not in request.headers:
        return None
    return await actor_of(request)
