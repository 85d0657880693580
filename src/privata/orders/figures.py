"""Counts and times of orders over the last two days: one statement each, each row frozen."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.rows import reader

DAY: Final = timedelta(hours=24)

_HOURS: Final = """
SELECT created_at >= $3 AS recent, date_trunc('hour', created_at, 'UTC') AS hour, provider,
       count(*) AS orders, coalesce(sum(usd_value), 0) AS usd,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status IN ('failed', 'expired')) AS unsuccessful,
       count(*) FILTER (WHERE status IN ('failed', 'expired', 'refunded')) AS bad
FROM orders
WHERE organization_id = $1 AND environment = $2 AND created_at >= $4
GROUP BY 1, 2, 3
"""

# Swap time is from the deposit being seen to completion. Grouping sets give the two days, the
# hours and the providers of the last day in one pass over the orders that completed.
_TIMES: Final = """
WITH swap AS (
    SELECT o.created_at >= $3 AS recent, date_trunc('hour', o.created_at, 'UTC') AS hour,
           o.provider, extract(epoch FROM o.completed_at - seen.at)::float8 AS seconds
    FROM orders AS o
    JOIN order_timeline AS seen ON seen.organization_id = o.organization_id
     AND seen.order_id = o.id AND seen.status = 'confirming'
    WHERE o.organization_id = $1 AND o.environment = $2
      AND o.created_at >= $4 AND o.status = 'completed'
)
SELECT recent, hour, provider,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS slowest
FROM swap
GROUP BY GROUPING SETS ((recent), (hour), (recent, provider))
"""


class OrdersOfHour(msgspec.Struct, frozen=True):
    """Orders of one provider that were made in one hour; `recent`: within the last day."""

    recent: bool
    hour: datetime
    provider: str
    orders: int
    usd: Decimal
    completed: int
    #: Failed or expired.
    unsuccessful: int
    #: These and refunded.
    bad: int


class SwapTimes(msgspec.Struct, frozen=True):
    """Seconds that swaps took: of a day, of an hour, or of a provider in a day."""

    recent: bool | None
    hour: datetime | None
    provider: str | None
    median: float
    slowest: float


_of_hour = reader(OrdersOfHour)
_times = reader(SwapTimes)


async def orders_by_hour(ctx: AppContext, *, actor: Actor, now: datetime) -> list[OrdersOfHour]:
    """The actor's orders by creation, over the 48 hours before `now`."""
    rows = await ctx.database.pool.fetch(_HOURS, *_window(actor, now))
    return [_of_hour(row) for row in rows]


async def swap_times(ctx: AppContext, *, actor: Actor, now: datetime) -> list[SwapTimes]:
    """Median and 99th percentile of the swaps of orders made in the 48 hours before `now`."""
    rows = await ctx.database.pool.fetch(_TIMES, *_window(actor, now))
    return [_times(row) for row in rows]


def _window(actor: Actor, now: datetime) -> tuple[object, str, datetime, datetime]:
    return actor.organization_id, actor.environment.value, now - DAY, now - 2 * DAY
