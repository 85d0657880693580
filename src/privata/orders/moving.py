"""Making orders, reading them, moving them. The only code that writes an order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from privata.core.errors import NotFound, OrderNotFound
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import OrderStatus, route, steps
from privata.core.money import CONTEXT, floor_to
from privata.core.refund_window import window_ends
from privata.core.tenancy import Actor, Environment
from privata.events import service as events
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.ledger import service as ledger
from privata.orders import store, wire
from privata.orders.following.polling import is_expired, next_poll
from privata.orders.late.deposits import late_state, note_late, watch_until
from privata.orders.rows import Order, WholeOrder
from privata.orders.tracking import tracking_url
from privata.providers.port import Report

#: Wakes the pollers and the clock of the refund windows; no payload.
ORDERS_WAKEUP = "privata_orders"

#: Sources of a timeline entry: who said so.
BY_PROVIDER = "provider"
BY_CLOCK = "clock"
BY_OPERATOR = "operator"

#: Less of the expected amount than this was a smaller deposit, and no rate that moved; of 1.
LEAST_SENT: Final = Decimal("0.95")

#: Decimals of a value, as the ledger keeps it.
_USD_DECIMALS: Final = 8

_rng = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Moved:
    """What a report did: the states entered, in order; none if it was ignored."""

    order_id: str
    entered: tuple[OrderStatus, ...]


async def get_order(ctx: AppContext, *, actor: Actor, order_id: str) -> dict[str, Any]:
    """The order object; missing and another organization's both raise `OrderNotFound`."""
    row = None
    if ORDER_ID.fullmatch(order_id):
        row = await store.fetch_order(
            ctx.database.pool, order_id, actor.organization_id, actor.environment
        )
    if row is None:
        raise OrderNotFound("Order not found.")
    return order_of(ctx, row)


def order_of(ctx: AppContext, row: WholeOrder) -> dict[str, Any]:
    """The order object of a row that carries its timeline."""
    return wire.order_object(row, tracking_url(ctx, row.id))


async def advance(
    ctx: AppContext,
    *,
    order_id: str,
    report: Report,
    source: str = BY_PROVIDER,
    of: Order | None = None,
) -> Moved:
    """Apply a provider's report in one transaction: state, timeline, events and deliveries.

    A jump is filled in; a report that repeats or would go backward is counted and ignored. An order
    that still waits for its deposit past `expires_at` is expired by our own clock. `of`: the order
    as it was claimed, where it was.
    """
    async with ctx.database.transaction() as tx:
        # The row lock makes two reports about one order take turns: each decides on what the
        # other left, so no state is entered twice and `last_seq` has no gaps.
        row = await _locked(tx, order_id, of)
        return await _apply(ctx, tx, row, report, source)


async def expire_in_silence(ctx: AppContext, *, order_id: str, of: Order | None = None) -> Moved:
    """The clock's word on an order whose provider does not answer; most often it changes nothing.

    Nothing else is concluded from silence: the order's lease runs out and it is asked about again.
    """
    async with ctx.database.transaction() as tx:
        row = await _locked(tx, order_id, of)
        now = ctx.clock.now()
        environment, status = Environment(row.environment), OrderStatus(row.status)
        if status is OrderStatus.EXPIRED:
            # Nobody waits for this one: the next look, not the end of the lease.
            await store.set_poll(tx, row, _next_poll(ctx, row, status, (), None, now))
        if not is_expired(status, row.expires_at, now, environment=environment, silent=True):
            return Moved(order_id, ())
        return await _apply(ctx, tx, row, Report(OrderStatus.EXPIRED), BY_CLOCK)


async def enter(
    ctx: AppContext, tx: Transaction, row: WholeOrder, report: Report, *, source: str
) -> None:
    """Move an order that needs a refund or a decision, in the caller's transaction.

    `row` comes from `store.lock_order` in the same transaction, so the state cannot have changed.
    `ValueError` if the lifecycle has no such step: the caller looks before it asks.
    """
    entered = steps(OrderStatus(row.status), report.status)
    if not entered:
        raise ValueError(f"{row.id}: no step from {row.status} to {report.status}")
    await _enter(ctx, tx, row, report, entered, ctx.clock.now(), None, source)


async def _locked(tx: Transaction, order_id: str, of: Order | None) -> WholeOrder:
    if of is None:
        row = await store.lock_order(tx, order_id)
    else:
        environment = Environment(of.environment)
        row = await store.lock_own_order(tx, of.id, of.organization_id, environment)
    if row is None:
        raise NotFound(f"no order {order_id}")
    return row


async def _apply(
    ctx: AppContext, tx: Transaction, row: WholeOrder, report: Report, source: str
) -> Moved:
    now = ctx.clock.now()
    current = OrderStatus(row.status)
    environment = Environment(row.environment)
    entered = route(current, (*report.passed, report.status))
    final = entered[-1] if entered else current
    if is_expired(final, row.expires_at, now, environment=environment):
        report, source = Report(OrderStatus.EXPIRED), BY_CLOCK
        entered, final = (OrderStatus.EXPIRED,), OrderStatus.EXPIRED
    # What came after the order had expired is a fact beside it: see `late`.
    late = late_state(report) if final is OrderStatus.EXPIRED else None
    poll_at = _next_poll(ctx, row, final, entered, report, now)
    if entered:
        told = report if late is None else Report(OrderStatus.EXPIRED)
        await _enter(ctx, tx, row, told, entered, now, poll_at, source)
        if poll_at is not None:
            tx.wake(ORDERS_WAKEUP)
    else:
        if late is None and report.status is not current:
            await store.count_ignored(tx, row, report.status.value)
        # An order whose refund is under way is followed by that: see `refunds`.
        if current is not OrderStatus.REFUND_REQUIRED or row.poll_at is not None:
            await store.set_poll(tx, row, poll_at)
    if late is not None:
        await note_late(tx, row, report, late, now)
    return Moved(row.id, entered)


def _next_poll(
    ctx: AppContext,
    row: WholeOrder,
    final: OrderStatus,
    entered: tuple[OrderStatus, ...],
    report: Report | None,
    now: datetime,
) -> datetime | None:
    """When to look at the order again, after a report or none."""
    watched = None
    if final is OrderStatus.EXPIRED:
        found = None if report is None else late_state(report)
        watched = watch_until(ctx.settings, row, found, now)
    return next_poll(
        final,
        row.created_at,
        now,
        change_at=None if report is None else report.next_change_at,
        expires_at=row.expires_at,
        environment=Environment(row.environment),
        window_end=_window_end(row, entered, now),
        watch_until=watched,
        rng=_rng,
    )


def refund_window_end(row: WholeOrder) -> datetime:
    """When the refund window of an order in `refund_required` ends, from its row with timeline."""
    return window_ends(
        entered_at(row, OrderStatus.REFUND_REQUIRED), row.refund_window_hours, row.sandbox_ttl
    )


def entered_at(row: WholeOrder, status: OrderStatus) -> datetime:
    """When an order entered `status`, from its row with timeline; `ValueError` if it did not."""
    return row.timeline_at[row.timeline_status.index(status.value)]


def _window_end(
    row: WholeOrder, entered: tuple[OrderStatus, ...], now: datetime
) -> datetime | None:
    if OrderStatus.REFUND_REQUIRED in entered:
        return window_ends(now, row.refund_window_hours, row.sandbox_ttl)
    return refund_window_end(row) if row.status == OrderStatus.REFUND_REQUIRED else None


async def _enter(
    ctx: AppContext,
    tx: Transaction,
    row: WholeOrder,
    report: Report,
    entered: tuple[OrderStatus, ...],
    now: datetime,
    poll_at: datetime | None,
    source: str,
) -> None:
    first = row.last_seq + 1
    seqs = list(range(first, first + len(entered)))
    final = entered[-1]
    move = store.Move(
        entered=entered,
        seqs=seqs,
        at=now,
        source=source,
        poll_at=poll_at,
        completed_at=now if final is OrderStatus.COMPLETED else None,
        amount_to_actual=report.amount_to_actual,
        tx_in_hash=report.tx_in_hash,
        tx_out_hash=report.tx_out_hash,
        failed_reason_code=None if report.failed_reason is None else report.failed_reason.value,
        failed_reason_message=report.failed_message,
    )
    await store.move_order(tx, row, move)
    if row.status in (OrderStatus.REFUND_REQUIRED, OrderStatus.MANUAL_REVIEW):
        # What moves the order has finished its refund before, in this transaction.
        row = msgspec.structs.replace(row, refund=await store.refund_now(tx, row))
    await events.publish(
        tx,
        organization_id=row.organization_id,
        environment=Environment(row.environment),
        channel="order",
        order_id=row.id,
        events=_told(ctx, row, move),
    )
    if final is OrderStatus.COMPLETED and row.environment == Environment.LIVE:
        # Last, since from here to the commit others of the organization wait for their turn.
        await ledger.earn(
            tx,
            ctx,
            order=ledger.CompletedOrder(
                row.id, row.organization_id, _swapped_value(row, report), row.markup_bps
            ),
        )


def _swapped_value(row: WholeOrder, report: Report) -> Decimal | None:
    """What was swapped was worth in US dollars, when the order was made.

    Who deposits a tenth of what was agreed has a tenth swapped, and providers pay for that tenth.
    """
    sent, expected = report.amount_to_actual, row.amount_to_expected
    if row.usd_value is None or sent is None or sent >= CONTEXT.multiply(expected, LEAST_SENT):
        return row.usd_value
    part = CONTEXT.divide(CONTEXT.multiply(row.usd_value, sent), expected)
    return floor_to(part, _USD_DECIMALS)


def _told(ctx: AppContext, row: WholeOrder, move: store.Move) -> list[events.NewEvent]:
    """One event per entered state, each with the order as it was in that state."""
    link = tracking_url(ctx, row.id)
    told = []
    for status, seq in zip(move.entered, move.seqs, strict=True):
        row = msgspec.structs.replace(
            row,
            status=status.value,
            updated_at=move.at,
            tx_in_hash=move.tx_in_hash or row.tx_in_hash,
            timeline_status=[*row.timeline_status, status.value],
            timeline_at=[*row.timeline_at, move.at],
            **(_outcome(row, move) if status is move.entered[-1] else {}),
        )
        told.append(wire.status_event(row, wire.order_object(row, link), status, seq, move.at))
    return told


def _outcome(row: WholeOrder, move: store.Move) -> dict[str, Any]:
    """What only the last of the entered states knows."""
    return {
        "completed_at": move.completed_at,
        "amount_to_actual": move.amount_to_actual or row.amount_to_actual,
        "tx_out_hash": move.tx_out_hash or row.tx_out_hash,
        "failed_reason_code": move.failed_reason_code or row.failed_reason_code,
        "failed_reason_message": move.failed_reason_message or row.failed_reason_message,
    }
