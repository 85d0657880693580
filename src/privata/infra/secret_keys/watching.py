"""A running process looks again and again whether its secret keys still fit the installation's.

A key may have become the first one elsewhere while this process was cut off from the database. It
would reject right API keys then, so it says so, and is not ready (`KeyWatch.problem`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final

import asyncpg

from privata.infra.database.postgres import Database
from privata.infra.sealing import KeyMark
from privata.infra.secret_keys import store
from privata.infra.secret_keys.rules import lacking

log = logging.getLogger(__name__)

#: Seconds between two looks.
LOOK_EVERY_S: Final = 10.0


class KeyWatch:
    """What a process knows of its secret keys; that they fit, until it has looked."""

    def __init__(self) -> None:
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Why this process must not get requests because of its keys, as one line; or None."""
        return self._problem

    @contextlib.asynccontextmanager
    async def watching(
        self, database: Database, marks: Sequence[KeyMark], source: str
    ) -> AsyncIterator[None]:
        """Look for as long as the block runs."""
        task = asyncio.create_task(self._go_on(database, marks, source))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self, database: Database, marks: Sequence[KeyMark], source: str) -> None:
        """Compare now; raises what the database driver raises."""
        problem = lacking(marks, await store.known_keys(database.pool), source)
        if problem is not None and self._problem is None:
            log.error("not ready: %s", problem)
        elif problem is None and self._problem is not None:
            log.warning("the secret keys fit again")
        self._problem = problem

    async def _go_on(self, database: Database, marks: Sequence[KeyMark], source: str) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look(database, marks, source)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # The database is away; the readiness check tells of that.
                log.debug("the secret keys were not compared: %s", error)
