"""The one way out for webhooks: POST over HTTP/1.1 to judged, pinned addresses.

Delivery, retry, replay, test event and URL check all go through `Transport.send`. It asks the
guard and the resolver itself for every request, so there is no way around them; it follows no
redirect, uses no proxy, no `.netrc` and no cookie; one deadline spans everything from DNS to the
last byte of the body. It never raises: how the attempt ended is data.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import Final

from privata.core.errors import UrlRefused
from privata.infra.tls import client_context
from privata.webhooks.outcomes import Outcome, Phase, classify
from privata.webhooks.transport.connections import Connection, End, Pool
from privata.webhooks.transport.dialing import Dialer
from privata.webhooks.transport.failures import (
    AttemptError,
    connection_failed,
    our_network_is_silent,
    timed_out,
)
from privata.webhooks.transport.guard import Policy, Target, parse_url
from privata.webhooks.transport.http1 import encode_request, request_start, safe_text
from privata.webhooks.transport.reachability import SLOW_SECONDS, ReachabilityCheck
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.routes import Routes, family_of

log = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 5.0
MAX_CONNECTIONS: Final = 512
IDLE_SECONDS: Final = 30.0
MAX_PLANS: Final = 4096
REQUEST_TIMEOUT: Final = 408

#: Names of our ways out, the first one with 4 or 6 behind it.
IP: Final = "ipv"
DNS: Final = "dns"


@dataclass(slots=True)
class OutboundRequest:
    """One POST. `headers` come from `signing.headers_for`; the transport adds its own."""

    url: str
    headers: list[tuple[str, str]]
    body: bytes
    policy: Policy
    deadline_s: float = DEADLINE_SECONDS
    delivery_id: str = ""


@dataclass(slots=True)
class SendResult:
    """How an attempt ended, ready to be stored.

    `detail` is a sentence for the partner, `reason` a named cause for our own log. Header names
    are in lower case; the excerpt is the first KiB of the body, `truncated` says there was more.
    """

    outcome: Outcome
    duration_ms: float
    status_code: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    response_excerpt: str = ""
    truncated: bool = False
    address: str | None = None
    reused: bool = False
    phase: Phase | None = None
    reason: str = ""
    detail: str = ""
    #: What of our own network failed: `ipv4`, `ipv6`, `dns`; empty: nothing or something else.
    way: str = ""


@dataclass(slots=True)
class TransportStats:
    """Counters since the start. `last_answer_at` is on the loop's clock, 0 before the first."""

    sends: int = 0
    opened: int = 0
    reused: int = 0
    stale_retries: int = 0
    last_answer_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a URL comes to under a policy; parsed once and kept."""

    policy: Policy
    target: Target
    origin: tuple[str, str, int]
    start: bytes


def default_ssl_context() -> ssl.SSLContext:
    """The system's roots and the rules of `infra.tls`."""
    return client_context(alpn=["http/1.1"])


class Transport:
    """Sends requests and keeps connections; one for each event loop.

    At most `max_connections` requests are under way, the rest wait before their deadline starts.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        max_connections: int = MAX_CONNECTIONS,
        idle_seconds: float = IDLE_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
        network: ReachabilityCheck | None = None,
        routes: Routes | None = None,
    ) -> None:
        self._resolver = resolver
        self._network = network or ReachabilityCheck()
        self._slots = asyncio.Semaphore(max_connections)
        self._pool = Pool(max_open=max_connections, idle_seconds=idle_seconds)
        self._dialer = Dialer(ssl_context or default_ssl_context(), self._network, routes)
        self._plans: dict[str, _Plan] = {}
        self.stats = TransportStats()

    @property
    def open_connections(self) -> int:
        """Connections open now, busy and idle."""
        return self._pool.open

    async def send(self, request: OutboundRequest) -> SendResult:
        """POST once. Never raises but `CancelledError`; what goes wrong is in the result."""
        loop = asyncio.get_running_loop()
        async with self._slots:
            started = loop.time()
            self.stats.sends += 1
            try:
                result = await self._attempt(loop, request, started + request.deadline_s)
            except AttemptError as failed:
                result = SendResult(
                    failed.outcome,
                    0.0,
                    phase=failed.phase,
                    reason=failed.reason,
                    detail=failed.message,
                    way=_way(failed),
                )
            except UrlRefused as refused:
                result = SendResult(
                    Outcome.BLOCKED, 0.0, reason=refused.reason, detail=refused.message
                )
            except Exception as error:
                log.exception("sending delivery %s failed on our side", request.delivery_id)
                result = SendResult(Outcome.INTERNAL, 0.0, reason=type(error).__name__)
            result.duration_ms = (loop.time() - started) * 1000
            return result

    async def is_back(self, way: str) -> bool:
        """Whether a way out that failed (`ipv4`, `ipv6`, `dns`) works again, as far as we see."""
        if way == DNS:
            return await self._resolver.works()
        family = int(way.removeprefix(IP))
        return self._dialer.has_route(family) and await self._network.is_back(family)

    async def aclose(self) -> None:
        """Close all connections. The resolver is the caller's."""
        await self._network.aclose()
        await self._pool.aclose()

    async def _attempt(
        self, loop: asyncio.AbstractEventLoop, request: OutboundRequest, deadline: float
    ) -> SendResult:
        plan = self._plan(request.url, request.policy)
        payload = encode_request(plan.start, request.headers, request.body)
        addresses = await self._addresses(plan.target, request.policy, deadline)
        connection = self._pool.take(plan.origin, addresses)
        if connection is not None:
            self.stats.reused += 1
            end = await self._exchange_on_kept(loop, connection, payload, deadline)
            if not _was_idle_too_long(connection, end):
                return self._conclude(loop, connection, end)
            # The receiver ended an idle connection while the request was on its way (RFC 9112,
            # 9.3.1). It may still have read it, but a repeat is within at-least-once: receivers
            # know a repeated event by its id. One retry, on a fresh connection.
            self.stats.stale_retries += 1
        connection = await self._open(loop, plan, addresses, deadline, request.policy)
        return self._conclude(loop, connection, await connection.exchange(payload, deadline))

    async def _exchange_on_kept(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        payload: bytes,
        deadline: float,
    ) -> End:
        """An exchange that no handshake went before: silence may be our own network's."""
        began, peer = loop.time(), (connection.address, connection.origin[2])
        slow = loop.call_later(SLOW_SECONDS, self._network.ask, peer)
        try:
            end = await connection.exchange(payload, deadline)
        finally:
            slow.cancel()
        silent = end is End.EXPIRED and not connection.reader.any_bytes
        if silent and not self._network.network_was_there(began, peer):
            raise our_network_is_silent(family_of(connection.address))
        return end

    def _plan(self, url: str, policy: Policy) -> _Plan:
        plan = self._plans.get(url)
        if plan is not None and plan.policy is policy:
            return plan
        target = parse_url(url, policy=policy)
        origin = (target.scheme, target.host, target.port)
        if len(self._plans) >= MAX_PLANS:
            del self._plans[next(iter(self._plans))]
        plan = self._plans[url] = _Plan(policy, target, origin, request_start(target))
        return plan

    async def _addresses(self, target: Target, policy: Policy, deadline: float) -> tuple[str, ...]:
        resolution = self._resolver.pinned(target, policy)
        if resolution is None:
            before = self._resolver.definite_answers
            try:
                async with asyncio.timeout_at(deadline):
                    resolution = await self._resolver.resolve(target, policy)
            except TimeoutError:
                if self._resolver.definite_answers > before:
                    raise timed_out(Phase.DNS) from None
                raise AttemptError(
                    Outcome.INTERNAL, "", reason="resolver_silent", phase=Phase.DNS
                ) from None
        if resolution.failure is not None:
            raise AttemptError(
                resolution.failure, resolution.detail, reason=resolution.reason, phase=Phase.DNS
            )
        return resolution.addresses

    async def _open(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: _Plan,
        addresses: tuple[str, ...],
        deadline: float,
        policy: Policy,
    ) -> Connection:
        transport, connection, address = await self._dialer.dial(
            loop, plan.target, addresses, deadline, policy
        )
        self.stats.opened += 1
        connection.attach(transport, plan.origin, address, self._pool.forget)
        self._pool.add(connection)
        return connection

    def _conclude(
        self, loop: asyncio.AbstractEventLoop, connection: Connection, end: End
    ) -> SendResult:
        reader = connection.reader
        result = SendResult(
            Outcome.PROTOCOL,
            0.0,
            address=connection.address,
            reused=connection.requests > 1,
        )
        if reader.any_bytes:
            now = self.stats.last_answer_at = loop.time()
            self._network.heard((connection.address, connection.origin[2]), now)
        if reader.head_complete:
            result.status_code = reader.status
            result.outcome = classify(reader.status)
            result.response_headers = reader.kept_headers()
            result.response_excerpt = safe_text(reader.excerpt)
            result.truncated = reader.truncated
            if result.outcome is Outcome.REDIRECT:
                result.detail = _location(result.response_headers)
        if reader.failure is not None:
            result.outcome, result.detail = reader.failure, reader.detail
        elif end is End.EXPIRED:
            _set_failure(result, timed_out(connection.expired_in))
        elif end is End.LOST:
            _set_failure(result, _lost(connection))
        if reader.reusable:
            self._pool.give_back(connection)
        return result


def _way(failed: AttemptError) -> str:
    if failed.family:
        return f"{IP}{failed.family}"
    return DNS if failed.phase is Phase.DNS and failed.outcome is Outcome.INTERNAL else ""


def _was_idle_too_long(connection: Connection, end: End) -> bool:
    """Whether a kept connection ended because it had been idle, whatever was sent on it.

    By FIN or RST without a byte, or with words: 408 and a close, which servers and proxies send
    to a connection on which they wait in vain (RFC 9110, 15.5.9). On a fresh connection a 408 is
    an answer to the request.
    """
    reader = connection.reader
    if end is End.LOST:
        return not reader.any_bytes
    said = end is End.ANSWERED and reader.failure is None and reader.status == REQUEST_TIMEOUT
    return said and not reader.keeps_alive


def _lost(connection: Connection) -> AttemptError:
    error = connection.lost_with
    if isinstance(error, OSError):
        return connection_failed(error, Phase.HEADERS)
    if connection.reader.any_bytes:
        return AttemptError(
            Outcome.PROTOCOL, "The connection was closed in the middle of the headers."
        )
    return AttemptError(
        Outcome.CONNECTION,
        "The connection was closed before an answer came.",
        reason="closed",
        phase=Phase.HEADERS,
    )


def _set_failure(result: SendResult, failed: AttemptError) -> None:
    result.outcome, result.phase = failed.outcome, failed.phase
    result.reason, result.detail = failed.reason, failed.message


def _location(headers: tuple[tuple[str, str], ...]) -> str:
    for name, value in headers:
        if name == "location":
            return f"Location: {value}"
    return "The answer names no Location."
