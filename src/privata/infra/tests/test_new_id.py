"""Ids that the database makes are like those that the code makes."""

from __future__ import annotations

from privata.core.ids import made_at
from privata.infra.context import AppContext

ASKED = """
SELECT new_id() AS id, clock_timestamp() AS at, date_trunc('milliseconds', now()) AS begun
FROM generate_series(1, 1000)
"""


async def test_ids_of_the_database_are_in_time_order_and_never_repeat(ctx: AppContext) -> None:
    rows = await ctx.database.pool.fetch(ASKED)
    assert len({row["id"] for row in rows}) == 1000
    for row in rows:
        told = made_at(row["id"])
        assert row["id"].version == 7
        assert told is not None
        # Cut to the millisecond, in the statement's transaction and before the moment is read.
        assert row["begun"] <= told <= row["at"]
