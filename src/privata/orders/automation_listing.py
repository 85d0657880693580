"""Orders as the automation API lists them, always the actor's own."""

from __future__ import annotations

from typing import Any

from privata.core.clock import iso
from privata.core.cursors import Cursor, parse_cursor
from privata.core.errors import ValidationFailed
from privata.core.lifecycle import OrderStatus
from privata.core.money import format_amount
from privata.core.tenancy import Actor
from privata.infra.context import AppContext

_ORDERS = """
SELECT id AS order_id, partner_order_ref, status, provider, from_asset, from_network, to_asset,
       to_network, amount_from, amount_to_expected, amount_to_actual, created_at, updated_at
FROM order_facts
WHERE organization_id = $1 AND environment = $2 AND ($3 = '' OR status = $3)
  AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5))
ORDER BY created_at DESC, id DESC
LIMIT $6
"""

_AMOUNTS = ("amount_from", "amount_to_expected", "amount_to_actual")
_TIMES = ("created_at", "updated_at")


async def orders(
    ctx: AppContext, *, actor: Actor, status: str, cursor: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of orders, and the cursor behind it; `ValidationFailed` names a wrong parameter."""
    if status and status not in list(OrderStatus):
        raise ValidationFailed("Invalid status.", fields=[("status", "is not a known status")])
    older = parse_cursor(cursor) if cursor else None
    if cursor and older is None:
        raise ValidationFailed(
            "Invalid cursor.", fields=[("cursor", "is not a cursor from this list")]
        )
    rows = await ctx.database.pool.fetch(
        _ORDERS,
        actor.organization_id,
        actor.environment.value,
        status,
        None if older is None else older.at,
        None if older is None else older.id,
        limit + 1,
    )
    shown = [dict(row) for row in rows[:limit]]
    after = None
    if len(rows) > limit:
        last = shown[-1]
        after = Cursor(last["created_at"], last["order_id"]).encode()
    for one in shown:
        for name in _AMOUNTS:
            one[name] = None if one[name] is None else format_amount(one[name], 24)
        for name in _TIMES:
            one[name] = iso(one[name])
    return shown, after
