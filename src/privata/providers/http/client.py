"""The one HTTP client of all providers: bounded in time, size, connections and rate.

Its level of trust: the operator chose the address, so any host may be reached, but an answer is
believed in nothing. Certificates are checked, no redirect is followed, no proxy or cookie of the
environment is used, nothing is decompressed, and a call is never repeated. Neither URLs, headers
nor bodies are logged: they carry keys and addresses of users.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from privata.providers.failures import Fault, unavailable
from privata.providers.fields import Fields
from privata.providers.http.bucket import Bucket
from privata.providers.http.decoding import decoded, encoded
from privata.providers.port import Deadline

log = logging.getLogger(__name__)

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

#: What is waited for where a 429 does not say, seconds.
DEFAULT_PAUSE_S: Final = 5.0

_POSITIVE: Final = (
    *("calls_per_minute", "burst", "read_weight", "connections", "call_seconds", "body_bytes"),
)
_UNAUTHORIZED: Final = 401
_RATE_LIMITED: Final = 429
_SERVER_ERRORS: Final = 500
_READ_BYTES: Final = 64 * 1024
_AGENT: Final = "Privata"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How a provider is reached, and how much of it is used by one process.

    `base_url` is https, or http on this machine. `calls_per_minute` and `burst` count the units
    that calls weigh, mostly 1; `read_weight` is what asking about an order weighs. `call_seconds`
    bounds a call that has no deadline.
    """

    base_url: str
    calls_per_minute: float
    burst: float
    read_weight: float = 1.0
    connections: int = 16
    call_seconds: float = 10.0
    body_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        secure = parts.scheme == "https"
        if not secure and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("the base URL of a provider must be https, or http on this machine")
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("the base URL of a provider has a host and a path, and nothing else")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} of a provider must be more than 0")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `name` is what logs and messages call it; `path` begins behind the base URL.

    `body` is JSON to encode, or the exact bytes where they are signed. `headers` are of this call
    alone. `once`: a GET that changes something, so it does not risk a connection that was kept.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: object = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    weight: float = 1.0
    once: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is JSON: of success, or of an error that the adapter understands."""

    provider: str
    call: str
    status: int
    value: object = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return self.status < 300  # RFC 9110, 15.3

    def fields(self) -> Fields:
        """The answer as an object."""
        return Fields(self.provider, self.call, self.value)


class _NotRepeatedError(aiohttp.ClientError):
    """A connection that broke; of a kind that aiohttp does not try again."""


async def _never_again(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _NotRepeatedError(type(error).__name__) from error


class ProviderClient:
    """Calls one provider. `headers` go with each call: they carry the credentials.

    It belongs to the event loop in which it is first used, as its connections do.
    """

    def __init__(
        self,
        provider: str,
        settings: ClientSettings,
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.provider = provider
        self.settings = settings
        self._headers = {"Accept": "application/json", "User-Agent": _AGENT, **(headers or {})}
        self._tls = tls
        self._bucket = Bucket(provider, settings.calls_per_minute, settings.burst)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close every connection."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def call(self, call: Call, deadline: Deadline | None = None) -> Reply:
        """Ask, and read the answer; `ProviderUnavailable` where there is none that is JSON.

        Answers of 401, 429 and 5xx are faults here; other errors are the adapter's to understand.
        """
        own = Deadline.after(self.settings.call_seconds)
        until = own if deadline is None or own.at < deadline.at else deadline
        await self._bucket.take(call.weight, until)
        try:
            async with asyncio.timeout(until.left()):
                status, body = await self._exchange(call)
        except TimeoutError:
            raise unavailable(self.provider, Fault.TIMEOUT, call.name) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may name the address that was called, so only its kind is told.
            log.info("%s %s: %s", self.provider, call.name, type(error).__name__)
            raise unavailable(self.provider, Fault.CONNECTION, call.name) from None
        return Reply(self.provider, call.name, status, decoded(self.provider, call.name, body))

    async def _exchange(self, call: Call) -> tuple[int, bytes]:
        data, headers = None, dict(call.headers)
        if call.body is not None:
            data = call.body if isinstance(call.body, bytes) else encoded(call.body)
            headers.setdefault("Content-Type", "application/json")
        url = f"{self.settings.base_url.rstrip('/')}/{call.path.lstrip('/')}"
        session = self._session(once=call.once)
        async with session.request(
            call.method, url, params=call.query, data=data, headers=headers, allow_redirects=False
        ) as response:
            self._check_head(call, response)
            return response.status, await self._read(call, response)

    def _session(self, *, once: bool) -> aiohttp.ClientSession:
        """The connections for ordinary calls; or of a kind that is used for one call each.

        aiohttp sends a GET again if the server hangs up, which `_never_again` stops: a provider
        would see more calls than its rate allows. So a kept connection that the server has just
        closed is an error. A call that changes something gets a new connection for itself.
        """
        session = self._sessions.get(once)
        if session is None:
            connector = aiohttp.TCPConnector(
                limit=self.settings.connections,
                ssl=True if self._tls is None else self._tls,
                force_close=once,
            )
            session = self._sessions[once] = aiohttp.ClientSession(
                connector=connector,
                headers={**self._headers, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None),
                middlewares=(_never_again,),
            )
        return session

    def _check_head(self, call: Call, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == _RATE_LIMITED:
            pause = _seconds(response.headers.get("Retry-After"))
            self._bucket.pause(DEFAULT_PAUSE_S if pause is None else pause)
            raise unavailable(self.provider, Fault.RATE_LIMITED, call.name, retry_after_s=pause)
        if status >= _SERVER_ERRORS:
            raise unavailable(self.provider, Fault.SERVER_ERROR, f"{call.name}, {status}")
        if status == _UNAUTHORIZED:
            raise unavailable(self.provider, Fault.CREDENTIALS, call.name)
        if 300 <= status < 400:  # RFC 9110, 15.4
            raise unavailable(self.provider, Fault.REDIRECT, call.name)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise unavailable(self.provider, Fault.ENCODED, call.name)
        if (response.content_length or 0) > self.settings.body_bytes:
            raise unavailable(self.provider, Fault.TOO_LARGE, call.name)

    async def _read(self, call: Call, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_READ_BYTES):
            body += chunk
            if len(body) > self.settings.body_bytes:
                raise unavailable(self.provider, Fault.TOO_LARGE, call.name)
        return bytes(body)


def _seconds(text: str | None) -> float | None:
    """A `Retry-After` in seconds; its other form, a date, says nothing that is worth a clock."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 6:
        return None
    return float(text)
