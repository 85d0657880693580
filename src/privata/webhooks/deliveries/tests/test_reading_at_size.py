"""Lists and counts among hundreds of thousands of deliveries read few rows, by an index."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.deliveries import figures, log_reading, reading
from privata.webhooks.deliveries.listing import DeliveryFilter, DeliveryQuery
from privata.webhooks.deliveries.log_query import PAGE_ROWS, LogQuery, Segment
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.tests.deliveries import actor_of

#: Deliveries of the organization, over some weeks, and of another one.
MINE, OTHERS = 100_000, 50_000

#: A page that an index leads to reads no more rows than this.
FEW = 2_000

_ENDPOINTS = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, status,
                              paused_at, paused_reason)
SELECT gen_random_uuid(), $1, 'test', 'order', status, 'https://example.com/', status,
       CASE WHEN status = 'paused' THEN now() END, CASE WHEN status = 'paused' THEN 'manual' END
FROM unnest(ARRAY['active', 'paused', 'disabled']) AS status
"""
_EVENTS = """
INSERT INTO event (event_id, organization_id, environment, channel, type, order_id, order_seq, body)
SELECT 'event-' || gen_random_uuid(), $1, 'test', 'order', 'order.completed',
       'prv-' || gen_random_uuid(), 1, '{}'
FROM generate_series(1, $2::int)
"""
# Of each hundred: 89 delivered, 10 held at the paused endpoint, one at the others; of those in turn
# one exhausted, one retrying, one cancelled at the disabled endpoint, one queued.
_DELIVERIES = """
WITH made AS (
SELECT (left(id_floor(what.at)::text, 13) || substr(gen_random_uuid()::text, 14))::uuid AS id,
       e.id AS endpoint_id, t.seq, t.order_id, what.status, what.attempts, what.at,
       CASE WHEN what.attempts > 0 THEN what.at END AS tried_at
FROM (SELECT *, seq - min(seq) OVER () + 1 AS n FROM event) AS t CROSS JOIN LATERAL (
    SELECT now() - (150000 - t.n) * interval '15 seconds' AS at,
           CASE WHEN t.n % 100 < 89 THEN 'delivered' WHEN t.n % 200 = 99 THEN 'exhausted'
                ELSE 'pending' END AS status,
           CASE WHEN t.n % 100 < 89 OR t.n % 200 = 99 OR t.n % 400 = 199 THEN 1 ELSE 0 END
               AS attempts,
           CASE WHEN t.n % 100 BETWEEN 89 AND 98 THEN 'paused'
                WHEN t.n % 100 = 99 AND t.n % 3 = 0 AND t.n % 200 <> 99 THEN 'disabled'
                ELSE 'active' END AS endpoint
) AS what
JOIN webhook_endpoint AS e ON e.organization_id = $1 AND e.alias = what.endpoint
WHERE t.organization_id = $1
), waits AS (
INSERT INTO webhook_due (organization_id, environment, id, endpoint_id, event_seq, order_id,
                         attempts, created_at, due_at, last_attempt_at)
SELECT $1, 'test', id, endpoint_id, seq, order_id, attempts, at, now() + interval '1 hour', tried_at
FROM made WHERE status = 'pending'
)
INSERT INTO webhook_delivery (organization_id, environment, id, endpoint_id, event_seq, attempts,
                              status, created_at, delivered_at, last_attempt_at, replay,
                              lease_token)
SELECT $1, 'test', id, endpoint_id, seq, attempts, status, at,
       CASE WHEN status = 'delivered' THEN at END, tried_at, false, 1
FROM made WHERE status <> 'pending'
"""


class Explaining:
    """Passes statements on, and keeps what they read."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.pool = pool
        self.plans: list[dict[str, Any]] = []

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        (row,) = await self.pool.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
        self.plans.append(json.loads(row[0])[0]["Plan"])
        return await self.pool.fetch(statement, *values)

    async def fetchval(self, statement: str, *values: object) -> Any:
        return (await self.fetch(statement, *values))[0][0]

    def nodes(self) -> Iterator[dict[str, Any]]:
        """All nodes on the deliveries since the last look."""
        left, self.plans = self.plans, []
        while left:
            node = left.pop()
            left += node.get("Plans", [])
            if node.get("Relation Name", "").startswith(("webhook_delivery", "webhook_due")):
                yield node


def read_by(explaining: Explaining) -> int:
    """How many deliveries were looked at; each scan by an index, but of a month without any."""
    rows = 0
    for node in explaining.nodes():
        removed = node.get("Rows Removed by Filter", 0)
        read = (node["Actual Rows"] + removed) * node["Actual Loops"]
        assert node["Node Type"] != "Seq Scan" or not read, json.dumps(node, indent=1)
        rows += read
    return int(rows)


@pytest.fixture
async def filled(
    ctx: AppContext, organization: uuid.UUID, owner: asyncpg.Connection
) -> tuple[AppContext, Explaining]:
    other = uuid.uuid4()
    await owner.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', 'approved')", other
    )
    for whose, many in ((organization, MINE), (other, OTHERS)):
        await owner.execute(_ENDPOINTS, whose)
        await owner.execute(_EVENTS, whose, many)
        await owner.execute(_DELIVERIES, whose)
    await owner.execute("VACUUM (ANALYZE) webhook_due, webhook_delivery, event, webhook_endpoint")
    explaining = Explaining(ctx.database.pool)
    asked = SimpleNamespace(database=SimpleNamespace(pool=explaining))
    return cast("AppContext", asked), explaining


async def test_lists_and_counts_use_the_indexes(
    filled: tuple[AppContext, Explaining], organization: uuid.UUID
) -> None:
    ctx, explaining = filled
    now, actor = datetime.now(UTC), actor_of(organization)
    found = {one.alias: one.id for one in await endpoints.endpoints(ctx, _place(organization))}
    explaining.plans.clear()
    for segment in _LISTED:
        query = LogQuery(segment, "30d")
        page = await log_reading.log_page(ctx, _place(organization), query, now)
        assert read_by(explaining) <= FEW, segment
        assert len(page.rows) == (0 if segment is Segment.RETRIED else PAGE_ROWS), segment
    for status in ("held", "delivered", "retried", "undelivered", None):
        wanted = None if status is None else DeliveryFilter(status)
        await reading.page_of(ctx, DeliveryQuery(status=wanted).search(actor), limit=PAGE_ROWS)
        assert read_by(explaining) <= FEW, status
    for alias, status in (("paused", "held"), ("disabled", "cancelled"), ("active", "delivered")):
        held = DeliveryQuery(endpoint_id=found[alias], status=DeliveryFilter(status))
        listed = await reading.page_of(ctx, held.search(actor), limit=PAGE_ROWS)
        assert len(listed.rows) == PAGE_ROWS
        assert read_by(explaining) <= FEW, status
    for text in (str(uuid.uuid4()), f"prv-{uuid.uuid4()}:completed:1"):
        assert not await reading.found_by(ctx, _place(organization), text, limit=6)
        assert read_by(explaining) <= FEW, text
    await _counts(ctx, explaining, organization, found["active"])


async def test_a_state_that_an_endpoint_cannot_have_is_looked_for_in_no_delivery(
    filled: tuple[AppContext, Explaining], organization: uuid.UUID, owner: asyncpg.Connection
) -> None:
    """The log of an active endpoint was walked from end to end for those that are held."""
    ctx, explaining = filled
    actor, now = actor_of(organization), datetime.now(UTC)
    found = {one.alias: one.id for one in await endpoints.endpoints(ctx, _place(organization))}
    explaining.plans.clear()
    for alias, state in (
        ("active", "held"),
        ("active", "cancelled"),
        ("paused", "cancelled"),
        ("disabled", "held"),
    ):
        query = DeliveryQuery(endpoint_id=found[alias], status=DeliveryFilter(state))
        assert not (await reading.page_of(ctx, query.search(actor), limit=PAGE_ROWS)).rows
        assert read_by(explaining) == 0, (alias, state)
        mine = Partition(organization, Environment.TEST, found[alias])
        page = await log_reading.log_page(ctx, mine, LogQuery(Segment(state), "30d"), now)
        assert not page.rows
        assert read_by(explaining) == 0, (alias, state)
    await owner.execute("UPDATE organization SET status = 'rejected' WHERE id = $1", organization)
    query = DeliveryQuery(endpoint_id=found["active"], status=DeliveryFilter("held"))
    assert (await reading.page_of(ctx, query.search(actor), limit=PAGE_ROWS)).rows


async def _counts(
    ctx: AppContext, explaining: Explaining, organization: uuid.UUID, active: uuid.UUID
) -> None:
    """They read what they count, however much was delivered before."""
    actor, now = actor_of(organization), datetime.now(UTC)
    mine = Partition(organization, Environment.TEST, active)
    waiting = (await endpoints.waiting_of(ctx, mine, [active]))[active]
    assert read_by(explaining) <= waiting <= FEW
    owed = await undelivered(ctx, actor=actor, endpoint_id=active, limit=500)
    assert len(owed) == 500
    assert read_by(explaining) <= 10 * FEW
    counts = await figures.counts_of(
        ctx, reading.DeliverySearch(mine, since=now - timedelta(days=1))
    )
    assert read_by(explaining) <= counts.total + FEW


_LISTED = (Segment.ALL, Segment.DELIVERED, Segment.UNDELIVERED, Segment.HELD, Segment.RETRIED)


def _place(organization: uuid.UUID) -> Partition:
    return Partition(organization, Environment.TEST)
