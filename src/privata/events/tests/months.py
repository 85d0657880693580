"""Events of months that have gone by, for the tests of what removes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg

from privata.events.retention import make_event_months
from privata.infra.context import AppContext


def months_before(now: datetime, months: int) -> datetime:
    """The middle of an earlier month."""
    at = now.replace(day=15)
    for _ in range(months):
        at = (at.replace(day=1) - timedelta(days=1)).replace(day=15)
    return at


def first_of(at: datetime) -> date:
    return at.date().replace(day=1)


async def begin_with(owner: asyncpg.Connection, month: date) -> None:
    """Cut the partition of an old month off the oldest one, as if a worker had made it then."""
    for table, lowest in (("event", "0"), ("event_key", str(await _floor(owner, "event_key")))):
        first = await owner.fetchval("SELECT min(month) FROM months_of($1) AS month", table)
        ends = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        border, upto = await _floor(owner, table, first), await _floor(owner, table, ends)
        await owner.execute(
            f"ALTER TABLE {table} DETACH PARTITION {table}_{first:%Y_%m};"
            f"CREATE TABLE {table}_{month:%Y_%m} PARTITION OF {table}"
            f" FOR VALUES FROM ('{lowest}') TO ('{border}');"
            f"ALTER TABLE {table} ATTACH PARTITION {table}_{first:%Y_%m}"
            f" FOR VALUES FROM ('{border}') TO ('{upto}')"
        )


async def _floor(owner: asyncpg.Connection, table: str, month: date = date(1970, 1, 1)) -> str:
    at = datetime(month.year, month.month, 1, tzinfo=UTC)
    found: str = await owner.fetchval("SELECT month_floor($1, $2)", table, at)
    return found


async def back_in(owner: asyncpg.Connection, at: datetime) -> None:
    """Let the next events have numbers of that month."""
    await owner.execute("SELECT setval('event_seq_seq', number_floor($1))", at)


async def now_again(ctx: AppContext, owner: asyncpg.Connection, at: datetime) -> None:
    """What was published since `back_in` is of that moment; numbers are of the present month."""
    await owner.execute("UPDATE event SET created_at = $1", at)
    await make_event_months(ctx.database.pool)
