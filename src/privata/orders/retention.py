"""Orders that are past their time (SPEC 25): found, told whole for the archive, and removed.

Which rooms still need an order is asked by the caller, who knows them all; here it is whether the
order itself is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from privata.core.lifecycle import TERMINAL
from privata.infra.database.postgres import Transaction
from privata.orders.states import LateState

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # not generic at run time

# By their ids, which are in time order. Another worker's are left to it. An order that is over is
# written by nobody, so locking it holds up nobody.
_OLD: Final = """
SELECT o.id, o.organization_id, o.created_at,
       o.status = ANY ($4::text[]) AND o.late_state IS DISTINCT FROM $5 AS over,
       jsonb_build_object(
           'order', to_jsonb(o) - 'provider_secret',
           'timeline', (
               SELECT jsonb_agg(to_jsonb(t) - ARRAY['organization_id', 'order_id'] ORDER BY t.seq)
               FROM order_timeline AS t
               WHERE t.organization_id = o.organization_id AND t.order_id = o.id),
           'ignored_reports', (
               SELECT jsonb_agg(to_jsonb(r) - ARRAY['organization_id', 'order_id']
                                ORDER BY r.first_at)
               FROM order_ignored_report AS r
               WHERE r.organization_id = o.organization_id AND r.order_id = o.id))::text AS whole
FROM orders AS o
WHERE o.id > $1 AND o.id < 'prv-' || id_floor($2) AND o.created_at < $2
ORDER BY o.id LIMIT $3
FOR UPDATE OF o SKIP LOCKED
"""

_FORGET_TIMELINE: Final = """
DELETE FROM order_timeline AS t USING unnest($1::uuid[], $2::text[]) AS gone (organization_id, id)
WHERE t.organization_id = gone.organization_id AND t.order_id = gone.id
"""

_FORGET_REPORTS: Final = """
DELETE FROM order_ignored_report AS r
USING unnest($1::uuid[], $2::text[]) AS gone (organization_id, id)
WHERE r.organization_id = gone.organization_id AND r.order_id = gone.id
"""

_FORGET: Final = """
DELETE FROM orders AS o USING unnest($1::uuid[], $2::text[]) AS gone (organization_id, id)
WHERE o.organization_id = gone.organization_id AND o.id = gone.id
"""

_LEFT: Final = """
SELECT count(*)::int FROM orders WHERE id < 'prv-' || id_floor($1) AND created_at < $1
"""


class OldOrder(msgspec.Struct, frozen=True):
    """An order that is past its time; `whole` is all that this room knows of it, as JSON.

    `over`: it has ended, and nobody is looking at a late deposit.
    """

    id: str
    organization_id: UUID
    created_at: datetime
    over: bool
    whole: str


async def old_orders(
    tx: Transaction, *, after: str, before: datetime, limit: int
) -> list[OldOrder]:
    """Orders made before then whose ids follow `after`, locked; those of others are left out."""
    rows = await tx.connection.fetch(
        _OLD,
        after,
        before,
        limit,
        sorted(status.value for status in TERMINAL),
        LateState.SEEN.value,
    )
    return [OldOrder(*row) for row in rows]


async def forget_orders(tx: Transaction, orders: Sequence[OldOrder]) -> None:
    """Remove them with their timelines; what other rooms have of them has to be gone."""
    gone = ([order.organization_id for order in orders], [order.id for order in orders])
    await tx.connection.execute(_FORGET_TIMELINE, *gone)
    await tx.connection.execute(_FORGET_REPORTS, *gone)
    await tx.connection.execute(_FORGET, *gone)


async def orders_left(pool: Pool, before: datetime) -> int:
    """How many orders made before then are there."""
    found: int = await pool.fetchval(_LEFT, before)
    return found
