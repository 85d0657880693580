"""The layer that lets calls in: key, lockout and rate limit, before any route is looked for.

It stands around everything, so that each answer carries the rate limit headers, also those to
paths that do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from privata.api.cors import secret_in_browser
from privata.api.costs import kind_of
from privata.api.errors import on_bug, on_request_error
from privata.apikeys.access_api import HEADER, SCOPE_ADMISSION
from privata.apikeys.admission import Admission, Admitter, Caller, Companion
from privata.apikeys.lockouts import count_failure, locked_out
from privata.apikeys.rules import as_sent
from privata.core.errors import RequestError
from privata.core.standing import refused
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.infra.http.access import SCOPE_HEADERS
from privata.infra.http.proxies import address_in, parse_networks, source_of
from privata.infra.limits import Kind, limits_of, rate_headers, too_many
from privata.infra.local_limits import LocalBuckets

_ALONG: Final = frozenset({"GET", "HEAD"})

Headers = list[tuple[bytes, bytes]]


class Admissions:
    """Admits each request or answers it; `prefix` is where the API's paths begin.

    `companions` are reads that go along with a GET whose path matches; what the pattern's group
    holds is what they are about. A key is looked for in `headers`: of two that are sent, the one
    that stands first there counts.
    """

    def __init__(
        self,
        app: ASGIApp,
        ctx: AppContext,
        prefix: str,
        companions: Sequence[tuple[re.Pattern[str], Companion]] = (),
        headers: Sequence[str] = (HEADER,),
    ) -> None:
        self.app = app
        self.key_headers = tuple(name.lower().encode() for name in headers)
        self.prefix = prefix
        self.ctx = ctx
        self.plain = Admitter(ctx)
        self.companions = [(path, Admitter(ctx, companion)) for path, companion in companions]
        self.health = f"{prefix}/health"
        self.limits = limits_of(ctx.settings)
        self.probers = parse_networks(ctx.settings.health_probers)
        self.health_buckets = LocalBuckets(ctx.settings.rate_keyless_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope["client"]
        # Without the zone of a link-local address: a network of the database has none.
        ip: str | None = None if client is None else client[0].partition("%")[0]
        if scope["path"] == self.health:
            await (await self._health(scope, ip) or self.app)(scope, receive, send)
            return
        key, user_agent = self._sent(scope)
        admitter, about = self._admitter(scope)
        kind = kind_of(scope, self.prefix)
        caller = Caller(key, ip, user_agent, kind, *self.limits[kind])
        refusal: Response | None = None
        try:
            admission = await admitter.admit(caller, about)
            scope[SCOPE_HEADERS] += self._headers(admission, kind)
            error = await self._refused(admission, key, ip)
            if error is None and admission.actor is not None:
                error = secret_in_browser(scope, admission.actor)
            if error is not None:
                refusal = await on_request_error(Request(scope), error)
            scope[SCOPE_ADMISSION] = admission
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if passing_fault(error) is not None:
                raise
            refusal = await on_bug(Request(scope), error)
        await (refusal or self.app)(scope, receive, send)

    async def _health(self, scope: Scope, ip: str | None) -> Response | None:
        """The refusal of a call to health, without the database; a key is not looked at."""
        if address_in(ip, self.probers):
            return None
        allowance = self.health_buckets.take(source_of(ip))
        scope[SCOPE_HEADERS] += allowance.headers(self.ctx.clock.now().timestamp())
        if allowance.granted:
            return None
        return await on_request_error(Request(scope), too_many(allowance))

    def _admitter(self, scope: Scope) -> tuple[Admitter, str]:
        if scope["method"] in _ALONG:
            path = scope["path"].removeprefix(self.prefix)
            for pattern, admitter in self.companions:
                matched = pattern.fullmatch(path)
                if matched is not None:
                    return admitter, matched[1]
        return self.plain, ""

    def _headers(self, admission: Admission, kind: Kind) -> Headers:
        if admission.allowance is not None:
            return admission.allowance.headers(self.ctx.clock.now().timestamp())
        assert admission.locked_until is not None
        return rate_headers(self.limits[kind][1], 0, int(admission.locked_until.timestamp()))

    async def _refused(
        self, admission: Admission, key: str | None, ip: str | None
    ) -> RequestError | None:
        if admission.locked_until is not None:
            return locked_out(admission.locked_until, self.ctx.clock.now())
        if key is not None and admission.actor is None:
            return await count_failure(self.ctx, key, ip=ip)
        allowance = admission.allowance
        if allowance is not None and not allowance.granted:
            return too_many(allowance)
        return None if admission.barred is None else refused(admission.barred)

    def _sent(self, scope: Scope) -> tuple[str | None, str]:
        found, user_agent = {}, ""
        for name, value in scope["headers"]:
            if name in self.key_headers:
                found[name] = value
            elif name == b"user-agent":
                user_agent = value.decode("latin-1")
        for name in self.key_headers:
            if name in found:
                return as_sent(found[name].decode("latin-1")), user_agent
        return None, user_agent
