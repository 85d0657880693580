"""Months of events: made ahead, and removed when they are past their time (decision 0047).

Before a month goes, all of its events get their numbers in the feed, and the numbers go first: a
reader whose cursor is before them is told so. The head of a feed stays, so numbers go on.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, TypeAlias

import asyncpg

from privata.core.tenancy import Environment
from privata.events.numbering import number_arrivals
from privata.infra.database.months import drop_month, make_months, oldest_month

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # not generic at run time

#: Months that are made ahead. A number is of the present month, so none is needed but in time.
AHEAD: Final = 1

#: Numbers removed by one transaction.
BATCH: Final = 1_000

_EVENTS: Final = "event"
_KEYS: Final = "event_key"

_UNNUMBERED: Final = """
SELECT organization_id, environment FROM event_arrival
WHERE event_seq < number_floor(($1::date + interval '1 month') AT TIME ZONE 'UTC')
GROUP BY organization_id, environment
"""

_FEEDS: Final = "SELECT DISTINCT organization_id FROM event_head ORDER BY organization_id"

_FORGET: Final = "SELECT forget_numbers($1, $2, $3)"

_OLDEST: Final = "SELECT min(month) FROM months_of($1) AS month"


async def make_event_months(pool: Pool) -> None:
    """See to the months ahead; with a new month, numbers go on at its first one."""
    for table in (_EVENTS, _KEYS):
        await make_months(pool, table, AHEAD)


async def oldest_events(pool: Pool, before: datetime) -> date | None:
    """The first day of the oldest month of events, if that ended before then."""
    return await oldest_month(pool, _EVENTS, before)


async def forget_numbers(pool: Pool, month: date) -> None:
    """Number what nobody read of the events up to this month's end, then take their numbers."""
    while feeds := await pool.fetch(_UNNUMBERED, month):
        for feed in feeds:
            environment = Environment(feed["environment"])
            await number_arrivals(pool, feed["organization_id"], environment)
    for (organization_id,) in await pool.fetch(_FEEDS):
        while await pool.fetchval(_FORGET, organization_id, month, BATCH) == BATCH:
            pass


async def drop_events(pool: Pool, month: date) -> bool:
    """Remove the month, and the keys of events that are gone; False while a table is in use."""
    if not await drop_month(pool, _EVENTS, month):
        return False
    first: date | None = await pool.fetchval(_OLDEST, _EVENTS)
    while first is not None:
        keys: date | None = await pool.fetchval(_OLDEST, _KEYS)
        if keys is None or keys >= first or not await drop_month(pool, _KEYS, keys):
            break
    return True
