"""The actor of an API request, as the outer layer of the API found it."""

from __future__ import annotations

from typing import Final

import asyncpg
from starlette.requests import Request

from privata.apikeys.admission import Admission
from privata.apikeys.lockouts import count_failure
from privata.apikeys.scopes import Scope
from privata.apikeys.service import require_scope
from privata.core.errors import ScopeRequired
from privata.core.tenancy import Actor
from privata.infra.access import client_ip, kernel_of

HEADER: Final = "X-API-Key"

#: Where the outer layer leaves the `Admission` of a request.
SCOPE_ADMISSION: Final = "privata.admission"


async def actor_of(request: Request, *scopes: Scope) -> Actor:
    """The actor of `X-API-Key`, which has one of `scopes`; `InvalidKey` or `ScopeRequired`.

    `RateLimited` for an address that sent too many wrong keys.
    """
    admission: Admission = request.scope[SCOPE_ADMISSION]
    if admission.actor is None:
        raise await count_failure(kernel_of(request), None, ip=client_ip(request))
    if scopes:
        require_scope(admission.actor, *scopes)
    return _secret(admission.actor)


async def actor_if_any(request: Request) -> Actor | None:
    """The actor, or None where no key was sent; a wrong key was refused before."""
    admission: Admission = request.scope[SCOPE_ADMISSION]
    return None if admission.actor is None else _secret(admission.actor)


def companion_of(request: Request) -> asyncpg.Record | None:
    """The row that came along with the admission; ask for the actor first."""
    admission: Admission = request.scope[SCOPE_ADMISSION]
    return admission.companion


def _secret(actor: Actor) -> Actor:
    """The actor, unless its key is a publishable one, which anybody may read in a page."""
    if Scope.RAMP_EMBED in actor.scopes:
        raise ScopeRequired(
            "A publishable key only opens the ramp page. Use a secret key, or no key on public"
            " routes.",
            data={"scope": Scope.ORDERS.value},
        )
    return actor
