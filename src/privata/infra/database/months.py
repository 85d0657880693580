"""Tables in monthly partitions along their ids (decision 0044): months ahead, and months that go.

The functions of the database do it as the owner of the tables, and wait a second for the table at
most. Whoever finds it in use tries again with the next round.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeAlias

import asyncpg

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # not generic at run time


async def make_months(pool: Pool, table: str, ahead: int) -> int:
    """See to it that there are this month's partition and `ahead` more; how many were made.

    None (0) too where the table is in use just now: what has no month yet lies in the future's.
    """
    try:
        made: int = await pool.fetchval("SELECT make_months($1, $2)", table, ahead)
    except asyncpg.LockNotAvailableError:
        return 0
    return made


async def oldest_month(pool: Pool, table: str, ends_before: datetime) -> date | None:
    """The first day of the oldest month, if that ended before then."""
    found: date | None = await pool.fetchval(
        "SELECT min(month) FROM months_of($1) AS month"
        " HAVING (min(month) + interval '1 month') AT TIME ZONE 'UTC' <= $2",
        table,
        ends_before,
    )
    return found


async def drop_month(pool: Pool, table: str, month: date) -> bool:
    """Remove the oldest month with all that lies in it; False where the table is in use just now.

    The caller has looked whether something in it has to stay.
    """
    try:
        gone: bool = await pool.fetchval("SELECT drop_month($1, $2)", table, month)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return False
    return gone
