"""Whether the database answers, looked at in the background: who asks costs no query.

The look has a connection of its own, so that a pool whose connections all hang says nothing about
the database, and a hanging look takes none from the requests. It is cut off after its deadline by
closing the connection: to cancel a statement one needs a server that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from privata.infra.database.connecting import connect

log = logging.getLogger(__name__)

#: What is told is at most this old, seconds; older counts as not ready, whatever it was.
MOST_AGE_S: Final = 5.0

_LOOKED: Final = "SELECT 1"


@dataclass(frozen=True, slots=True)
class LookPace:
    """Seconds between two looks, and how long one may take.

    Together less than `MOST_AGE_S`, or a database that answers would count as one that does not.
    """

    every_s: float = 2.0
    deadline_s: float = 2.0


class Readiness:
    """What is known of the database at `url`; nothing at first, which is not ready.

    `came_back` is called each time the database answers again; it must not wait nor raise.
    """

    def __init__(
        self,
        url: str,
        pace: LookPace = LookPace(),  # it is frozen
        monotonic: Callable[[], float] = time.monotonic,
        came_back: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._pace = pace
        self._monotonic = monotonic
        self._came_back = came_back
        self._answered = False
        self._looked_at = 0.0
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def ready(self) -> bool:
        """Whether the last look found a database that answers, and is not too old."""
        return self._answered and self._monotonic() - self._looked_at <= MOST_AGE_S

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look once, then go on looking for as long as the block runs."""
        await self.look()
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._hang_up()

    async def look(self) -> None:
        """Look now, and keep what was seen; raises nothing, and never takes much longer than the
        deadline."""
        began = self._monotonic()
        problem = await self._problem()
        if problem is not None:
            self._hang_up()
            if self._answered or self._looked_at == 0.0:
                log.warning("not ready: %s", problem)
        elif not self._answered and self._looked_at:
            log.warning("ready again: the database answers")
            if self._came_back is not None:
                self._came_back()
        # The age counts from the beginning: that is when what was seen was true.
        self._answered, self._looked_at = problem is None, began

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._pace.every_s)
            await self.look()

    async def _problem(self) -> str | None:
        task = asyncio.create_task(self._asked())
        try:
            done, _ = await asyncio.wait({task}, timeout=self._pace.deadline_s)
        except asyncio.CancelledError:
            self._hang_up()
            task.cancel()
            raise
        if not done:
            self._hang_up()  # ends a statement; a connection that is being made is cancelled
            task.cancel()
            return "the database is too slow"
        error = task.exception()
        return None if error is None else str(error) or type(error).__name__

    async def _asked(self) -> None:
        if self._connection is None or self._connection.is_closed():
            # The deadline of the look is ours, whatever `connect_timeout` the URL has.
            self._connection = await connect(self._url, {"application_name": "privata-ready"})
        await self._connection.fetchval(_LOOKED)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
