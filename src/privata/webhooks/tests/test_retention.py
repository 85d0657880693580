"""The log of deliveries: months ahead, months that go, and what stays however old it is."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from privata.core.ids import new_id
from privata.infra.context import AppContext
from privata.infra.database.months import drop_month, make_months, oldest_month
from privata.webhooks import retention
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.tests.deliveries import (
    attempt_record,
    claim_some,
    endpoint,
    failed,
    make_due,
    publish_order,
    reconnecting,
)

TABLE = "webhook_attempt"

LOG = "webhook_delivery"

PARTS = "SELECT tableoid::regclass::text FROM webhook_attempt WHERE delivery_id = $1"
LOG_PARTS = "SELECT tableoid::regclass::text FROM webhook_delivery WHERE id = $1"

ATTEMPT = """
INSERT INTO webhook_attempt (organization_id, delivery_id, lease_token, number, url, signed_at,
                             started_at, duration_ms, outcome)
VALUES ($1, $2, 1, 1, 'http://x', 0, now(), 1, 'delivered')
"""

DELIVERY = """
WITH fact AS (SELECT organization_id, environment, seq FROM event LIMIT 1), waits AS (
    INSERT INTO webhook_due (id, organization_id, environment, endpoint_id, event_seq, created_at)
    SELECT $1, organization_id, environment, $2, seq, $4::timestamptz
    FROM fact WHERE $3::text = 'pending'
)
INSERT INTO webhook_delivery (id, organization_id, environment, endpoint_id, event_seq, status,
                              created_at, delivered_at, replay, attempts, lease_token)
SELECT $1, organization_id, environment, $2, seq, $3::text, $4::timestamptz,
       CASE WHEN $3::text = 'delivered' THEN $4 END, true, 1, 1
FROM fact WHERE $3::text <> 'pending'
"""


def first_of(at: datetime) -> date:
    return at.date().replace(day=1)


def months_before(now: datetime, months: int) -> datetime:
    """The middle of an earlier month."""
    at = now.replace(day=15)
    for _ in range(months):
        at = (at.replace(day=1) - timedelta(days=1)).replace(day=15)
    return at


async def begin_with(owner: asyncpg.Connection, month: date) -> None:
    """Cut partitions of an old month off the past, as if a worker had made them then."""
    for table in (LOG, TABLE):
        await _cut_off(owner, table, month)


async def _cut_off(owner: asyncpg.Connection, table: str, month: date) -> None:
    ends = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    bounds = [
        await owner.fetchval("SELECT id_floor($1)", datetime(at.year, at.month, 1, tzinfo=UTC))
        for at in (month, ends)
    ]
    upto = await owner.fetchval(
        "SELECT id_floor((SELECT min(m) FROM months_of($1) AS m) AT TIME ZONE 'UTC')", table
    )
    await owner.execute(
        f"ALTER TABLE {table} DETACH PARTITION {table}_past;"
        f"CREATE TABLE {table}_{month:%Y_%m} PARTITION OF {table}"
        f" FOR VALUES FROM ('{bounds[0]}') TO ('{upto}');"
        f"ALTER TABLE {table} ATTACH PARTITION {table}_past"
        f" FOR VALUES FROM (MINVALUE) TO ('{bounds[0]}')"
    )


async def delivery(
    ctx: AppContext, organization: UUID, endpoint_id: UUID, status: str, at: datetime
) -> UUID:
    """A delivery of then with an attempt."""
    made = new_id(at)
    await ctx.database.pool.execute(DELIVERY, made, endpoint_id, status, at)
    await ctx.database.pool.execute(ATTEMPT, organization, made)
    return made


async def left(ctx: AppContext, idents: list[UUID]) -> tuple[list[bool], list[bool]]:
    """Which deliveries and which attempts are there."""
    found = []
    for table, column in (("webhook_every_delivery", "id"), (TABLE, "delivery_id")):
        rows = await ctx.database.pool.fetch(
            f"SELECT {column} AS id FROM {table} WHERE {column} = ANY ($1::uuid[])", idents
        )
        there = {row["id"] for row in rows}
        found.append([ident in there for ident in idents])
    return found[0], found[1]


async def test_a_delivery_and_its_attempts_lie_in_the_month_of_its_id(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    month = f"{ctx.clock.now():%Y_%m}"
    async with reconnecting(ctx) as db:
        for ends in (failed, attempt_record):
            (claimed,) = await claim_some(db)
            await record_attempts(db, [ends(claimed)])
            await record_attempts(db, [ends(claimed)])  # its answer got lost
            await make_due(ctx)
    parts = await ctx.database.pool.fetch(PARTS, claimed.delivery_id)
    assert [row[0] for row in parts] == [f"{TABLE}_{month}"]
    parts = await ctx.database.pool.fetch(LOG_PARTS, claimed.delivery_id)
    assert [row[0] for row in parts] == [f"{LOG}_{month}"]


async def test_no_id_is_refused_and_the_future_is_cut_into_months_with_what_lies_in_it(
    ctx: AppContext, organization: UUID
) -> None:
    """Workers that were away, clocks that are ahead, restored deliveries: all have a place."""
    now, pool = ctx.clock.now(), ctx.database.pool
    months = (retention.AHEAD, retention.AHEAD + 1, retention.AHEAD + 2, 2400)
    ahead = [now.replace(day=1) + timedelta(days=31 * n) for n in months]
    idents = [new_id(datetime(1999, 1, 1, tzinfo=UTC)), *(new_id(at) for at in ahead)]
    for ident in idents:
        await pool.execute(ATTEMPT, organization, ident)

    async def lies_in() -> list[str]:
        return [(await pool.fetchval(PARTS, ident)).removeprefix(TABLE) for ident in idents]

    named = [f"_{at:%Y_%m}" for at in ahead]
    assert await lies_in() == ["_past", named[0], "_future", "_future", "_future"]
    assert await make_months(pool, TABLE, retention.AHEAD + 3) == 3
    assert await make_months(pool, TABLE, retention.AHEAD + 3) == 0
    assert await lies_in() == ["_past", *named[:3], "_future"]


async def test_a_month_past_its_time_goes_with_what_arrived_in_it(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    old = months_before(ctx.clock.now(), 6)
    await begin_with(owner, first_of(old))
    deleted, _ = await endpoint(ctx, organization)
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET status = 'disabled', deleted_at = now() WHERE id = $1", deleted
    )
    idents = [
        await delivery(ctx, organization, place, status, at)
        for place, status, at in (
            (endpoint_id, "delivered", old),
            (deleted, "pending", old),
            (endpoint_id, "exhausted", old),
            (endpoint_id, "delivered", ctx.clock.now()),
        )
    ]
    await retention.forget_once(ctx)
    deliveries, attempts = await left(ctx, idents)
    # What was given up can still be sent again.
    assert deliveries == [False, False, True, True]
    assert await ctx.database.pool.fetchval(LOG_PARTS, idents[2]) == f"{LOG}_past"
    await retention.forget_once(ctx)
    assert (await left(ctx, idents))[0] == deliveries
    assert attempts == [False, False, False, True]
    for table in (LOG, TABLE):
        assert await oldest_month(ctx.database.pool, table, ctx.clock.now()) is None
    # A record that comes now, of a delivery of then, is not refused.
    await ctx.database.pool.execute(ATTEMPT, organization, idents[0])
    await retention.forget_once(ctx)
    assert (await left(ctx, idents[:1]))[1] == [False]


async def test_a_month_in_which_a_delivery_waits_is_kept_and_the_log_says_why(
    ctx: AppContext,
    organization: UUID,
    owner: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    old = months_before(ctx.clock.now(), 6)
    await begin_with(owner, first_of(old))
    waits = await delivery(ctx, organization, endpoint_id, "pending", old)
    with caplog.at_level(logging.WARNING):
        await retention.forget_once(ctx)
    assert await left(ctx, [waits]) == ([True], [True])
    assert f"attempts of {old:%Y-%m} are kept: 1 deliveries" in caplog.text


async def test_a_month_in_use_is_left_for_the_next_round(
    ctx: AppContext, organization: UUID, owner: asyncpg.Connection
) -> None:
    """A dump holds the table: whoever writes attempts must not wait behind the removal."""
    old = months_before(ctx.clock.now(), 6)
    await begin_with(owner, first_of(old))
    await ctx.database.pool.execute(ATTEMPT, organization, new_id(old))
    async with owner.transaction():
        await owner.execute(f"LOCK TABLE {TABLE}, {LOG} IN ACCESS SHARE MODE")
        assert await drop_month(ctx.database.pool, TABLE, first_of(old)) is False
        assert await retention.drop_deliveries(ctx, first_of(old)) is None
        await ctx.database.pool.execute(ATTEMPT, organization, new_id(old))
    assert await retention.drop_deliveries(ctx, first_of(old)) == 0
    assert await drop_month(ctx.database.pool, TABLE, first_of(old)) is True
    assert await ctx.database.pool.fetchval(f"SELECT count(*) FROM {TABLE}") == 0


async def test_nobody_drops_a_young_month_or_one_out_of_turn_or_of_another_table(
    ctx: AppContext, owner: asyncpg.Connection
) -> None:
    now, pool = ctx.clock.now(), ctx.database.pool
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="too recent"):
        await drop_month(pool, TABLE, first_of(now))
    old = months_before(now, 6)
    await begin_with(owner, first_of(old))
    assert await drop_month(pool, TABLE, first_of(now)) is False
    with pytest.raises(asyncpg.PostgresError):
        await drop_month(pool, "audit_entry", first_of(now))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(f"DROP TABLE {TABLE}_past")
