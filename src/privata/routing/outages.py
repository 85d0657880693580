"""Outages as facts: noted by whichever process finds one, told once by a worker.

Processes have breakers of their own and disagree for a while. An outage that ended a moment ago
goes on when another process finds the provider down, so that partners are told once of each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.ids import new_id
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.routing.rows import Outage, outage_row

#: An outage that begins so soon after the last one is the same.
SAME_WITHIN: Final = timedelta(minutes=5)

#: An outage of which nobody has seen anything for so long is over: whoever noted it may be gone.
FORGOTTEN_AFTER: Final = timedelta(minutes=10)

_DOWN: Final = """
WITH again AS (
    UPDATE provider_outage SET ended_at = NULL, seen_at = now()
    WHERE id = (SELECT id FROM provider_outage WHERE provider_id = $2
                AND (ended_at IS NULL OR ended_at > now() - $4::interval)
                ORDER BY began_at DESC LIMIT 1)
    RETURNING id
)
INSERT INTO provider_outage (id, provider_id, fault)
SELECT $1, name, $3 FROM provider WHERE name = $2 AND NOT EXISTS (SELECT FROM again)
ON CONFLICT (provider_id) WHERE ended_at IS NULL DO NOTHING
"""

_UP: Final = """
UPDATE provider_outage SET ended_at = now()
WHERE provider_id = $1 AND ended_at IS NULL AND seen_at <= now() - $2::interval
"""

_UNTOLD: Final = """
SELECT id, provider_id AS provider, fault, began_at, ended_at, told_after FROM provider_outage
WHERE told_at IS NULL ORDER BY began_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""

_TOLD: Final = """
UPDATE provider_outage
SET told_after = coalesce($2, told_after), told_at = CASE WHEN $3 THEN now() END
WHERE id = $1
"""

# Workers skip each other's. An outage that lasts stays.
_FORGET: Final = """
DELETE FROM provider_outage WHERE id = ANY (ARRAY(
    SELECT id FROM provider_outage WHERE ended_at < now() - $1::interval
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""

#: How long outages are kept after their end.
KEPT: Final = timedelta(days=90)


async def note_down(ctx: AppContext, provider: str, fault: str) -> None:
    """The provider does not answer; again is the same outage."""
    ident = new_id(ctx.clock.now())
    await ctx.database.pool.execute(_DOWN, ident, provider, fault, SAME_WITHIN)


async def note_up(ctx: AppContext, provider: str, *, unseen: timedelta = timedelta(0)) -> None:
    """It answers again; `unseen`: only if no failure was noted for so long."""
    await ctx.database.pool.execute(_UP, provider, unseen)


async def claim_untold(tx: Transaction) -> Outage | None:
    """An outage of which not all partners were told, held by this transaction."""
    row = await tx.connection.fetchrow(_UNTOLD)
    return None if row is None else outage_row(row)


async def note_told(tx: Transaction, outage: Outage, last: UUID | None, *, all_told: bool) -> None:
    """Remember how far the telling has come: up to the organization `last`."""
    await tx.connection.execute(_TOLD, outage.id, last, all_told)


async def forget_outages(pool: asyncpg.Pool[asyncpg.Record], limit: int) -> int:
    """Remove outages that ended long ago, `limit` at most; how many."""
    return int((await pool.execute(_FORGET, KEPT, limit)).rpartition(" ")[2])
