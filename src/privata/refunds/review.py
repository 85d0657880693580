"""The operator's decisions on orders that no rule can decide (docs/order-lifecycle.md)."""

from __future__ import annotations

from typing import Any, Final

from privata.audit import service as audit
from privata.core.errors import OrderNotFound, ValidationFailed
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.orders import service as orders
from privata.providers.port import Report
from privata.refunds import store

#: Where a decision may lead.
DECISIONS: Final = (OrderStatus.REFUNDED, OrderStatus.COMPLETED, OrderStatus.FAILED)

#: Orders that one list shows.
MOST: Final = 500

_MAX_HASH: Final = 128
_MAX_NOTE: Final = 256


async def orders_in_review(ctx: AppContext) -> list[store.InReview]:
    """Orders of every organization that wait for a decision, the oldest first, up to `MOST`."""
    return await store.orders_in_review(ctx.database.pool, MOST)


async def decide(
    ctx: AppContext,
    *,
    operator: str,
    order_id: str,
    to: OrderStatus,
    tx_hash: str | None = None,
    reason: FailedReason | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Move an order out of manual review; the order object as it is then.

    `tx_hash` is the transaction that paid, needed for `refunded`. `reason` and `note` are told to
    the partner when the order fails; the note is kept in the audit log in any case. `OrderNotFound`
    and `ValidationFailed` name what is wrong.
    """
    _check(to, tx_hash, reason, note)
    async with ctx.database.transaction() as tx:
        # Two operators at once take turns at the row: the second one finds the first's decision.
        row = await orders.lock_order(tx, order_id)
        if row is None:
            raise OrderNotFound("Order not found.")
        if row.status != OrderStatus.MANUAL_REVIEW:
            raise ValidationFailed(f"The order is {row.status}, not in manual_review.")
        failed = to is OrderStatus.FAILED
        report = Report(
            to,
            tx_out_hash=tx_hash,
            failed_reason=(reason or FailedReason.UNKNOWN) if failed else None,
            failed_message=note or None if failed else None,
        )
        await orders.enter(ctx, tx, row, report, source=orders.BY_OPERATOR)
        actor = Actor(
            ActorKind.OPERATOR,
            operator,
            operator,
            row.organization_id,
            Environment(row.environment),
        )
        status = audit.changed(row.status, to.value)
        changes = {"status": status, "tx_out_hash": tx_hash, "note": note}
        if failed:
            changes["failed_reason_code"] = (reason or FailedReason.UNKNOWN).value
        await audit.record(
            tx, actor=actor, action="order.decided", target=order_id, changes=changes
        )
    return await orders.get_order(ctx, actor=actor, order_id=order_id)


def _check(to: OrderStatus, tx_hash: str | None, reason: FailedReason | None, note: str) -> None:
    if to not in DECISIONS:
        raise ValidationFailed(f"The new status must be one of {', '.join(DECISIONS)}.")
    if to is OrderStatus.REFUNDED and not tx_hash:
        raise ValidationFailed("A refunded order requires the transaction of its refund.")
    if to is OrderStatus.FAILED and tx_hash:
        raise ValidationFailed("A failed order cannot have a transaction.")
    if tx_hash and not (len(tx_hash) <= _MAX_HASH and tx_hash.isascii() and tx_hash.isprintable()):
        raise ValidationFailed(f"A transaction can have at most {_MAX_HASH} printable characters.")
    if to is not OrderStatus.FAILED and reason is not None:
        raise ValidationFailed("Only a failed order can have a reason.")
    if len(note) > _MAX_NOTE or not (note.isprintable() or not note):
        raise ValidationFailed(f"A note can have at most {_MAX_NOTE} characters on one line.")
