"""The layer that lets calls in: key, lockout and rate limit, before any route is looked for.

It stands around everything, so that each answer carries the rate limit headers, also those to
paths that do not exist.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from privata.api.errors import on_bug, on_database_away, on_request_error
from privata.apikeys.access import HEADER, SCOPE_ADMISSION
from privata.apikeys.admission import Admission, Admitter, Caller, Companion
from privata.apikeys.lockouts import count_failure, locked_out
from privata.core.errors import RequestError
from privata.infra.access import SCOPE_HEADERS
from privata.infra.kernel import Kernel
from privata.infra.limits import Kind, limits_of, rate_headers, too_many
from privata.infra.proxies import address_in, parse_networks
from privata.organizations.standing import refused

_KEY: Final = HEADER.lower().encode()
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Headers = list[tuple[bytes, bytes]]


class Admissions:
    """Admits each request or answers it; `prefix` is where the API's paths begin.

    `companions` are reads that go along with a GET whose path matches; what the pattern's group
    holds is what they are about.
    """

    def __init__(
        self,
        app: ASGIApp,
        kernel: Kernel,
        prefix: str,
        companions: Sequence[tuple[re.Pattern[str], Companion]] = (),
    ) -> None:
        self.app = app
        self.prefix = prefix
        self.kernel = kernel
        self.plain = Admitter(kernel)
        self.companions = [(path, Admitter(kernel, companion)) for path, companion in companions]
        self.health = f"{prefix}/health"
        self.estimate = f"{prefix}/estimate"
        self.limits = limits_of(kernel.settings)
        self.probers = parse_networks(kernel.settings.health_probers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope["client"]
        # Without the zone of a link-local address: a network of the database has none.
        ip: str | None = None if client is None else client[0].partition("%")[0]
        if scope["path"] == self.health and address_in(ip, self.probers):
            await self.app(scope, receive, send)
            return
        key, user_agent = _sent(scope)
        admitter, about = self._admitter(scope)
        kind = self._kind(scope)
        caller = Caller(key, ip, user_agent, kind, *self.limits[kind])
        refusal: Response | None = None
        try:
            admission = await admitter.admit(caller, about)
            scope[SCOPE_HEADERS] += self._headers(admission, kind)
            error = await self._refused(admission, key, ip)
            if error is not None:
                refusal = await on_request_error(Request(scope), error)
            scope[SCOPE_ADMISSION] = admission
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Health tells whether this program answers, whatever the database does.
            if scope["path"] != self.health:
                refusal = await _on_database_error(Request(scope), error)
        await (refusal or self.app)(scope, receive, send)

    def _kind(self, scope: Scope) -> Kind:
        if scope["method"] not in _READS:
            return Kind.WRITE
        if scope["path"] == self.estimate and b"include=all" in scope["query_string"]:
            return Kind.OFFERS
        return Kind.READ

    def _admitter(self, scope: Scope) -> tuple[Admitter, str]:
        if scope["method"] == "GET":
            path = scope["path"].removeprefix(self.prefix)
            for pattern, admitter in self.companions:
                matched = pattern.fullmatch(path)
                if matched is not None:
                    return admitter, matched[1]
        return self.plain, ""

    def _headers(self, admission: Admission, kind: Kind) -> Headers:
        if admission.allowance is not None:
            return admission.allowance.headers(time.time())
        assert admission.locked_until is not None
        return rate_headers(self.limits[kind][1], 0, int(admission.locked_until.timestamp()))

    async def _refused(
        self, admission: Admission, key: str | None, ip: str | None
    ) -> RequestError | None:
        if admission.locked_until is not None:
            return locked_out(admission.locked_until, self.kernel.clock.now())
        if key is not None and admission.actor is None:
            return await count_failure(self.kernel, key, ip=ip)
        allowance = admission.allowance
        if allowance is not None and not allowance.granted:
            return too_many(allowance)
        return None if admission.barred is None else refused(admission.barred)


def _sent(scope: Scope) -> tuple[str | None, str]:
    key, user_agent = None, ""
    for name, value in scope["headers"]:
        if name == _KEY:
            key = value.decode("latin-1")
        elif name == b"user-agent":
            user_agent = value.decode("latin-1")
    return key, user_agent


async def _on_database_error(request: Request, error: Exception) -> Response:
    away = (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.InterfaceError,
    )
    return await (on_database_away if isinstance(error, away) else on_bug)(request, error)
