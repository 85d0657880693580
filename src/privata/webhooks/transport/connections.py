"""One kept-alive connection, and the pool of those that wait for the next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

from privata.webhooks.outcomes import Phase
from privata.webhooks.transport.http1 import ResponseReader

CLOSE_SECONDS: Final = 1.0

Origin = tuple[str, str, int]


class End(Enum):
    """How an exchange ended."""

    ANSWERED = auto()
    LOST = auto()
    EXPIRED = auto()


class Connection(asyncio.Protocol):
    """A connection to one judged address; one request at a time.

    After `exchange` the answer is in `reader`; `lost_with` holds the error of a connection that
    broke (None for a plain close), `expired_in` the phase a deadline ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[End] | None = None
        self._on_closed: Callable[[Connection], None] | None = None
        self.closed: asyncio.Future[None] = loop.create_future()
        self.reader = ResponseReader()
        self.origin: Origin = ("", "", 0)
        self.address = ""
        self.requests = 0
        self.idle_since = 0.0
        self.lost_with: Exception | None = None
        self.expired_in = Phase.HEADERS

    def attach(
        self,
        transport: asyncio.Transport,
        origin: Origin,
        address: str,
        on_closed: Callable[[Connection], None],
    ) -> None:
        """Ready for requests: connected and, where the scheme asks for it, secured."""
        self._transport = transport
        self.origin, self.address, self._on_closed = origin, address, on_closed

    @property
    def usable(self) -> bool:
        """Whether the next request may go out here."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and not self.closed.done()
            and (self.requests == 0 or self.reader.reusable)
        )

    async def exchange(self, payload: bytes, deadline: float) -> End:
        """Send a request and read its response, until `deadline` (of the loop's clock)."""
        transport = self._transport
        if transport is None or self._waiter is not None:
            raise RuntimeError("a connection carries one request at a time, once attached")
        self.requests += 1
        self.reader.start()
        if self.closed.done():
            return End.LOST
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._expire)
        try:
            transport.write(payload)
            end: End = await waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            timer.cancel()
            self._waiter = None
            if not self.reader.reusable:
                self.abort()
        return end

    def close(self) -> None:
        """Say goodbye where the protocol has a word for it (TLS), without waiting."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is given with `attach`, after TLS."""

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            # Bytes while no answer is awaited: they must not meet the next request.
            self.reader.reusable = False
            self.abort()
            return
        self.reader.feed(data)
        if self.reader.done:
            self._waiter.set_result(End.ANSWERED)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_with = exc
        if not self.closed.done():
            self.closed.set_result(None)
        if self._on_closed is not None:
            self._on_closed(self)
        if self._waiter is not None and not self._waiter.done():
            # With a status the answer stands: a body may end with the connection, or be cut.
            complete = self.reader.head_complete
            self._waiter.set_result(End.ANSWERED if complete else End.LOST)

    def _expire(self) -> None:
        if self._waiter is None or self._waiter.done() or self._transport is None:
            return
        if self.reader.head_complete:
            self.expired_in = Phase.BODY
        elif not self.reader.any_bytes and self._transport.get_write_buffer_size():
            self.expired_in = Phase.SEND
        else:
            self.expired_in = Phase.HEADERS
        self._waiter.set_result(End.EXPIRED)


class Pool:
    """Idle connections by origin and address, newest first; bounded in number and in time.

    Times are those of the loop's clock, in seconds.
    """

    def __init__(self, *, max_open: int, idle_seconds: float) -> None:
        self._max_open = max_open
        self._idle_seconds = idle_seconds
        self._idle: dict[tuple[Origin, str], list[Connection]] = {}
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def open(self) -> int:
        """Connections open now, busy and idle."""
        return len(self._open)

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return sum(map(len, self._idle.values()))

    def take(self, origin: Origin, addresses: Sequence[str]) -> Connection | None:
        """An idle connection to one of these addresses, or None."""
        for address in addresses:
            waiting = self._idle.get((origin, address))
            while waiting:
                connection = waiting.pop()
                if not waiting:
                    del self._idle[origin, address]
                if connection.usable:
                    return connection
        return None

    def add(self, connection: Connection) -> None:
        """Count a new connection, and make room for it among the idle ones."""
        if connection.closed.done():
            return
        while len(self._open) >= self._max_open and (oldest := self._oldest_idle()):
            self._drop(oldest)
        self._open.add(connection)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, when it can carry one."""
        if not connection.usable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault((connection.origin, connection.address), []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._idle_seconds, self._sweep, loop)

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self._open.discard(connection)
        self._remove_idle(connection)

    async def aclose(self) -> None:
        """Close all connections, politely for a moment and then at once."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        connections = list(self._open)
        self._idle.clear()
        for connection in connections:
            connection.close()
        if connections:
            ended = [connection.closed for connection in connections]
            await asyncio.wait(ended, timeout=CLOSE_SECONDS)
        for connection in connections:
            connection.abort()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        limit = loop.time() - self._idle_seconds
        for waiting in list(self._idle.values()):
            for connection in [one for one in waiting if one.idle_since <= limit]:
                self._drop(connection)
        self._sweeper = None
        if self._idle:
            self._sweeper = loop.call_later(self._idle_seconds / 2, self._sweep, loop)

    def _oldest_idle(self) -> Connection | None:
        # The first of each list has waited longest there.
        firsts = (waiting[0] for waiting in self._idle.values())
        return min(firsts, key=lambda one: one.idle_since, default=None)

    def _drop(self, connection: Connection) -> None:
        self._remove_idle(connection)
        self._open.discard(connection)
        connection.close()

    def _remove_idle(self, connection: Connection) -> None:
        key = connection.origin, connection.address
        waiting = self._idle.get(key)
        if waiting and connection in waiting:
            waiting.remove(connection)
            if not waiting:
                del self._idle[key]
