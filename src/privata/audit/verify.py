"""Walking the chains of the audit log: `privata audit verify`, and the verification on the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from privata.audit.chain import FIELDS, PLATFORM, Break, Link, Mark, Run, Walk
from privata.audit.checkpoints import seal_holds
from privata.infra.context import AppContext

#: Entries read at once.
PAGE = 2000

_CHAINS = """
SELECT chain FROM audit_head
UNION SELECT chain FROM audit_checkpoint
UNION SELECT chain FROM audit_archived_run
UNION SELECT DISTINCT coalesce(organization_id, '00000000-0000-0000-0000-000000000000')
FROM audit_entry
ORDER BY 1
"""

# Each field as the text that was hashed: the database renders times, addresses and JSON.
COLUMNS = """
    id, seq, previous_hash, hash,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, environment,
    actor_kind, actor_id, actor_label, action, target, host(ip) AS ip, user_agent, session,
    changes::text AS changes
"""

_OF = {True: "organization_id IS NULL AND $1::uuid IS NOT NULL", False: "organization_id = $1"}


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of one chain. `organization_id` is None for the platform's own."""

    organization_id: UUID | None
    entries: int
    last_seq: int
    broken: Break | None


async def verify(ctx: AppContext, *, organization_id: UUID | None = None) -> list[Verification]:
    """Walk the chain of one organization, or every chain there is."""
    if organization_id is not None:
        return [await verify_chain(ctx, organization_id)]
    chains = await ctx.database.pool.fetch(_CHAINS)
    return [await verify_chain(ctx, row["chain"]) for row in chains]


async def verify_chain(ctx: AppContext, chain: UUID) -> Verification:
    """Walk one chain in one snapshot, so that entries that come meanwhile do not disturb."""
    async with (
        ctx.database.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        head = await connection.fetchrow("SELECT seq, hash FROM audit_head WHERE chain = $1", chain)
        checkpoints = await connection.fetch(
            "SELECT seq, hash, seal FROM audit_checkpoint WHERE chain = $1 ORDER BY seq", chain
        )
        runs = await connection.fetch(
            "SELECT first_seq, last_seq, previous_hash, hash FROM audit_archived_run"
            " WHERE chain = $1",
            chain,
        )
        walk = Walk(
            chain,
            [Run(**run) for run in runs],
            [Mark(row["seq"], row["hash"]) for row in checkpoints],
        )
        forged = next((row for row in checkpoints if not seal_holds(ctx, chain, row)), None)
        broken = await _follow(connection, walk)
        if broken is None:
            broken = walk.finish(None if head is None else Mark(head["seq"], head["hash"]))
    if broken is None and forged is not None:
        broken = Break(forged["seq"], "the seal of a checkpoint is invalid")
    return Verification(None if chain == PLATFORM else chain, walk.entries, walk.last.seq, broken)


async def _follow(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], walk: Walk
) -> Break | None:
    async for row in _entries(connection, walk.chain):
        link = Link(
            row["seq"], row["previous_hash"], row["hash"], tuple(row[name] for name in FIELDS)
        )
        broken = walk.step(link)
        if broken is not None:
            return broken
    return None


async def _entries(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], chain: UUID
) -> AsyncIterator[asyncpg.Record]:
    """The chain's entries by number; two with the same one come one after the other."""
    statement = f"""
        SELECT {COLUMNS} FROM audit_entry
        WHERE {_OF[chain == PLATFORM]} AND (seq, id) > ($2, $3)
        ORDER BY seq, id LIMIT {PAGE}
    """  # noqa: S608 - constants of this module
    last = (-(2**62), 0)
    while rows := await connection.fetch(statement, chain, *last):
        for row in rows:
            yield row
        last = (rows[-1]["seq"], rows[-1]["id"])
