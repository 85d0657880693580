"""SQL of late deposits: columns of their expired order."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import asyncpg

from privata.infra.database.postgres import Transaction
from privata.infra.database.rows import reader
from privata.orders.rows import Order, order_row
from privata.orders.states import LateState


class OpenLate(Order, frozen=True):
    """An order with a late deposit that nobody has closed, for the operator."""

    #: The organization's name.
    organization: str = ""


_open_late = reader(OpenLate)

# Forward only: nothing, seen, one of the ends. What is closed is not asked about any more.
_MOVE: Final = """
UPDATE orders
SET late_state = $2::text, late_seen_at = coalesce(late_seen_at, $3),
    late_finished_at = CASE WHEN $2::text <> 'seen' THEN $3::timestamptz END,
    late_note = coalesce($4, late_note), tx_in_hash = coalesce($5, tx_in_hash),
    tx_out_hash = coalesce($6, tx_out_hash), updated_at = $3,
    poll_at = CASE WHEN $2::text = 'seen' THEN poll_at END
WHERE id = $1 AND organization_id = $7 AND status = 'expired'
  AND (late_state IS NULL OR (late_state = 'seen' AND $2::text <> 'seen'))
RETURNING *
"""

_OPEN: Final = """
SELECT o.*, p.name AS organization FROM orders AS o JOIN shared_organization AS p
  ON p.id = o.organization_id
WHERE o.late_state = 'seen'
ORDER BY o.late_seen_at, o.id LIMIT $1
"""


async def move_late(
    tx: Transaction,
    order: Order,
    to: LateState,
    *,
    now: datetime,
    tx_in_hash: str | None,
    tx_out_hash: str | None,
    note: str | None = None,
) -> Order | None:
    """Enter a state of an order's late deposit; None where that would be no step forward."""
    row = await tx.connection.fetchrow(
        _MOVE, order.id, to.value, now, note, tx_in_hash, tx_out_hash, order.organization_id
    )
    return None if row is None else order_row(row)


async def open_late(pool: asyncpg.Pool[asyncpg.Record], limit: int) -> list[OpenLate]:
    """Late deposits that are seen and not closed, with the organization's name."""
    return [_open_late(row) for row in await pool.fetch(_OPEN, limit)]
