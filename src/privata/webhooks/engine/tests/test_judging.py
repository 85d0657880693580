"""Pausing by the database: exactly at the fiftieth, also with two workers, told once."""

from __future__ import annotations

import asyncio
from uuid import UUID

from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint, update_endpoint
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    claim_some,
    count,
    endpoint,
    endpoint_row,
    failed,
    ops_told,
    publish_order,
    reconnecting,
)


async def with_failures(
    ctx: AppContext, endpoint_id: UUID, number: int, ago: str = "1 min"
) -> None:
    """As if so many attempts had failed before."""
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET failures ="
        " array_fill(now() - $3::text::interval, ARRAY[$2::int]) || failures WHERE id = $1",
        endpoint_id,
        number,
        ago,
    )


async def test_forty_nine_failures_leave_it_active_and_the_fiftieth_pauses(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    for _ in range(50):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        *most, last = await claim_some(db)
        await record_attempts(db, [failed(one) for one in most])
        row = await endpoint_row(ctx, endpoint_id)
        assert (row["status"], len(row["failures"])) == ("active", 49)
        assert await ops_told(ctx) == []
        recorded = await record_attempts(db, [failed(last)])
    assert recorded.moved
    assert ("privata_deliveries", "") in recorded.wakeups
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], row["paused_reason"]) == ("paused", "failures")
    assert (row["paused_by"], row["last_error"]) == ("system", "http_error 500")
    (told,) = await ops_told(ctx)
    assert (told["event"], told["alias"]) == ("webhook_paused", "Orders")
    assert (told["reason"], told["endpoint_id"]) == ("failures", str(endpoint_id))
    assert (told["failed_attempts"], told["window_hours"]) == (50, 6)
    assert (told["last_error"], told["resume_after"]) == ("http_error 500", None)
    actions = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in actions] == ["endpoint.created", "endpoint.paused"]
    assert await count(ctx, "status = 'pending'") == 50


async def test_old_failures_do_not_pause(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await with_failures(ctx, endpoint_id, 49, ago="6 hours 1 min")
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [failed(one) for one in await claim_some(db)])
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 50)


async def test_two_workers_cannot_both_miss_the_fiftieth(
    ctx: AppContext, organization: UUID
) -> None:
    """Each records one failure at the same moment, many times over; one of them pauses."""
    async with reconnecting(ctx) as a, reconnecting(ctx) as b:
        for _ in range(8):
            endpoint_id, _ = await endpoint(ctx, organization)
            await with_failures(ctx, endpoint_id, 48)
            for _ in range(2):
                await publish_order(ctx, organization)
            mine = [one for one in await claim_some(a) if one.endpoint_id == endpoint_id]
            one, other = mine
            await asyncio.gather(
                record_attempts(a, [failed(one)]), record_attempts(b, [failed(other)])
            )
            assert (await endpoint_row(ctx, endpoint_id))["status"] == "paused"
    assert len(await ops_told(ctx)) == 8


async def test_only_what_counts_is_counted(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await with_failures(ctx, endpoint_id, 49)
    for _ in range(2):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        good, ours = await claim_some(db)
        mine = attempt_record(ours, status="pending", spent=False, wait_s=5.0, outcome="internal")
        await record_attempts(db, [attempt_record(good), mine])
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)


async def test_a_stale_failure_and_a_repeated_batch_count_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (one,) = await claim_some(db)
        await record_attempts(db, [failed(one)])
        await record_attempts(db, [failed(one)])
        await record_attempts(db, [failed(one, lease_token=one.lease_token + 7)])
    assert len((await endpoint_row(ctx, endpoint_id))["failures"]) == 1


async def test_failures_of_another_url_do_not_count(ctx: AppContext, organization: UUID) -> None:
    actor = actor_of(organization)
    endpoint_id, _ = await endpoint(ctx, organization)
    await with_failures(ctx, endpoint_id, 49)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (one,) = await claim_some(db)
        await update_endpoint(
            ctx, actor=actor, endpoint_id=endpoint_id, url="http://localhost:2/new"
        )
        assert (await endpoint_row(ctx, endpoint_id))["failures"] == []
        await record_attempts(db, [failed(one)])
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], row["failures"]) == ("active", [])


async def test_410_pauses_tells_and_holds(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    watcher, _ = await create_endpoint(
        ctx,
        actor=actor_of(organization),
        url="http://localhost:2/ops",
        alias="Ops",
        channel="ops",
    )
    await publish_order(ctx, organization, (1, 2))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        await record_attempts(
            db, [failed(head, gone=True, status_code=410, error="http_error 410")]
        )
        row = await endpoint_row(ctx, endpoint_id)
        assert (row["status"], row["paused_reason"]) == ("paused", "gone")
        (told,) = await claim_some(db)
    assert told.endpoint_id == watcher
    assert b'"reason":"gone"' in told.body
    assert told.event_id.startswith("ops-")
    assert told.event_id.split(":")[1] == "webhook_paused"
    assert b'"sandbox":true' in told.body


async def test_endpoints_of_a_batch_are_judged_apart(ctx: AppContext, organization: UUID) -> None:
    bad, _ = await endpoint(ctx, organization, "http://localhost:1/bad")
    good, _ = await endpoint(ctx, organization, "http://localhost:1/good")
    await with_failures(ctx, bad, 49)
    await with_failures(ctx, good, 48)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [failed(one) for one in await claim_some(db)])
    assert (await endpoint_row(ctx, bad))["status"] == "paused"
    assert (await endpoint_row(ctx, good))["status"] == "active"
