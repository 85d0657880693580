"""How long the log of deliveries is kept (decision 0044): a worker's job, once an hour.

Attempts go by whole months, once a month is older than `PRIVATA_DELIVERY_LOG_DAYS`; deliveries that
arrived, and those of endpoints that were deleted, a few at a time. What did not arrive stays,
however old: one that waits holds the month of its attempts back, and the log says so; one that was
given up keeps its row and its event, so that it can be sent again. Events and orders are not
touched.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from typing import Final

from privata.infra.context import AppContext
from privata.infra.database.months import drop_month, make_months, oldest_month

log = logging.getLogger(__name__)

#: Seconds between two rounds. Any number of workers may make them: what is done is left alone.
EVERY_S: Final = 3600.0

#: Months that are made ahead: a worker may be away for so long before ids lie in the future's.
AHEAD: Final = 3

#: Deliveries removed by one statement, and statements of one round.
BATCH: Final = 1_000
MOST_BATCHES: Final = 100

_TABLE: Final = "webhook_attempt"

_OWED: Final = """
SELECT count(*)::int FROM webhook_delivery AS d
JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
WHERE d.status = 'pending' AND e.deleted_at IS NULL
  AND d.id < id_floor(($1::date + interval '1 month') AT TIME ZONE 'UTC')
"""

# In the order of the ids, so two workers meet at the same rows and skip each other's. One that was
# sent again is the parent of the delivery that did it, and goes after that.
_FORGET: Final = """
DELETE FROM webhook_delivery WHERE id = ANY (ARRAY(
    SELECT d.id FROM webhook_delivery AS d JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
    WHERE d.id < id_floor($1) AND d.created_at < $1
      AND (d.status IN ('delivered', 'retried')
           OR d.status = 'pending' AND e.deleted_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM webhook_delivery AS again WHERE again.retry_of_id = d.id)
    ORDER BY d.id LIMIT $2 FOR UPDATE OF d SKIP LOCKED))
"""

# What came after its month had gone, or was restored; of deliveries that are there no more.
_FORGET_LATE: Final = """
DELETE FROM webhook_attempt WHERE (organization_id, delivery_id, lease_token) IN (
    SELECT a.organization_id, a.delivery_id, a.lease_token FROM webhook_attempt AS a
    WHERE a.delivery_id < id_floor($1::date AT TIME ZONE 'UTC')
      AND NOT EXISTS (SELECT FROM webhook_delivery AS d WHERE d.id = a.delivery_id)
    LIMIT $2)
"""


async def keep_delivery_log(ctx: AppContext) -> None:
    """Once at the start and then hourly, for ever."""
    while True:
        await forget_once(ctx)
        await asyncio.sleep(EVERY_S)


async def forget_once(ctx: AppContext) -> None:
    """Make the months to come, and remove what is past its time."""
    pool = ctx.database.pool
    made = await make_months(pool, _TABLE, AHEAD)
    if made:
        log.info("made %d months of webhook attempts ahead", made)
    before = ctx.clock.now() - timedelta(days=ctx.settings.delivery_log_days)
    await _forget_deliveries(ctx, before)
    while month := await oldest_month(pool, _TABLE, before):
        if not await _forget_month(ctx, month):
            break
    first = await oldest_month(pool, _TABLE, ctx.clock.now() + timedelta(days=366))
    if first is not None:
        await pool.execute(_FORGET_LATE, first, BATCH)


async def _forget_deliveries(ctx: AppContext, before: datetime) -> None:
    for _ in range(MOST_BATCHES):
        done = await ctx.database.pool.execute(_FORGET, before, BATCH)
        if int(done.rpartition(" ")[2]) < BATCH:
            return


async def _forget_month(ctx: AppContext, month: date) -> bool:
    owed = await ctx.database.pool.fetchval(_OWED, month)
    if owed:
        log.warning(
            "webhook attempts of %s are kept: %d deliveries from up to then still wait",
            f"{month:%Y-%m}",
            owed,
        )
        return False
    if not await drop_month(ctx.database.pool, _TABLE, month):
        log.info("webhook attempts of %s are in use, and go with the next round", f"{month:%Y-%m}")
        return False
    log.info("webhook attempts of %s are removed", f"{month:%Y-%m}")
    return True
