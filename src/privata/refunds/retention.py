"""Refunds of orders that are past their time: told for the archive, and removed with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from privata.infra.database.postgres import Transaction
from privata.refunds.rules import RefundState

_OF_ORDERS: Final = """
SELECT r.order_id, r.state <> ALL ($3::text[]) AS over,
       (to_jsonb(r) - ARRAY['organization_id', 'order_id', 'lease_token'])::text AS whole
FROM refund AS r
JOIN unnest($1::uuid[], $2::text[]) AS wanted (organization_id, id)
  ON r.organization_id = wanted.organization_id AND r.order_id = wanted.id
"""

_FORGET: Final = """
DELETE FROM refund AS r USING unnest($1::uuid[], $2::text[]) AS gone (organization_id, id)
WHERE r.organization_id = gone.organization_id AND r.order_id = gone.id
"""

_WORKING: Final = [RefundState.REQUESTED.value, RefundState.PROCESSING.value]


async def refunds_of(
    tx: Transaction, organizations: Sequence[UUID], orders: Sequence[str]
) -> dict[str, tuple[bool, str]]:
    """By the order's id: whether its refund is over, and all that is known of it, as JSON.

    The caller holds the orders, so no refund begins meanwhile.
    """
    rows = await tx.connection.fetch(_OF_ORDERS, organizations, orders, _WORKING)
    return {row["order_id"]: (row["over"], row["whole"]) for row in rows}


async def forget_refunds(
    tx: Transaction, organizations: Sequence[UUID], orders: Sequence[str]
) -> None:
    """Remove the refunds of these orders."""
    await tx.connection.execute(_FORGET, organizations, orders)
