"""Who may call a route of the partner API, by the `X-API-Key` that the outer layer looked up."""

from __future__ import annotations

from typing import ClassVar, Final

import asyncpg
from starlette.requests import Request

from privata.apikeys.admission import Admission
from privata.apikeys.lockouts import count_failure
from privata.apikeys.scopes import Scope
from privata.apikeys.service import require_scope
from privata.core.errors import InvalidKey, PrivataError, ScopeRequired
from privata.core.tenancy import Actor
from privata.infra.http.access import client_ip, context_of
from privata.infra.http.operations import Access

HEADER: Final = "X-API-Key"

#: Where the outer layer leaves the `Admission` of a request.
SCOPE_ADMISSION: Final = "privata.admission"

#: The security scheme of the OpenAPI document.
SCHEME: Final = "ApiKey"


class KeyAccess(Access[Actor]):
    """A secret key that has one of `scopes`; the handler gets its actor."""

    errors: ClassVar[tuple[type[PrivataError], ...]] = (InvalidKey, ScopeRequired)

    def __init__(self, *scopes: Scope) -> None:
        """`TypeError` without a scope: any key would open the route."""
        if not scopes:
            raise TypeError("name the scopes that open the route")
        self.scopes = scopes

    async def check(self, request: Request) -> Actor:
        """The actor; `InvalidKey` without a key, `ScopeRequired` without any of the scopes.

        `RateLimited` for an address that sent too many wrong keys.
        """
        admission: Admission = request.scope[SCOPE_ADMISSION]
        if admission.actor is None:
            raise await count_failure(context_of(request), None, ip=client_ip(request))
        require_scope(admission.actor, *self.scopes)
        return _secret(admission.actor)

    def security(self) -> list[dict[str, list[str]]]:
        """One of the scopes is enough; OpenAPI 3.1 lets them stand as roles of the key."""
        return [{SCHEME: [scope.value]} for scope in self.scopes]


class OptionalKeyAccess(Access[Actor | None]):
    """Anybody, with a secret key or without one; the handler gets its actor or None."""

    errors: ClassVar[tuple[type[PrivataError], ...]] = (InvalidKey, ScopeRequired)

    async def check(self, request: Request) -> Actor | None:
        """The actor, or None where no key was sent; a wrong key was refused before."""
        admission: Admission = request.scope[SCOPE_ADMISSION]
        return None if admission.actor is None else _secret(admission.actor)

    def security(self) -> list[dict[str, list[str]]]:
        """A key, or nothing."""
        return [{SCHEME: []}, {}]


KEY_OPTIONAL: Final = OptionalKeyAccess()


def companion_of(request: Request) -> asyncpg.Record | None:
    """The row that came along with the admission, for a handler whose operation wants a key."""
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
