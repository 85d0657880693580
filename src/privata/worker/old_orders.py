"""Orders and events that are past their time (decision 0047): a worker's job, once an hour.

With `PRIVATA_ORDER_ARCHIVE`, orders older than `PRIVATA_ORDER_MONTHS` are written to the archive
and removed, a few at a time; then events, a month at a time. What is still needed stays, whole, and
the log says why: an order that is not over, or whose late deposit, refund, earning, or delivery is
not; and a month of events from which such an order is left, or a delivery waits.

Without an archive, nothing is removed. The months of events to come are made either way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from privata.core.plurals import plural
from privata.events import retention as events
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.ledger.service import held_earnings
from privata.orders.retention import OldOrder, forget_orders, old_orders, orders_left
from privata.refunds.retention import forget_refunds, refunds_of
from privata.webhooks import old_events
from privata.worker.archive import NotArchived, archive

log = logging.getLogger(__name__)

#: Seconds between two rounds. Any number of workers may make them: what another one has is left.
EVERY_S: Final = 3600.0

#: Orders, or deliveries, removed by one transaction, and transactions of one round for each.
BATCH: Final = 500
MOST_BATCHES: Final = 200

_BEFORE: Final = "SELECT now() - make_interval(months => $1)"


async def keep_orders(ctx: AppContext) -> None:
    """Once at the start and then hourly, for ever."""
    while True:
        await keep_once(ctx)
        await asyncio.sleep(EVERY_S)


async def keep_once(ctx: AppContext) -> None:
    """Make the months to come, and remove what is past its time, up to the bound of a round."""
    pool, folder = ctx.database.pool, ctx.settings.order_archive
    await events.make_event_months(pool)
    if folder is None:
        return
    before: datetime = await pool.fetchval(_BEFORE, ctx.settings.order_months)
    try:
        await _forget_orders(ctx, folder, before)
    except NotArchived as error:
        log.warning("orders past their time are kept: %s", error)
        return
    while month := await events.oldest_events(pool, before):
        if not await _forget_events(ctx, month):
            return


async def _forget_orders(ctx: AppContext, folder: Path, before: datetime) -> None:
    after, removed, kept = "", 0, Counter[str]()
    for _ in range(MOST_BATCHES):
        async with ctx.database.transaction() as tx:
            found = await old_orders(tx, after=after, before=before, limit=BATCH)
            done = await _archive(tx, folder, found, kept)
        removed += done
        if len(found) < BATCH:
            break
        after = found[-1].id
    if removed:
        log.info("%s archived and removed", plural(removed, "order"))
    for reason, many in sorted(kept.items()):
        log.warning("%s past their time kept: %s", plural(many, "order"), reason)


async def _archive(
    tx: Transaction, folder: Path, found: Sequence[OldOrder], kept: Counter[str]
) -> int:
    """Write what may go to the archive and remove it, in this transaction; how many that are."""
    owners, idents = [one.organization_id for one in found], [one.id for one in found]
    if not idents:
        return 0
    refunds = await refunds_of(tx, owners, idents)
    held = await held_earnings(tx, idents)
    waited_for = await old_events.orders_waited_for(tx, owners, idents)
    going, lines = [], []
    for order in found:
        over, refund = refunds.get(order.id, (True, "null"))
        if not order.over:
            kept["not over"] += 1
        elif not over:
            kept["its refund is not over"] += 1
        elif order.id in held:
            kept["its earning is on hold"] += 1
        elif order.id in waited_for:
            kept["an endpoint waits for its webhooks"] += 1
        else:
            going.append(order)
            lines.append(f'{order.whole[:-1]}, "refund": {refund}}}')
    if going:
        await asyncio.to_thread(archive, folder, going[0].id, going[0].created_at, lines)
        await forget_refunds(tx, [o.organization_id for o in going], [o.id for o in going])
        await forget_orders(tx, going)
    return len(going)


async def _forget_events(ctx: AppContext, month: date) -> bool:
    pool, name = ctx.database.pool, f"{month:%Y-%m}"
    ends = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    if left := await orders_left(pool, ends):
        log.warning("events of %s are kept: %s left from up to then", name, plural(left, "order"))
        return False
    if waiting := await old_events.waiting_up_to(pool, month):
        owed = plural(waiting, "delivery", "deliveries")
        log.warning("events of %s are kept: %s still waiting", name, owed)
        return False
    await events.forget_numbers(pool, month)
    for _ in range(MOST_BATCHES):
        if await old_events.forget_up_to(pool, month, BATCH) < BATCH:
            break
    else:
        return False
    if not await events.drop_events(pool, month):
        log.info("events of %s are in use, and go with the next round", name)
        return False
    log.info("events of %s are removed", name)
    return True
