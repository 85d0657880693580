"""Making orders, reading them, moving them. The only code that writes an order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from privata.core.errors import NotFound, OrderNotFound
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import OrderStatus, route
from privata.core.tenancy import Actor, Environment
from privata.events import service as events
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.orders import store, wire
from privata.orders.polling import next_poll
from privata.orders.tracking import tracking_url
from privata.providers.port import Report

#: Wakes the pollers; no payload.
ORDERS_BELL = "privata_orders"

_rng = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Moved:
    """What a report did: the states entered, in order; none if it was ignored."""

    order_id: str
    entered: tuple[OrderStatus, ...]


async def get_order(kernel: Kernel, *, actor: Actor, order_id: str) -> dict[str, Any]:
    """The order object; missing and another organization's both raise `OrderNotFound`."""
    row = None
    if ORDER_ID.fullmatch(order_id):
        row = await store.fetch_order(
            kernel.database.pool, order_id, actor.organization_id, actor.environment
        )
    if row is None:
        raise OrderNotFound("There is no such order.")
    return order_of(kernel, row)


def order_of(kernel: Kernel, row: store.Row) -> dict[str, Any]:
    """The order object of a row that carries its timeline."""
    timeline = list(zip(row["timeline_status"], row["timeline_at"], strict=True))
    return wire.order_object(dict(row), timeline, tracking_url(kernel, row["id"]))


async def advance(kernel: Kernel, *, order_id: str, report: Report, source: str) -> Moved:
    """Apply a provider's report in one transaction: state, timeline, events and deliveries.

    A jump is filled in; a report that repeats or would go backward is counted and ignored.
    """
    async with kernel.database.transaction() as tx:
        # The row lock makes two reports about one order take turns: each decides on what the
        # other left, so no state is entered twice and `last_seq` has no gaps.
        row = await store.lock_order(tx, order_id)
        if row is None:
            raise NotFound(f"no order {order_id}")
        return await _apply(kernel, tx, row, report, source)


async def _apply(
    kernel: Kernel, tx: Transaction, row: store.Row, report: Report, source: str
) -> Moved:
    now = kernel.clock.now()
    current = OrderStatus(row["status"])
    entered = route(current, (*report.passed, report.status))
    poll_at = next_poll(
        entered[-1] if entered else current,
        row["created_at"],
        now,
        change_at=report.next_change_at,
        sandbox=row["environment"] == Environment.TEST.value,
        rng=_rng,
    )
    if not entered:
        if report.status is not current:
            await store.count_ignored(tx, row["id"], current.value, report.status.value)
        await store.set_poll(tx, row["id"], poll_at)
        return Moved(row["id"], ())
    await _enter(kernel, tx, row, report, entered, now, poll_at, source)
    if poll_at is not None:
        tx.ring(ORDERS_BELL)
    return Moved(row["id"], entered)


async def _enter(
    kernel: Kernel,
    tx: Transaction,
    row: store.Row,
    report: Report,
    entered: tuple[OrderStatus, ...],
    now: datetime,
    poll_at: datetime | None,
    source: str,
) -> None:
    first = row["last_seq"] + 1
    seqs = list(range(first, first + len(entered)))
    final = entered[-1]
    completed_at = now if final is OrderStatus.COMPLETED else None
    failed_reason = None if report.failed_reason is None else report.failed_reason.value
    await store.move_order(
        tx,
        row["id"],
        (
            final.value,
            seqs[-1],
            now,
            completed_at,
            poll_at,
            report.amount_to_actual,
            report.tx_in_hash,
            report.tx_out_hash,
            failed_reason,
            report.failed_message,
        ),
        source=source,
        seqs=seqs,
        statuses=[status.value for status in entered],
    )
    await events.publish(
        tx,
        organization_id=row["organization_id"],
        environment=Environment(row["environment"]),
        channel="order",
        order_id=row["id"],
        events=_told(kernel, row, report, entered, seqs, now),
    )


def _told(
    kernel: Kernel,
    row: store.Row,
    report: Report,
    entered: tuple[OrderStatus, ...],
    seqs: list[int],
    now: datetime,
) -> list[events.NewEvent]:
    """One event per entered state, each with the order as it was in that state."""
    state = dict(row)
    timeline = list(zip(row["timeline_status"], row["timeline_at"], strict=True))
    link = tracking_url(kernel, row["id"])
    if report.tx_in_hash:
        state["tx_in_hash"] = report.tx_in_hash
    told = []
    for status, seq in zip(entered, seqs, strict=True):
        timeline.append((status.value, now))
        state.update(status=status.value, updated_at=now)
        if status is entered[-1]:
            state.update(_outcome(report, status, now, state))
        order = wire.order_object(state, timeline, link)
        body = wire.payload(order, status, seq, now)
        told.append(
            events.NewEvent(wire.event_id(row["id"], status, now), f"order.{status}", body, seq)
        )
    return told


def _outcome(
    report: Report, status: OrderStatus, now: datetime, state: dict[str, Any]
) -> dict[str, Any]:
    """What only the last of the entered states knows."""
    return {
        "completed_at": now if status is OrderStatus.COMPLETED else None,
        "amount_to_actual": report.amount_to_actual or state["amount_to_actual"],
        "tx_out_hash": report.tx_out_hash or state["tx_out_hash"],
        "failed_reason_code": (
            report.failed_reason.value if report.failed_reason else state["failed_reason_code"]
        ),
        "failed_reason_message": report.failed_message or state["failed_reason_message"],
    }
