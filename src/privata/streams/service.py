"""Opening a stream of an order, and ending one from the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privata.audit import service as audit
from privata.core.errors import NotFound
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import TERMINAL
from privata.core.tenancy import Actor
from privata.events.service import LIVE_WAKEUP, STREAMS_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.orders.service import get_order
from privata.streams import store
from privata.streams.connection import OpenStream
from privata.streams.hub import Hub
from privata.streams.log import OrderKey, log_of
from privata.streams.nodes import TOPIC
from privata.streams.rules import MAX_EVENT_ID, Resume, masked, over, resume

#: Closed streams deleted by one statement, and how long they are kept.
BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that is open and how it was resumed."""

    stream: OpenStream
    resume: Resume


async def open_stream(
    ctx: AppContext, hub: Hub, *, actor: Actor, order_id: str, last_event_id: str | None
) -> Opened | None:
    """Follow an order from the place that `last_event_id` names; None when nothing can follow.

    Then no stream is opened, and none of the places under the cap is taken. `OrderNotFound` for a
    missing order and another organization's alike; `RateLimited` at the cap.
    """
    start = await look(ctx, actor=actor, order_id=order_id, last_event_id=last_event_id)
    if start is None:
        return None
    order = OrderKey(order_id, actor.organization_id, actor.environment.value)
    row_id = await hub.node.open(
        store.Opening(actor, order_id, masked(actor.ip), start.source.value)
    )
    return Opened(hub.add(row_id, order, start.after), start)


async def look(
    ctx: AppContext, *, actor: Actor, order_id: str, last_event_id: str | None
) -> Resume | None:
    """How a stream of the order would begin; None when nothing can follow. Nothing is opened.

    `OrderNotFound` for a missing order and another organization's alike.
    """
    order = OrderKey(order_id, actor.organization_id, actor.environment.value)
    entries = await log_of(ctx.database.pool, order) if ORDER_ID.fullmatch(order_id) else []
    if not entries:
        found = await get_order(ctx, actor=actor, order_id=order_id)
        if found["status"] in TERMINAL:
            return None  # its events are gone, and none will come
    if over(entries, last_event_id):
        return None
    if last_event_id is not None and len(last_event_id) > MAX_EVENT_ID:
        last_event_id = last_event_id[:MAX_EVENT_ID]  # names nothing, and is answered so
    return resume(entries, last_event_id)


async def end_stream(ctx: AppContext, *, actor: Actor, stream_id: int) -> None:
    """End one of the actor's streams; its client may connect again. `NotFound`."""
    async with ctx.database.transaction() as tx:
        row = await store.ask_to_end(tx, actor, stream_id)
        if row is None:
            raise NotFound("Open stream not found.")
        await audit.record(
            tx,
            actor=actor,
            action="stream.closed",
            target=str(stream_id),
            changes={"order_id": row["order_id"], "key": row["key_prefix"]},
        )
        tx.wake(STREAMS_WAKEUP)
        payload = live_payload(actor.organization_id, actor.environment, TOPIC)
        tx.wake(LIVE_WAKEUP, payload)


async def forget_closed(ctx: AppContext) -> int:
    """Delete streams that were closed more than 24 hours ago; how many."""
    total = 0
    while done := await store.forget_closed(ctx.database.pool, BATCH):
        total += done
    return total
