"""One connection of the dispatcher's own, opened again whenever it was lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg

from privata.infra.database.connecting import connect
from privata.infra.database.faults import FIRST_PAUSE_S, LAST_PAUSE_S, passing_fault

log = logging.getLogger(__name__)

#: Seconds for saying goodbye to the server.
CLOSE_S: Final = 0.5

#: Seconds a statement may take; a database that hangs is treated like one that is gone.
STATEMENT_TIMEOUT_S: Final = 30.0

#: A generic plan is made once and kept, whatever the statistics say at that moment: custom plans
#: of half-empty tables made throughput swing by a factor of three. Scans and sorts that would be
#: chosen on an empty table are ruled out where an index can do it, because the plan outlives the
#: emptiness.
SERVER_SETTINGS: Final = {
    "application_name": "privata-dispatcher",
    "timezone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
}


T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class ReconnectingConnection:
    """Runs one statement or transaction at a time and repeats it until the database has answered.

    For what may be repeated only: an answer that got lost may have been a success. `otherwise` is
    where the database is reached too, for when it cannot be at `url`.
    """

    def __init__(self, url: str, name: str, otherwise: str | None = None, **settings: str) -> None:
        self._urls = list(dict.fromkeys((url, otherwise or url)))
        self._name = name
        self._settings = SERVER_SETTINGS | settings
        self._connection: Connection | None = None
        #: When the last statement was sent, on the monotonic clock, in seconds.
        self.asked_at = 0.0

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """The rows of `query`; waits for a database that is away, however long.

        Raises what the database says against the statement itself (`asyncpg.PostgresError`).
        """
        return await self._repeat(lambda connection: connection.fetch(query, *args))

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` answers, in a transaction; all of it is done again when the database was
        away. Raises as `fetch` does.
        """

        async def whole(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self._repeat(whole)

    async def _repeat(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        pause = 0.0
        while True:
            try:
                connection = await self._open()
                self.asked_at = time.monotonic()
                answer = await work(connection)
            except Exception as error:
                if passing_fault(error) is None:
                    raise
                if not pause:
                    log.warning("%s: the database is away: %r", self._name, error)
                self.drop()
                pause = min(max(2 * pause, FIRST_PAUSE_S), LAST_PAUSE_S)
                await asyncio.sleep(pause)
                continue
            if pause:
                log.info("%s: the database is back", self._name)
            return answer

    async def close(self) -> None:
        """Give the connection back; a dead one is dropped."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=CLOSE_S)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.debug("%s: closed uncleanly: %r", self._name, error)
        self._connection = None

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            # The claim is longer than what the driver keeps prepared by itself (15 KB): it would
            # be planned anew each time, for twenty times what it takes. 0: whatever the length.
            try:
                self._connection = await connect(
                    self._urls[0],
                    self._settings,
                    command_timeout=STATEMENT_TIMEOUT_S,
                    max_cacheable_statement_size=0,
                )
            except Exception:
                self._urls.reverse()
                raise
        return self._connection

    def drop(self) -> None:
        """End the connection without a word to the server; a statement on it fails."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
