"""Whether the database is the one that it was: its generation (decision 0039).

A database that was restored, or taken over by a standby, may have forgotten what it once
acknowledged, and nothing in its tables can tell. What tells is outside of them: the identifier of
the server's data directory, the timeline of its log, and the number of the database. The table
`database_generation` keeps where the database was; where that is not where it is, a new generation
begins, **unconfirmed** until the operator has said so (`privata restored`). Live payouts wait
meanwhile, and cursors of the feed that carry another generation are refused.

What cannot be read, or was not known when the row was written, is not compared.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from privata.core.errors import DatabaseSettling, DatabaseUnconfirmed
from privata.infra.database.postgres import Database, Transaction
from privata.infra.readiness import Check
from privata.infra.settings import Settings

Connection: TypeAlias = (
    "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
)

#: The guide that an operator is sent to.
GUIDE: Final = "docs/backup.md"

#: The generation before the first row: an installation that has not started yet.
FIRST: Final = 1
_FIRST_MARK: Final = "00000000"

#: Who confirms the first generation: there is nothing to compare it with.
BY_FIRST_START: Final = "first start"

#: When somebody who was put off may ask again, seconds: an operator has to act first.
RETRY_AFTER_S: Final = 600

#: In which time a worker has found out whether a failover lost anything, seconds.
SETTLING_S: Final = 5

#: How often a running program asks for its warning, seconds.
WARNED_EVERY_S: Final = 10.0

#: Any constant will do; it names the lock under which a generation begins, in this database.
_LOCK_KEY: Final = 0x5052_4957

_LOOK: Final = """
SELECT here.system_identifier, here.timeline, here.database_oid,
       last.generation, last.mark, last.confirmed_by,
       last.system_identifier AS was_system_identifier, last.timeline AS was_timeline,
       last.database_oid AS was_database_oid
FROM database_identity() AS here LEFT JOIN LATERAL (
    SELECT * FROM database_generation ORDER BY id DESC LIMIT 1
) AS last ON true
"""

_INSERT: Final = """
INSERT INTO database_generation (generation, mark, system_identifier, timeline, database_oid,
                                 confirmed_by)
VALUES ($1, $2, $3, $4, $5, $6)
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a database is; None is what its server does not tell."""

    system_identifier: str | None
    timeline: int | None
    database_oid: int | None


@dataclass(frozen=True, slots=True)
class Generation:
    """The generation that the database is in, and whether an operator has confirmed it.

    `moved` says what is different from where the database was last, before that is noted.
    """

    number: int
    mark: str
    confirmed: bool
    here: Identity
    was: Identity | None
    moved: str | None

    @property
    def failed_over(self) -> bool:
        """Whether the timeline alone is new: what a promoted standby looks like, and also a
        restore to a moment."""
        return (
            self.moved is not None
            and self.was is not None
            and self.here.system_identifier == self.was.system_identifier
            and self.here.database_oid == self.was.database_oid
        )

    @property
    def warning(self) -> str | None:
        """What is wrong and what to do, in a sentence; None where all is well."""
        if self.confirmed:
            return None
        why = self.moved or "it was restored or failed over"
        return (
            f"The database is not confirmed ({why}): live payouts are on hold."
            f" Run `privata restored` ({GUIDE})."
        )


async def look(connection: Connection) -> Generation:
    """The generation of the database behind this connection; writes nothing."""
    row = await connection.fetchrow(_LOOK)
    assert row is not None  # the function always has a row
    here = Identity(row["system_identifier"], row["timeline"], row["database_oid"])
    if row["generation"] is None:
        return Generation(FIRST, _FIRST_MARK, confirmed=True, here=here, was=None, moved=None)
    was = Identity(row["was_system_identifier"], row["was_timeline"], row["was_database_oid"])
    moved = moved_words(was, here)
    confirmed = moved is None and row["confirmed_by"] is not None
    return Generation(row["generation"], row["mark"], confirmed, here, was, moved)


def generation_warning() -> Check:
    """What `/readyz` warns of: a database that nobody has confirmed."""

    async def ask(connection: Connection) -> str | None:
        return (await look(connection)).warning

    return Check("generation", ask, WARNED_EVERY_S)


def moved_words(was: Identity, here: Identity) -> str | None:
    """What is different between two places that are known, in words; None: nothing."""
    pairs = (
        ("system identifier", was.system_identifier, here.system_identifier),
        ("database number", was.database_oid, here.database_oid),
        ("timeline", was.timeline, here.timeline),
    )
    for name, old, new in pairs:
        if None not in (old, new) and old != new:
            return f"its {name} was {old} and is {new}"
    return None


async def refuse_unconfirmed(tx: Transaction) -> None:
    """`DatabaseUnconfirmed` while nobody has said that the database has forgotten no payout.

    Asked on the connection of the transaction: what commits there commits on the server that was
    asked.
    """
    found = await look(tx.connection)
    if not found.confirmed:
        raise DatabaseUnconfirmed(
            "Payouts are on hold while we check our records after a database recovery. Try again"
            " later with the same Idempotency-Key.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )


async def note(database: Database) -> Generation:
    """The generation, after a move was noted as the beginning of a new one.

    The first generation of all is confirmed by the first start. Any number of processes may: they
    take turns, and the first one begins it.
    """
    async with database.pool.acquire() as connection:
        found = await look(connection)
        if found.moved is None and found.was is not None:
            return found
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
            found = await look(connection)
            if found.was is None:
                await _write(connection, FIRST, _FIRST_MARK, found.here, BY_FIRST_START)
            elif found.moved is not None:
                # Drawn, not counted: a restore forgets the numbers of generations too.
                await _write(connection, found.number + 1, secrets.token_hex(4), found.here, None)
            return await look(connection)


async def settle(database: Database, settings: Settings) -> None:
    """Note a move (`note`), unless the worker may find that nothing was lost.

    `DatabaseSettling` until it has.
    """
    async with database.pool.acquire() as connection:
        found = await look(connection)
    if settings.failover_loses_nothing and found.failed_over:
        raise DatabaseSettling(
            "The service is restarting. Try again shortly.",
            headers={"Retry-After": str(SETTLING_S)},
        )
    await note(database)


async def confirm(database: Database, *, by: str, anew: bool) -> Generation:
    """Say that the database has forgotten nothing that it still has to know.

    With `anew` a new generation begins, so that every cursor is refused once: after a restore that
    the server's identity does not show (a snapshot of its disk).
    """
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        found = await look(connection)
        number, mark = found.number, found.mark
        if anew or found.moved is not None:
            number, mark = number + 1, secrets.token_hex(4)
        await _write(connection, number, mark, found.here, by)
        return await look(connection)


async def keep(database: Database, found: Generation, *, by: str) -> None:
    """Go on with a generation at the place where the database is now: nothing was lost there.

    Does nothing if the database has moved on since `found`.
    """
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        if await look(connection) == found:
            await _write(connection, found.number, found.mark, found.here, by)


async def _write(
    connection: Connection, number: int, mark: str, here: Identity, by: str | None
) -> None:
    await connection.execute(
        _INSERT,
        number,
        mark,
        here.system_identifier,
        here.timeline,
        here.database_oid,
        None if by is None else by[:254],
    )
