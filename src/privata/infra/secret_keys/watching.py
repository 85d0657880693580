"""A running process says again and again which secret keys it has, and whether they still fit.

Others count on what it says: a key becomes the first one only when every process that runs has it.
A process that was cut off from the database for a minute counts no more. A new key may have become
the first one meanwhile, and the process would reject right API keys: it is not ready until it has
looked (`KeyWatch.problem`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import asyncpg

from privata.core.ids import new_id
from privata.infra.database.postgres import Database
from privata.infra.sealing import KeyMark
from privata.infra.secret_keys import store
from privata.infra.secret_keys.rules import LAPSED_S, lacking

log = logging.getLogger(__name__)

#: Seconds between two looks; several fit into the silence after which a process counts no more.
LOOK_EVERY_S: Final = 10.0

#: Seconds a process that stops spends at most on saying so.
LEAVE_S: Final = 2.0


class KeyWatch:
    """What a process knows of its secret keys; that they fit, until it has looked.

    `skew_s` tells by how many seconds the clock of its machine is ahead of the database's.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        skew_s: Callable[[], float] | None = None,
    ) -> None:
        self.id = new_id()
        self.label = f"{_program()} on {socket.gethostname()} (process {os.getpid()})"
        self._monotonic = monotonic
        self._skew_s = skew_s
        self._problem: str | None = None
        self._looked_at: float | None = None
        self._sealing: KeyMark | None = None

    @property
    def skew_ms(self) -> int | None:
        """The clock's skew, in milliseconds; None: nobody measures it here."""
        return None if self._skew_s is None else round(self._skew_s() * 1000)

    def seals_with(self, mark: KeyMark) -> bool:
        """Whether the installation seals with this key, as far as this process knows."""
        return self._sealing is None or self._sealing == mark

    def problem(self) -> str | None:
        """Why this process must not get requests because of its keys, as one line; or None."""
        if self._looked_at is not None and self._monotonic() - self._looked_at > LAPSED_S:
            return f"the secret keys were not compared with the database for {LAPSED_S:.0f} s"
        return self._problem

    @contextlib.asynccontextmanager
    async def watching(
        self, database: Database, marks: Sequence[KeyMark], source: str
    ) -> AsyncIterator[None]:
        """Look for as long as the block runs, and take leave afterwards."""
        self._looked_at = self._monotonic()
        task = asyncio.create_task(self._go_on(database, marks, source))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._looked_at = None
            await self._leave(database)

    async def look(self, database: Database, marks: Sequence[KeyMark], source: str) -> None:
        """Say that this process runs, and compare; raises what the database driver raises."""
        began = self._monotonic()
        async with database.transaction() as tx:
            if self._looked_at is None or began - self._looked_at > LAPSED_S / 2:
                # It may count as dead, and a key may become the first one right now: with the lock,
                # either that start sees this process or this process sees that key.
                await store.lock_keys(tx.connection)
            await store.beat(tx.connection, self.id, self.label, marks, self.skew_ms)
            known = await store.known_keys(tx.connection)
        problem, sealing = lacking(marks, known, source), store.sealing_key(known)
        self._sealing = None if sealing is None else sealing.mark
        if problem is not None and self._problem is None:
            log.error("not ready: %s", problem)
        elif problem is None and self._problem is not None:
            log.warning("the secret keys fit again")
        self._problem, self._looked_at = problem, began

    async def _go_on(self, database: Database, marks: Sequence[KeyMark], source: str) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look(database, marks, source)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # The database is away; the readiness check tells of that.
                log.debug("the secret keys were not compared: %s", error)

    async def _leave(self, database: Database) -> None:
        # A database that hangs must not keep the process from stopping.
        task = asyncio.create_task(store.leave(database.pool, self.id))
        done, _ = await asyncio.wait({task}, timeout=LEAVE_S)
        if not done:
            task.cancel()
        elif error := task.exception():
            log.debug("this process did not take leave: %s", error)


def _program() -> str:
    """Which of the programs this is, as it was typed."""
    return sys.argv[1] if len(sys.argv) > 1 else "privata"
