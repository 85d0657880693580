"""Pausing by the database: exactly at the fiftieth, also with two workers, told once."""

from __future__ import annotations

import asyncio
from uuid import UUID

from privata.infra.kernel import Kernel
from privata.webhooks.endpoints.service import create_endpoint, update_endpoint
from privata.webhooks.engine.settling import settle
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    count,
    endpoint,
    endpoint_row,
    failed,
    line,
    ops_told,
    publish_order,
    settlement,
)


async def with_failures(kernel: Kernel, endpoint_id: UUID, number: int, ago: str = "1 min") -> None:
    """As if so many attempts had failed before."""
    await kernel.database.pool.execute(
        "UPDATE webhook_endpoint SET failures ="
        " array_fill(now() - $3::text::interval, ARRAY[$2::int]) || failures WHERE id = $1",
        endpoint_id,
        number,
        ago,
    )


async def test_forty_nine_failures_leave_it_active_and_the_fiftieth_pauses(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    for _ in range(50):
        await publish_order(kernel, organization)
    async with line(kernel) as db:
        *most, last = await claim_some(db)
        await settle(db, [failed(one) for one in most])
        row = await endpoint_row(kernel, endpoint_id)
        assert (row["status"], len(row["failures"])) == ("active", 49)
        assert await ops_told(kernel) == []
        settled = await settle(db, [failed(last)])
    assert settled.moved
    assert ("privata_deliveries", "") in settled.bells
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], row["paused_reason"]) == ("paused", "failures")
    assert (row["paused_by"], row["last_error"]) == ("system", "http_error 500")
    (told,) = await ops_told(kernel)
    assert (told["event"], told["alias"]) == ("webhook_paused", "Orders")
    assert (told["reason"], told["endpoint_id"]) == ("failures", str(endpoint_id))
    assert (told["failed_attempts"], told["window_hours"]) == (50, 6)
    assert (told["last_error"], told["resume_after"]) == ("http_error 500", None)
    actions = await kernel.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in actions] == ["endpoint.created", "endpoint.paused"]
    assert await count(kernel, "status = 'pending'") == 50


async def test_old_failures_do_not_pause(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await with_failures(kernel, endpoint_id, 49, ago="6 hours 1 min")
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        await settle(db, [failed(one) for one in await claim_some(db)])
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 50)


async def test_two_workers_cannot_both_miss_the_fiftieth(
    kernel: Kernel, organization: UUID
) -> None:
    """Each settles one failure at the same moment, many times over; one of them pauses."""
    async with line(kernel) as a, line(kernel) as b:
        for _ in range(8):
            endpoint_id, _ = await endpoint(kernel, organization)
            await with_failures(kernel, endpoint_id, 48)
            for _ in range(2):
                await publish_order(kernel, organization)
            mine = [one for one in await claim_some(a) if one.endpoint_id == endpoint_id]
            one, other = mine
            await asyncio.gather(settle(a, [failed(one)]), settle(b, [failed(other)]))
            assert (await endpoint_row(kernel, endpoint_id))["status"] == "paused"
    assert len(await ops_told(kernel)) == 8


async def test_only_what_counts_is_counted(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await with_failures(kernel, endpoint_id, 49)
    for _ in range(2):
        await publish_order(kernel, organization)
    async with line(kernel) as db:
        good, ours = await claim_some(db)
        mine = settlement(ours, status="pending", spent=False, wait_s=5.0, outcome="internal")
        await settle(db, [settlement(good), mine])
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 49)


async def test_a_stale_failure_and_a_repeated_batch_count_nothing(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (one,) = await claim_some(db)
        await settle(db, [failed(one)])
        await settle(db, [failed(one)])
        await settle(db, [failed(one, lease_token=one.lease_token + 7)])
    assert len((await endpoint_row(kernel, endpoint_id))["failures"]) == 1


async def test_failures_of_another_url_do_not_count(kernel: Kernel, organization: UUID) -> None:
    actor = actor_of(organization)
    endpoint_id, _ = await endpoint(kernel, organization)
    await with_failures(kernel, endpoint_id, 49)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (one,) = await claim_some(db)
        await update_endpoint(
            kernel, actor=actor, endpoint_id=endpoint_id, url="http://localhost:2/new"
        )
        assert (await endpoint_row(kernel, endpoint_id))["failures"] == []
        await settle(db, [failed(one)])
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], row["failures"]) == ("active", [])


async def test_410_pauses_tells_and_holds(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    watcher, _ = await create_endpoint(
        kernel,
        actor=actor_of(organization),
        url="http://localhost:2/ops",
        alias="Ops",
        channel="ops",
    )
    await publish_order(kernel, organization, (1, 2))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        await settle(db, [failed(head, gone=True, status_code=410, error="http_error 410")])
        row = await endpoint_row(kernel, endpoint_id)
        assert (row["status"], row["paused_reason"]) == ("paused", "gone")
        (told,) = await claim_some(db)
    assert told.endpoint_id == watcher
    assert b'"reason":"gone"' in told.body
    assert told.event_id.startswith("ops-")
    assert told.event_id.split(":")[1] == "webhook_paused"
    assert b'"sandbox":true' in told.body


async def test_endpoints_of_a_batch_are_judged_apart(kernel: Kernel, organization: UUID) -> None:
    bad, _ = await endpoint(kernel, organization, "http://localhost:1/bad")
    good, _ = await endpoint(kernel, organization, "http://localhost:1/good")
    await with_failures(kernel, bad, 49)
    await with_failures(kernel, good, 48)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        await settle(db, [failed(one) for one in await claim_some(db)])
    assert (await endpoint_row(kernel, bad))["status"] == "paused"
    assert (await endpoint_row(kernel, good))["status"] == "active"
