"""Deliveries of events that are past their time: what still waits holds them back, the rest goes.

`retention` removes what arrived long before; here it is what was given up, which could be sent
again as long as there was an event to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.infra.database.postgres import Transaction

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # not generic at run time

#: The numbers of events end here with a month, $1.
_ENDS: Final = "number_floor(($1::date + interval '1 month') AT TIME ZONE 'UTC')"

_WAITING_ORDERS: Final = """
SELECT DISTINCT wanted.id
FROM unnest($1::uuid[], $2::text[]) AS wanted (organization_id, id)
JOIN shared_event_key AS k
  ON k.organization_id = wanted.organization_id
 AND k.id BETWEEN key_floor(wanted.id) AND key_ceiling(wanted.id)
JOIN webhook_endpoint AS e ON e.organization_id = wanted.organization_id AND e.deleted_at IS NULL
JOIN webhook_due AS d
  ON d.organization_id = k.organization_id AND d.endpoint_id = e.id AND d.event_seq = k.seq
 AND d.order_id = wanted.id
"""

_WAITING: Final = f"""
SELECT count(*)::int FROM webhook_due AS d
JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
WHERE d.event_seq < {_ENDS} AND e.deleted_at IS NULL
"""  # noqa: S608  # a constant

_FORGET_CANCELLED: Final = f"""
DELETE FROM webhook_due WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM webhook_endpoint AS e
    JOIN webhook_due AS d ON d.organization_id = e.organization_id AND d.endpoint_id = e.id
    WHERE e.deleted_at IS NOT NULL AND d.event_seq < {_ENDS}
    LIMIT $2 FOR UPDATE OF d SKIP LOCKED))
"""  # noqa: S608
_FORGET: Final = f"""
DELETE FROM webhook_delivery WHERE (organization_id, environment, id) IN (
    SELECT d.organization_id, d.environment, d.id FROM webhook_delivery AS d
    WHERE d.event_seq < {_ENDS}
    LIMIT $2 FOR UPDATE OF d SKIP LOCKED)
"""  # noqa: S608


async def orders_waited_for(
    tx: Transaction, organizations: Sequence[UUID], orders: Sequence[str]
) -> set[str]:
    """Those of the orders of which an endpoint still waits for a delivery."""
    rows = await tx.connection.fetch(_WAITING_ORDERS, organizations, orders)
    return {row["id"] for row in rows}


async def waiting_up_to(pool: Pool, month: date) -> int:
    """How many deliveries still wait of events up to the end of the month that begins then."""
    found: int = await pool.fetchval(_WAITING, month)
    return found


async def forget_up_to(pool: Pool, month: date, limit: int) -> int:
    """Remove deliveries of those events that wait no more; how many."""
    cancelled: str = await pool.execute(_FORGET_CANCELLED, month, limit)
    finished: str = await pool.execute(_FORGET, month, limit)
    return sum(int(done.rpartition(" ")[2]) for done in (cancelled, finished))
