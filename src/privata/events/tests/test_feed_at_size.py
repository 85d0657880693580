"""The feed of one organization costs what it has itself, whatever others have waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from privata.core.tenancy import Environment
from privata.events.feed import _FEED, events_after
from privata.events.numbering import _NUMBER
from privata.events.tests.test_feed import reader, tell
from privata.infra.context import AppContext

#: Events of others that nobody has read, and events of others that are numbered.
_OTHERS = """
INSERT INTO organization (id, name, status)
SELECT md5(n::text)::uuid, 'Acme', 'approved' FROM generate_series(1, 20) AS n;
INSERT INTO event (event_id, organization_id, environment, channel, type, body, xid)
SELECT 'e' || n, md5((n % 20 + 1)::text)::uuid, 'test', 'ops', 'x', '', NULL
FROM generate_series(1, 20000) AS n;
INSERT INTO event_arrival (organization_id, environment, event_seq, created_at)
SELECT organization_id, environment, seq, created_at FROM event WHERE seq % 2 = 0;
INSERT INTO event_position (organization_id, environment, number, event_seq, created_at)
SELECT organization_id, environment, row_number() OVER (PARTITION BY organization_id ORDER BY seq),
       seq, created_at
FROM event WHERE seq % 2 = 1;
INSERT INTO event_head (organization_id, environment, last)
SELECT organization_id, environment, max(number) FROM event_position GROUP BY 1, 2;
ANALYZE
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [(_FEED, "'{}', 'test', 0, 101"), (_NUMBER, "'{}', 'test', 1000")],
    ids=["reading", "numbering"],
)
async def test_only_rows_of_the_feed_are_looked_at(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection, statement: str, arguments: str
) -> None:
    await owner.execute(_OTHERS)
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "mine")
    await events_after(ctx, actor=reader(organization), after="0", limit=1)
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "and mine")
    await owner.execute("SET plan_cache_mode = force_generic_plan")
    await owner.execute(f"PREPARE planned AS {statement}")
    call = f"EXECUTE planned ({arguments.format(organization)})"
    plan = json.loads(await owner.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {call}"))[0]["Plan"]
    large = {"event", "event_arrival", "event_position"}
    read = [one for one in nodes(plan) if one.get("Relation Name") in large]
    assert read
    for one in read:
        if one["Node Type"] != "ModifyTable":
            assert "Index" in one["Node Type"], one
            assert one.get("Rows Removed by Filter", 0) == 0, one
            assert one["Actual Rows"] <= 2, one


async def test_a_reader_at_the_end_of_the_feed_writes_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    async with ctx.database.transaction() as tx:
        await tell(tx, organization, "a")
        await tell(tx, organization, "live", environment=Environment.LIVE)
    page = await events_after(ctx, actor=reader(organization), after="0", limit=9)
    before = await ctx.database.pool.fetchrow("SELECT xmin, last FROM event_head")
    for _ in range(3):
        again = await events_after(ctx, actor=reader(organization), after=page.last, limit=9)
        assert (again.last, again.more) == (page.last, False)
    assert await ctx.database.pool.fetchrow("SELECT xmin, last FROM event_head") == before
