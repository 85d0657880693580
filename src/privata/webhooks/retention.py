"""How long the log of deliveries is kept (decisions 0044, 0046): a worker's job, once an hour.

Deliveries and attempts go by whole months, once a month is older than `PRIVATA_DELIVERY_LOG_DAYS`;
what waits for an endpoint that was deleted, a few at a time. What did not arrive stays, however
old. One that waits is not in this log at all; it holds the month of its attempts back, and the
worker says so. One that was given up moves to the past, so that it can be sent again. Events and
orders are not touched.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from typing import Final

import asyncpg

from privata.infra.context import AppContext
from privata.infra.database.months import drop_month, make_months, oldest_month

log = logging.getLogger(__name__)

#: Seconds between two rounds. Any number of workers may make them: what is done is left alone.
EVERY_S: Final = 3600.0

#: Months that are made ahead: a worker may be away for so long before ids lie in the future's.
AHEAD: Final = 3

#: Rows removed by one statement, and statements of one round.
BATCH: Final = 1_000
MOST_BATCHES: Final = 100

_DELIVERIES: Final = "webhook_delivery"
_ATTEMPTS: Final = "webhook_attempt"

_OWED: Final = """
SELECT count(*)::int FROM webhook_due AS d
JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
WHERE e.deleted_at IS NULL
  AND d.id < id_floor(($1::date + interval '1 month') AT TIME ZONE 'UTC')
"""

# Two workers meet at the same rows and skip each other's.
_FORGET_CANCELLED: Final = """
DELETE FROM webhook_due WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM webhook_endpoint AS e
    JOIN webhook_due AS d ON d.organization_id = e.organization_id AND d.endpoint_id = e.id
    WHERE e.deleted_at IS NOT NULL AND d.created_at < $1
    LIMIT $2 FOR UPDATE OF d SKIP LOCKED))
"""

# What lies before the oldest month: what was finished after its month had gone, or was restored.
_FORGET_PAST: Final = """
DELETE FROM webhook_delivery WHERE (organization_id, environment, id) IN (
    SELECT d.organization_id, d.environment, d.id FROM webhook_delivery AS d
    WHERE d.id < id_floor($3::date AT TIME ZONE 'UTC') AND d.created_at < $1
      AND d.status IN ('delivered', 'retried')
    LIMIT $2)
"""
_FORGET_LATE: Final = """
DELETE FROM webhook_attempt WHERE (organization_id, delivery_id, lease_token) IN (
    SELECT a.organization_id, a.delivery_id, a.lease_token FROM webhook_attempt AS a
    WHERE a.delivery_id < id_floor($1::date AT TIME ZONE 'UTC')
      AND NOT EXISTS (
          SELECT FROM webhook_every_delivery AS d
          WHERE d.organization_id = a.organization_id AND d.environment IN ('live', 'test')
            AND d.id = a.delivery_id)
    LIMIT $2)
"""

# What was given up in a month that goes. It is copied aside, for its place is the month until that
# has gone, and the past afterwards. Nobody changes the table in between. For whoever reads it we
# wait a second, and then leave it to the next round.
_ALONE: Final = """
SET LOCAL lock_timeout = '1s';
LOCK TABLE webhook_delivery IN SHARE ROW EXCLUSIVE MODE;
CREATE TEMPORARY TABLE given_up (LIKE webhook_delivery) ON COMMIT DROP
"""
_SET_ASIDE: Final = """
INSERT INTO given_up SELECT d.* FROM webhook_delivery AS d
WHERE d.id >= id_floor($1::date AT TIME ZONE 'UTC')
  AND d.id < id_floor(($1::date + interval '1 month') AT TIME ZONE 'UTC')
  AND d.status = 'exhausted'
"""
_DROP: Final = "SELECT drop_month('webhook_delivery', $1)"
_PUT_BACK: Final = "INSERT INTO webhook_delivery SELECT g.* FROM given_up AS g"


async def keep_delivery_log(ctx: AppContext) -> None:
    """Once at the start and then hourly, for ever."""
    while True:
        await forget_once(ctx)
        await asyncio.sleep(EVERY_S)


async def forget_once(ctx: AppContext) -> None:
    """Make the months to come, and remove what is past its time."""
    pool = ctx.database.pool
    for table, name in ((_DELIVERIES, "deliveries"), (_ATTEMPTS, "attempts")):
        made = await make_months(pool, table, AHEAD)
        if made:
            log.info("made %d months of webhook %s ahead", made, name)
    before = ctx.clock.now() - timedelta(days=ctx.settings.delivery_log_days)
    for _ in range(MOST_BATCHES):
        if _are_last(await pool.execute(_FORGET_CANCELLED, before, BATCH)):
            break
    while month := await oldest_month(pool, _DELIVERIES, before):
        if not await _forget_deliveries(ctx, month):
            break
    while month := await oldest_month(pool, _ATTEMPTS, before):
        if not await _forget_attempts(ctx, month):
            break
    await _forget_past(ctx, before)


async def _first_month(ctx: AppContext, table: str) -> date | None:
    return await oldest_month(ctx.database.pool, table, ctx.clock.now() + timedelta(days=366))


async def _forget_past(ctx: AppContext, before: datetime) -> None:
    pool = ctx.database.pool
    if first := await _first_month(ctx, _DELIVERIES):
        for _ in range(MOST_BATCHES):
            if _are_last(await pool.execute(_FORGET_PAST, before, BATCH, first)):
                break
    if first := await _first_month(ctx, _ATTEMPTS):
        await pool.execute(_FORGET_LATE, first, BATCH)


def _are_last(done: str) -> bool:
    """Whether a statement that removes `BATCH` rows at most has left none."""
    return int(done.rpartition(" ")[2]) < BATCH


async def _forget_deliveries(ctx: AppContext, month: date) -> bool:
    kept = await drop_deliveries(ctx, month)
    if kept is None:
        log.info("webhook deliveries of %s are in use, and go next round", f"{month:%Y-%m}")
        return False
    log.info("webhook deliveries of %s are removed, %d given up are kept", f"{month:%Y-%m}", kept)
    return True


async def drop_deliveries(ctx: AppContext, month: date) -> int | None:
    """Remove the oldest month of the log, but for what was given up; how many those are.

    None where the table is in use just now, or the month is not the oldest any more.
    """
    async with ctx.database.pool.acquire() as connection:
        try:
            async with connection.transaction():
                await connection.execute(_ALONE)
                kept = await connection.execute(_SET_ASIDE, month)
                if not await connection.fetchval(_DROP, month):
                    return None
                await connection.execute(_PUT_BACK)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return None
    return int(kept.rpartition(" ")[2])


async def _forget_attempts(ctx: AppContext, month: date) -> bool:
    owed = await ctx.database.pool.fetchval(_OWED, month)
    if owed:
        log.warning(
            "webhook attempts of %s are kept: %d deliveries from up to then still wait",
            f"{month:%Y-%m}",
            owed,
        )
        return False
    if not await drop_month(ctx.database.pool, _ATTEMPTS, month):
        log.info("webhook attempts of %s are in use, and go with the next round", f"{month:%Y-%m}")
        return False
    log.info("webhook attempts of %s are removed", f"{month:%Y-%m}")
    return True
