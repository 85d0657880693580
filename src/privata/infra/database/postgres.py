"""The pool of connections, transactions, and wake-ups.

A **wake-up** tells whoever waits to look: `NOTIFY`, sent after the commit by one connection that
gathers what is pending. It carries no truth (a lost one costs a poll interval), so it need not be
in the transaction, where PostgreSQL would make every commit that notifies wait for the others.
See docs/decisions/0004.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from privata.infra.database.connecting import Connector
from privata.infra.database.faults import NoConnection, PassingFault, ServerFull, passing_fault
from privata.infra.database.listener import Listener, Wakeups
from privata.infra.database.losses import lost_at
from privata.infra.database.poolers import FORGETFUL, advice, is_direct, transaction_pooler
from privata.infra.database.watching import Watch
from privata.infra.faults import FAULTS

log = logging.getLogger(__name__)


#: NOTIFY payloads have to stay below 8,000 bytes; ours are short, this bounds one statement.
_WAKEUP_BATCH = 500

#: Seconds a statement may run on the request path before we hang up.
STATEMENT_TIMEOUT_S = 30

#: Seconds a statement may wait for another's lock; the server's own limit, unless the URL has one.
LOCK_TIMEOUT_S = 20

#: Seconds that a transaction may stand still before the server ends it: one whose client the
#: network has forgotten would keep its locks.
IDLE_IN_TRANSACTION_S = 60

#: Seconds that one waits for a connection of the pool; a request then answers 503.
WAIT_S = 5.0

#: How often is looked whether somebody has waited for so long, seconds.
WAIT_TICK_S = 0.25

#: Seconds after which the pool closes a connection that nobody has needed; one always stays.
IDLE_S = 60.0

#: Seconds that the connections have to end by themselves.
CLOSE_S = 3.0

#: The server ends a statement later than we hang up. A commit that waits for a synchronous standby
#: would be ended as well, and be told to have succeeded although no standby has it.
SERVER_TIMEOUT_S = 45

#: Limits that the server keeps for every connection of a pool, where the URL says nothing else.
LIMITS = {
    "statement_timeout": f"{SERVER_TIMEOUT_S}s",
    "lock_timeout": f"{LOCK_TIMEOUT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
}


@dataclass(slots=True)
class Transaction:
    """An open transaction and the wake-ups to send once it is committed."""

    connection: (
        asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]
    )
    wakeups: set[tuple[str, str]] = field(default_factory=set)

    def wake(self, channel: str, payload: str = "") -> None:
        """Wake the listeners of `channel` after the commit; nothing is sent on rollback."""
        self.wakeups.add((channel, payload))


_WATCH = {"application_name": "privata-watch"}


class Pool(asyncpg.Pool):  # its constructor is `create_pool`'s, without the defaults
    """A pool that waits for a limited time, and lends nothing that was made before the database was
    lost.
    """

    def __init__(self, url: str, size: int, connector: Connector, **options: Any) -> None:
        self._url = url
        self._connector = connector
        self._replaced_at = time.monotonic()
        self.waiting: set[_Lent] = set()
        arguments: dict[str, Any] = {
            "min_size": 1,
            "max_queries": 50_000,
            "max_inactive_connection_lifetime": IDLE_S,
            "loop": None,
            "record_class": asyncpg.Record,
            "command_timeout": STATEMENT_TIMEOUT_S,
            "reset": _nothing_to_reset,
            **options,
        }
        super().__init__(
            max_size=size,
            connect=connector.patiently,
            connection_class=connector.connection_class,
            **arguments,
        )

    def acquire(self, *, timeout: float | None = None) -> Any:
        """As asyncpg's, for at most `WAIT_S` unless told otherwise; then `ConnectionError`."""
        until = time.monotonic() + (WAIT_S if timeout is None else timeout)
        return _Lent(self, super().acquire(), until)

    def no_connection(self) -> NoConnection:
        """What somebody is told who got no connection in time."""
        if self._connector.server_is_full:
            return ServerFull(
                "no database connection in time: the server takes no more (max_connections, or the"
                " limit of the database or role)"
            )
        return NoConnection(
            "no database connection in time: the database is away, or all PRIVATA_POOL_SIZE"
            " connections are in use"
        )

    def is_lost(self) -> bool:
        """Whether the database was lost since connections were last replaced."""
        return lost_at(self._url) > self._replaced_at

    async def replace_lost(self) -> None:
        """Lend no connection any more that was made before the database was lost."""
        self._replaced_at = time.monotonic()
        await self.expire_connections()

    async def end_long_waits(self) -> None:
        """Tell who has waited for too long, until cancelled."""
        while True:
            await asyncio.sleep(WAIT_TICK_S)
            now = time.monotonic()
            for one in [one for one in self.waiting if one.until < now]:
                self.waiting.discard(one)
                one.end()


class _Lent:
    """What `Pool.acquire` answers: a connection for a block, or by itself to be given back.

    Its limit is kept by `Pool.end_long_waits`. A timer for each would cost a request more than the
    rest of this; and the driver's own may lose a cancellation in favour of what came at the same
    moment, so that a program which is told to stop would go on.
    """

    __slots__ = ("_asked", "_late", "_pool", "_task", "until")

    def __init__(self, pool: Pool, asked: Any, until: float) -> None:
        self._pool = pool
        self._asked = asked
        self._late = False
        self._task: asyncio.Task[Any] | None = None
        #: Monotonic seconds.
        self.until = until

    def end(self) -> None:
        """The time is up."""
        self._late = True
        assert self._task is not None
        self._task.cancel()

    async def __aenter__(self) -> Any:
        pool = self._pool
        if pool.is_lost():
            await pool.replace_lost()
        task = self._task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        pool.waiting.add(self)
        try:
            return await self._asked.__aenter__()
        except asyncio.CancelledError:
            # As `asyncio.timeout` tells its own cancellation from another's.
            if self._late and task.uncancel() <= cancelling:
                raise pool.no_connection() from None
            raise
        finally:
            pool.waiting.discard(self)

    async def __aexit__(self, *error: object) -> None:
        await self._asked.__aexit__(*error)

    def __await__(self) -> Any:
        return self.__aenter__().__await__()


class Database:
    """One pool on one database, with transactions and wake-ups."""

    def __init__(self, pool: Pool, url: str, direct_url: str) -> None:
        self.pool: asyncpg.Pool[asyncpg.Record] = pool
        self.url = url
        #: Past a pooler, for connections that need a session of their own.
        self.direct_url = direct_url
        self._pending: set[tuple[str, str]] = set()
        self._waker: asyncio.Task[None] | None = None
        self._listener = Listener(direct_url)
        self._watches = [
            asyncio.create_task(Watch(one, Connector(one, _WATCH)).run())
            for one in dict.fromkeys((url, direct_url))
        ]
        self._watches.append(asyncio.create_task(pool.end_long_waits()))

    @classmethod
    async def connect(
        cls, url: str, *, size: int = 10, direct_url: str | None = None, **options: Any
    ) -> Database:
        """Open the pool; connections are made when first needed, at most `size` of them.

        What has to be of one session (listening, the dispatcher) connects to `direct_url`.
        """
        connector = Connector(url, {"application_name": "privata", "jit": "off"}, LIMITS)
        made = cls(Pool(url, size, connector, **options), url, direct_url or url)
        try:
            await made.pool
            await made._recognise_pooler(connector)
        except BaseException:
            await made.close()
            raise
        return made

    async def _recognise_pooler(self, connector: Connector) -> None:
        async with self.pool.acquire() as connection:
            if await is_direct(connection):
                return
        pooler = await transaction_pooler(connector)
        if pooler is None:
            return
        if not pooler.keeps_statements:
            FORGETFUL.add(self.url)
            await self.pool.expire_connections()
        direct = self.direct_url != self.url
        if not direct:
            self._listener.give_up()
        for line in advice(pooler, direct=direct):
            log.warning(line)

    async def close(self) -> None:
        """Send what is pending, then close every connection; one that hangs is cut off."""
        await self._listener.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                if self._waker is not None:
                    await self._waker
                await self.pool.close()
        except (TimeoutError, asyncpg.InterfaceError):
            self.pool.terminate()
        finally:
            for watch in self._watches:
                watch.cancel()
            await asyncio.gather(*self._watches, return_exceptions=True)

    def listening(self, channel: str) -> AbstractAsyncContextManager[Wakeups]:
        """The wake-ups sent on a channel, for as long as the block runs: `Listener.subscribed`."""
        return self._listener.subscribed(channel)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on success, roll back on any exception, then send the wake-ups."""
        async with self.pool.acquire() as connection, connection.transaction():
            tx = Transaction(connection)
            yield tx
        for channel, payload in tx.wakeups:
            self.wake(channel, payload)

    def wake(self, channel: str, payload: str = "") -> None:
        """Send a wake-up soon; many at once become one statement."""
        self._pending.add((channel, payload))
        if self._waker is None or self._waker.done():
            self._waker = asyncio.get_running_loop().create_task(self._wake_pending())

    async def _wake_pending(self) -> None:
        while self._pending:
            batch = [self._pending.pop() for _ in range(min(len(self._pending), _WAKEUP_BATCH))]
            try:
                await self.pool.execute(
                    "SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS wakeups(c, p)",
                    [channel for channel, _ in batch],
                    [payload for _, payload in batch],
                )
            except Exception as error:
                if passing_fault(error) is None:
                    raise
                # A wake-up is lost, nothing else: every listener also polls slowly.
                FAULTS.note(passing_fault(error) or PassingFault.LOST, error, "wake-up not sent")
                return


async def _nothing_to_reset(connection: object) -> None:
    """We leave no state on a pooled connection (no SET but SET LOCAL, no session locks, no LISTEN),
    so the reset that the driver would send after each use is a round trip for nothing."""
