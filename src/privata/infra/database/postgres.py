"""The pool of connections, transactions, and wake-ups.

A **wake-up** tells whoever waits to look: `NOTIFY`, sent after the commit by one connection that
gathers what is pending. It carries no truth (a lost one costs a poll interval), so it need not be
in the transaction, where PostgreSQL would make every commit that notifies wait for the others.
See docs/decisions/0004.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from privata.infra.database.address import parse_address
from privata.infra.database.connecting import USUAL, arguments, connect
from privata.infra.faults import FAULTS, PassingFault, passing_fault

#: NOTIFY payloads have to stay below 8,000 bytes; ours are short, this bounds one statement.
_WAKEUP_BATCH = 500

#: Seconds a connection of libpq may take, unless the URL says otherwise.
CONNECT_TIMEOUT_S = 10

#: Seconds a statement may run on the request path before the database ends it.
STATEMENT_TIMEOUT_S = 30

#: Seconds a page waits for a connection of the pages' pool before it answers 503.
PAGE_WAIT_S = 5.0

#: Seconds the pages' pool tries to connect before it gives up. A later page begins anew, at once:
#: the pauses between the tries double, so a long row of them would outlast the trouble.
PAGE_RECONNECT_S = 5.0

#: Seconds after which the pages' pool closes one more connection that nobody has needed.
PAGE_IDLE_S = 60.0


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


class Database:
    """One pool on one database, with transactions and wake-ups."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], url: str) -> None:
        self.pool = pool
        self.url = url
        self._pending: set[tuple[str, str]] = set()
        self._waker: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, url: str, *, size: int = 10, **options: Any) -> Database:
        """Open the pool; connections are made when first needed, at most `size` of them."""
        pool = await asyncpg.create_pool(
            **arguments(url, application_name="privata", jit="off"),
            min_size=1,
            max_size=size,
            command_timeout=STATEMENT_TIMEOUT_S,
            reset=_nothing_to_reset,
            **options,
        )
        return cls(pool, url)

    async def close(self) -> None:
        """Send what is pending, then close every connection."""
        if self._waker is not None:
            await self._waker
        await self.pool.close()

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
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # A wake-up is lost, nothing else: every listener also polls slowly.
                FAULTS.note(passing_fault(error) or PassingFault.LOST, error, "wake-up not sent")
                return


async def _nothing_to_reset(connection: object) -> None:
    """We leave no state on a pooled connection (no SET but SET LOCAL, no session locks, no LISTEN),
    so the reset that the driver would send after each use is a round trip for nothing."""


@contextlib.asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[asyncio.Queue[str | None]]:
    """A queue of the payloads sent on `channel`; None once when the connection is lost.

    The queue is bounded by dropping: a waiter that is behind learns no more from another wake-up.
    """
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1000)

    def put(item: str | None) -> None:
        if queue.full():
            if item is not None:
                return
            queue.get_nowait()  # the news that the connection is gone must not be dropped
        queue.put_nowait(item)

    connection = await connect(url, {"application_name": "privata-wakeup"})
    connection.add_termination_listener(lambda _: put(None))
    try:
        await connection.add_listener(channel, lambda *args: put(str(args[3])))
        yield queue
    finally:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=2)


def conninfo(url: str) -> str:
    """The connection string of `psycopg.connect` for a PostgreSQL URL, as asyncpg is told it."""
    return " ".join(
        f"{name}='{value.translate(_QUOTED)}'" for name, value in _keywords(url).items()
    )


_QUOTED = str.maketrans({"'": "\\'", "\\": "\\\\"})


def _keywords(url: str) -> dict[str, str]:
    usual = {name: str(value) for name, value in USUAL.items()}
    return {"connect_timeout": str(CONNECT_TIMEOUT_S), **usual, **parse_address(url).libpq()}


def django_database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a PostgreSQL URL, unix sockets (`?host=/dir`) included."""
    said = _keywords(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{ours: said.pop(name, "") for ours, name in names.items()},
        "PORT": said.pop("port", ""),
        "OPTIONS": said,
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0,
    }


def pages_database(url: str, size: int) -> dict[str, Any]:
    """The same for the process that serves pages: at most `size` connections, shared by its pages.

    Each is tried before a page gets it, so that one the server closed is replaced unseen.
    """
    found = django_database(url)
    found["OPTIONS"] |= {
        "application_name": "privata-pages",
        "pool": {
            "name": "pages",
            "min_size": 0,
            "max_size": size,
            "timeout": PAGE_WAIT_S,
            "reconnect_timeout": PAGE_RECONNECT_S,
            "max_idle": PAGE_IDLE_S,
        },
    }
    return found
