"""Connections of asyncpg, all made the same way: one host after the other, each with a timeout of
its own; the session's settings; TCP's options, so that a peer that vanished is noticed; and known
to `watching`, so that an answer that never comes is noticed too.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import asyncpg

from privata.infra.database import hosts, watching
from privata.infra.database.address import parse_address
from privata.infra.database.faults import (
    FIRST_PAUSE_S,
    LAST_PAUSE_S,
    NoHost,
    NotWritable,
    means_loss,
)
from privata.infra.database.losses import READ_ONLY, lost_at, note_loss
from privata.infra.database.poolers import FORGETFUL

#: What libpq's URLs call them, the options of a TCP socket that they set (Linux).
_OPTIONS: Final = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}

#: After these, another host may do: this one is away, starting, stopping, or not to be written to.
_NEXT_HOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)

_NONE: Final[Mapping[str, str]] = {}

T = TypeVar("T")


class Connector:
    """Connects to a database; may be given to asyncpg's pool as its `connect`.

    `settings` are the server's, beside the session's; `usual` are some of them that the URL may
    say otherwise. `StartupError` for a URL that cannot be kept.
    """

    def __init__(
        self, url: str, settings: Mapping[str, str], usual: Mapping[str, str] = _NONE
    ) -> None:
        self._url = url
        self._address = parse_address(url)
        said = {name: self._address.settings.get(name, value) for name, value in usual.items()}
        self._settings = {**settings, **said}
        self.connection_class = _watched(url, self._address.tcp())
        #: Whether the server took no more connections the last time that the pool wanted one.
        self.server_is_full = False

    async def __call__(self, *_: Any, **more: Any) -> asyncpg.Connection[asyncpg.Record]:
        """A connection to the first host that can be used; `more` are asyncpg's own arguments.

        `NoHost` where there is none (`NotWritable` where each could only be read), and
        what the server says against us.
        """
        reasons, readable = [], 0
        for host in hosts.in_order(self._address):
            try:
                return await self._to(host, more)
            except _NEXT_HOST as error:
                hosts.avoid(self._address, host)
                reasons.append(f"{':'.join(host)} {_reason(error)}")
                readable += isinstance(error, asyncpg.TargetServerAttributeNotMatched)
            except asyncio.CancelledError:
                # Whoever waited has no more time: the next one begins with another host.
                hosts.avoid(self._address, host)
                raise
        kind = NotWritable if readable == len(reasons) else NoHost
        raise kind("; ".join(reasons))

    async def patiently(self, *_: Any, **more: Any) -> asyncpg.Connection[asyncpg.Record]:
        """The same for a pool: waits while the server has no connection to spare.

        Whoever asks the pool has a limit to that.
        """
        pause = FIRST_PAUSE_S
        while True:
            try:
                made = await self(**more)
            except asyncpg.TooManyConnectionsError:
                self.server_is_full = True
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # no secret
                pause = min(2 * pause, LAST_PAUSE_S)
            else:
                self.server_is_full = False
                return made

    async def _to(
        self, host: tuple[str, str], more: Mapping[str, Any]
    ) -> asyncpg.Connection[asyncpg.Record]:
        arguments = self._address.asyncpg(host, **self._settings)
        if self._url in FORGETFUL:
            arguments["statement_cache_size"] = 0
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            **{**arguments, **more, "connection_class": self.connection_class}
        )
        hosts.prefer(self._address, host)
        return connection


async def connect(
    url: str, settings: Mapping[str, str] | None = None, **more: Any
) -> asyncpg.Connection[asyncpg.Record]:
    """One connection outside of a pool; `more` are arguments of `asyncpg.connect`."""
    return await Connector(url, settings or {})(**more)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "is read-only or a standby"
    return f"cannot be used: {str(error) or type(error).__name__}"


class WatchedConnection(asyncpg.Connection):
    """A connection that knows when it began to wait for an answer, and tells when it is lost."""

    url = ""
    tcp: Mapping[str, int] = {}

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        #: Monotonic seconds.
        self.made_at = time.monotonic()
        #: Since when an answer is waited for, in monotonic seconds; 0: none is.
        self.asked_at = 0.0
        self._writable = self._is_writable()
        _set_options(transport, self.tcp)
        watching.watched(self)

    def hang_up(self) -> None:
        """End the connection; whoever waits for its answer gets an error."""
        self.terminate()

    async def execute(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        return await self._watched(super().execute, args, more)

    async def executemany(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        return await self._watched(super().executemany, args, more)

    async def fetch(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        return await self._watched(super().fetch, args, more)

    async def fetchval(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        return await self._watched(super().fetchval, args, more)

    async def fetchrow(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        return await self._watched(super().fetchrow, args, more)

    async def close(self, **more: Any) -> None:
        """As asyncpg's; one that is lost is not said farewell, nobody would answer."""
        if self.made_at <= lost_at(self.url):
            self.terminate()
        else:
            await super().close(**more)

    async def _watched(
        self, ask: Callable[..., Awaitable[T]], args: tuple[Any, ...], more: dict[str, Any]
    ) -> T:
        self.asked_at = time.monotonic()
        try:
            answer = await ask(*args, **more)
        except TimeoutError:
            # Nobody waits for the answer any more, nor until the server has taken that in.
            self.terminate()
            raise
        except asyncpg.InternalClientError as error:
            # What the server sent last (that it shuts down, say) does not fit what we were at.
            self.terminate()
            note_loss(self.url, self.made_at)
            raise ConnectionError(f"the database connection broke: {error}") from error
        except Exception as error:
            if self.is_closed() or means_loss(error):
                note_loss(self.url, self.made_at)
            raise
        finally:
            self.asked_at = 0.0
        self._look_at_the_server()
        return answer

    def _look_at_the_server(self) -> None:
        """One that only reads never meets the error of a write, and would go on reading what is
        old. A server that has been read-only from the first is one the URL allows."""
        if self._writable and not self._is_writable():
            self._writable = False
            note_loss(self.url, self.made_at)

    def _is_writable(self) -> bool:
        # One that has been lost tells nothing any more.
        return self.is_closed() or getattr(self.get_settings(), READ_ONLY, None) != "on"


def _watched(url: str, tcp: Mapping[str, int]) -> type[WatchedConnection]:
    return type("WatchedConnection", (WatchedConnection,), {"url": url, "tcp": tcp})


def _set_options(transport: asyncio.Transport, chosen: Mapping[str, int]) -> None:
    peer = transport.get_extra_info("socket")
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # The loop's own object need not have all of a socket's methods; its descriptor has.
    with socket.fromfd(peer.fileno(), peer.family, socket.SOCK_STREAM) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(chosen["keepalives"] != 0))
        for name, option in _OPTIONS.items():
            number = getattr(socket, option, None)
            if number is not None and chosen[name] > 0:
                same.setsockopt(socket.IPPROTO_TCP, number, chosen[name])
