"""Watches where the database is: says when it was restored, and lets a harmless failover pass."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

import asyncpg

from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.generation import Generation

log = logging.getLogger(__name__)

#: Seconds between two looks; less than `generation.SETTLING_S`, in which a failover is judged.
LOOK_EVERY_S: Final = 2.0

#: Who confirms a failover that lost nothing.
BY_WITNESS: Final = "PRIVATA_FAILOVER_LOSES_NOTHING"

# How far the log reaches, and, of a server that was a standby, up to where it had read it when it
# was promoted. Bytes. What is flushed would be too little: where commits do not wait for that
# (`synchronous_commit = off`), a restore could lose some of them and still reach it.
_LOG: Final = """
SELECT (CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END
        - '0/0'::pg_lsn)::bigint,
       (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint
"""


class Witness:
    """What one worker has seen of the database, to judge by it what comes after.

    A restore to a moment looks like a failover: the timeline alone is new. What tells them apart is
    where the old log was left. A standby that has every acknowledged commit was promoted behind all
    that we saw of the log; a restore stops before it.
    """

    def __init__(self, *, failover_loses_nothing: bool) -> None:
        self._lenient = failover_loses_nothing
        self._mark: str | None = None
        #: How far the log was at the last look, and at the one before: the last may have been ahead
        #: of a standby by what no commit waits for.
        self._last: int | None = None
        self._before: int | None = None

    def look(self, found: Generation, written: int | None, promoted_at: int | None) -> bool:
        """Whether a move that was found is a failover in which nothing was lost."""
        if found.moved is None:
            if found.mark != self._mark:
                self._mark, self._last = found.mark, None
            self._before, self._last = self._last, written
            return False
        seen = self._before
        return (
            self._lenient
            and found.failed_over
            and found.mark == self._mark
            and seen is not None
            and promoted_at is not None
            and promoted_at >= seen
        )


async def _log(connection: generation.Connection) -> tuple[int | None, int | None]:
    """What `_LOG` says; nothing where a managed service does not tell."""
    with contextlib.suppress(
        asyncpg.InsufficientPrivilegeError,
        asyncpg.FeatureNotSupportedError,
        asyncpg.ObjectNotInPrerequisiteStateError,
    ):
        row = await connection.fetchrow(_LOG)
        assert row is not None  # it has no FROM
        return row[0], row[1]
    return None, None


async def watch_generation(ctx: AppContext) -> None:
    """Note each move of the database, and say once what it means; until cancelled."""
    witness = Witness(failover_loses_nothing=ctx.settings.failover_loses_nothing)
    said: str | None = None
    while True:
        async with ctx.database.pool.acquire() as connection:
            found = await generation.look(connection)
            written, promoted_at = await _log(connection)
        if witness.look(found, written, promoted_at):
            await generation.keep(ctx.database, found, by=BY_WITNESS)
            log.warning("a standby took over (%s); nothing was lost", found.moved)
        elif not found.confirmed:
            noted = await generation.note(ctx.database)
            if noted.mark != said and not noted.confirmed:
                log.error("%s", found.warning)
            said = noted.mark
        await asyncio.sleep(LOOK_EVERY_S)
