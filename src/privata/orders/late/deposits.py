"""Deposits that come after their order has expired (decision 0024).

The order stays expired: that is final. What came late is a fact beside it, with a state of its own
that goes forward only, and each step of it is told to the partner's people on the ops channel.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from privata.audit import service as audit
from privata.core.errors import OrderNotFound, ValidationFailed
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Actor, ActorKind, Environment, system_actor
from privata.events.ops_events import late_deposit, publish_ops
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.settings import Settings
from privata.orders import store
from privata.orders.late import store as late_store
from privata.orders.rows import Order, WholeOrder
from privata.orders.states import LATE_ENDS, LateState
from privata.providers.port import Report

#: Late deposits of one list.
MOST: Final = 500

MAX_NOTE: Final = 256
_MAX_HASH: Final = 128

#: The part of the platform that notes what a provider reports, as the audit log names it.
WATCH: Final = "late deposits"

_S = OrderStatus


def late_state(report: Report) -> LateState | None:
    """What a report about an expired order says of a late deposit; None: there is none."""
    if report.status in (_S.WAITING_DEPOSIT, _S.EXPIRED):
        return None
    if report.status is _S.FAILED:
        # Most fail without any deposit; one with it has to be looked at by a person.
        return LateState.SEEN if report.tx_in_hash else None
    ends = {_S.COMPLETED: LateState.SWAPPED, _S.REFUNDED: LateState.REFUNDED}
    return ends.get(report.status, LateState.SEEN)


def watch_until(
    settings: Settings, row: WholeOrder, found: LateState | None, now: datetime
) -> datetime | None:
    """How long the provider of an expired order is asked; None when there is nothing to ask.

    `found` is what it has just said. A deposit that was seen is followed as long again.
    """
    if settings.late_deposit_days == 0 or found in LATE_ENDS or row.late_state in LATE_ENDS:
        return None
    begin = row.late_seen_at or (row.expires_at if found is None else now)
    return max(begin, row.expires_at) + timedelta(days=settings.late_deposit_days)


async def note_late(
    tx: Transaction, row: WholeOrder, report: Report, found: LateState, now: datetime
) -> None:
    """Note what a provider reports, once for each state; the order's row is locked."""
    moved = await late_store.move_late(
        tx, row, found, now=now, tx_in_hash=report.tx_in_hash, tx_out_hash=report.tx_out_hash
    )
    if moved is None:
        return
    environment = Environment(row.environment)
    actor = system_actor(row.organization_id, environment, WATCH)
    await _tell(tx, actor, moved, now)


async def late_deposits(ctx: AppContext) -> list[late_store.OpenLate]:
    """Late deposits of every organization that nobody has closed, the oldest first."""
    return await late_store.open_late(ctx.database.pool, MOST)


async def note_by_hand(
    ctx: AppContext, *, operator: str, order_id: str, tx_hash: str, note: str = ""
) -> Order:
    """Note a late deposit that the operator has heard of, `tx_hash` being the deposit.

    `OrderNotFound`; `ValidationFailed` for an order that is not expired, or has one noted already.
    """
    return await _by_hand(ctx, operator, order_id, LateState.SEEN, tx_in=tx_hash, note=note)


async def close_late(
    ctx: AppContext,
    *,
    operator: str,
    order_id: str,
    to: LateState,
    tx_hash: str | None = None,
    note: str = "",
) -> Order:
    """Say what became of a late deposit; told to the partner with the note.

    `tx_hash` is the transaction that paid, needed for `swapped` and `refunded`. `OrderNotFound`;
    `ValidationFailed` for an order without an open late deposit, and for what does not fit.
    """
    if to not in LATE_ENDS:
        raise ValidationFailed(f"The outcome must be one of {', '.join(sorted(LATE_ENDS))}.")
    if (to is LateState.CLOSED) is bool(tx_hash):
        raise ValidationFailed(
            "A transaction is required for swapped and refunded, and not allowed for closed."
        )
    return await _by_hand(ctx, operator, order_id, to, tx_out=tx_hash, note=note)


async def _by_hand(
    ctx: AppContext,
    operator: str,
    order_id: str,
    to: LateState,
    *,
    tx_in: str | None = None,
    tx_out: str | None = None,
    note: str,
) -> Order:
    for text, most in ((tx_in or tx_out or "", _MAX_HASH), (note, MAX_NOTE)):
        if len(text) > most or not (text.isprintable() or not text):
            raise ValidationFailed(f"Use at most {most} characters on one line.")
    now = ctx.clock.now()
    async with ctx.database.transaction() as tx:
        # The row's lock lets the operator and a provider's report take turns.
        row = await store.lock_order(tx, order_id)
        if row is None:
            raise OrderNotFound("Order not found.")
        if row.status != _S.EXPIRED:
            raise ValidationFailed(
                f"This order is {row.status}. Only an expired order can have a late deposit."
            )
        _refuse_unless_open(row.late_state, to)
        moved = await late_store.move_late(
            tx, row, to, now=now, tx_in_hash=tx_in, tx_out_hash=tx_out, note=note or None
        )
        assert moved is not None  # the row is locked as it was judged
        environment = Environment(row.environment)
        actor = Actor(ActorKind.OPERATOR, operator, operator, row.organization_id, environment)
        await _tell(tx, actor, moved, now)
    return moved


def _refuse_unless_open(current: str | None, to: LateState) -> None:
    if to is LateState.SEEN and current is not None:
        raise ValidationFailed(f"This order already has a late deposit, which is {current}.")
    if to is not LateState.SEEN and current != LateState.SEEN:
        raise ValidationFailed("This order has no late deposit awaiting a decision.")


async def _tell(tx: Transaction, actor: Actor, order: Order, now: datetime) -> None:
    """Owe the ops event and write the audit entry, in the transaction of the step."""
    assert order.late_state is not None  # a step has just set it
    await publish_ops(
        tx,
        organization_id=actor.organization_id,
        environment=actor.environment,
        event=late_deposit(
            order_id=order.id,
            partner_order_ref=order.partner_order_ref,
            state=order.late_state,
            tx_in_hash=order.tx_in_hash,
            tx_out_hash=order.tx_out_hash,
            note=order.late_note,
            environment=actor.environment,
            now=now,
        ),
    )
    changes: dict[str, Any] = {
        "state": order.late_state,
        "tx_in_hash": order.tx_in_hash,
        "tx_out_hash": order.tx_out_hash,
        "note": order.late_note,
    }
    action = f"order.late_deposit_{order.late_state}"
    await audit.record(tx, actor=actor, action=action, target=order.id, changes=changes)
    tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, "orders"))
