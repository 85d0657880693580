"""Recoveries: everything missed, once, in order, at a pace, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from privata.core.errors import NotFound, RecoveryInProgress, ValidationFailed
from privata.infra.context import AppContext
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import service
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.recovery import recovering
from privata.webhooks.recovery.recoveries import cancel_recovery, recover, recoveries_of, recovery
from privata.webhooks.recovery.recovering import recover_endpoints, recover_step
from privata.webhooks.recovery.replays import replay_delivery
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.tests.deliveries import (
    WAIT_AGAIN,
    actor_of,
    attempt_record,
    claim_some,
    count,
    delivery,
    endpoint,
    publish_order,
    reconnecting,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def fail(db: ReconnectingConnection, claims: list[Claim], status: str = "exhausted") -> None:
    """Record these as failed: for good, or with a retry in an hour."""
    wait_s = 0.0 if status == "exhausted" else 3600.0
    for one in claims:
        await record_attempts(
            db, [attempt_record(one, status=status, outcome="timeout", wait_s=wait_s)]
        )


async def missed(
    ctx: AppContext,
    organization: UUID,
    db: ReconnectingConnection,
    orders: int,
    status: str = "exhausted",
) -> list[str]:
    """Publish so many orders of one event and fail each; their event ids."""
    for _ in range(orders):
        await publish_order(ctx, organization)
    claims = await claim_some(db)
    await fail(db, claims, status)
    return [one.event_id for one in claims]


async def step(ctx: AppContext) -> bool:
    """One step, as if its time had come."""
    await come_due(ctx)
    return await recover_step(ctx)


async def come_due(ctx: AppContext) -> None:
    await ctx.database.pool.execute(
        "UPDATE webhook_recovery SET next_at = now() WHERE id IN"
        " (SELECT id FROM webhook_recovery FOR UPDATE SKIP LOCKED)"
    )


async def set_pace(ctx: AppContext, pace: int) -> None:
    await ctx.database.pool.execute("UPDATE webhook_endpoint SET pace_per_s = $1", pace)


async def test_what_was_missed_comes_in_order_at_the_pace(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await set_pace(ctx, 2)
    async with reconnecting(ctx) as db:
        gone = await missed(ctx, organization, db, 3)
        retrying = await missed(ctx, organization, db, 2, "pending")
        await publish_order(ctx, organization)
        (good,) = await claim_some(db)
        await record_attempts(db, [attempt_record(good)])
        begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        assert (begun.status, begun.total, begun.queued) == ("running", 5, 0)
        arrived: list[str] = []
        steps = 0
        while (await recovery(ctx, actor=actor, recovery_id=begun.id)).status == "running":
            assert await step(ctx)
            await step(ctx)  # nothing more while these wait
            claims = await claim_some(db)
            assert len(claims) <= 2
            arrived += [one.event_id for one in claims]
            for one in claims:
                await record_attempts(db, [attempt_record(one)])
            steps += 1
        assert arrived == gone + retrying
    ended = await recovery(ctx, actor=actor, recovery_id=begun.id)
    assert (ended.status, ended.queued, ended.delivered, ended.failed) == ("done", 5, 5, 0)
    assert steps == 4
    assert await count(ctx, "status = 'pending'") == 0
    assert await undelivered(ctx, actor=actor, endpoint_id=endpoint_id) == []
    actions = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in actions][1:] == [
        "endpoint.recovery_started",
        "endpoint.recovery_finished",
    ]


async def test_what_arrived_or_is_replayed_meanwhile_is_left_out(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        first, second, third = await missed(ctx, organization, db, 3)
        rows = await undelivered(ctx, actor=actor, endpoint_id=endpoint_id)
        assert [row.event_id for row in rows] == [first, second, third]
        begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        await replay_delivery(ctx, actor=actor, delivery_id=rows[0].delivery_id)
        await retry_delivery(ctx, actor=actor, delivery_id=rows[1].delivery_id)
        for one in await claim_some(db):
            await record_attempts(db, [attempt_record(one)])
        await step(ctx)
        (only,) = await claim_some(db)
        assert only.event_id == third
        await record_attempts(db, [attempt_record(only)])
    await step(ctx)
    ended = await recovery(ctx, actor=actor, recovery_id=begun.id)
    assert (ended.status, ended.total, ended.queued) == ("done", 3, 1)


async def test_what_is_being_sent_is_waited_for(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        await missed(ctx, organization, db, 3)
        rows = await undelivered(ctx, actor=actor, endpoint_id=endpoint_id)
        await ctx.database.pool.execute(
            WAIT_AGAIN.format(where="id = $1", due="now()"),
            rows[1].delivery_id,
        )
        (sending,) = await claim_some(db)
        await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        await step(ctx)
        (before,) = await claim_some(db)
        assert before.event_id == rows[0].event_id
        await record_attempts(db, [attempt_record(before)])
        await step(ctx)
        assert await claim_some(db) == []
        await fail(db, [sending], "pending")
        await step(ctx)
        claims = await claim_some(db)
        assert [one.event_id for one in claims] == [row.event_id for row in rows[1:]]
        # Its own retries are over: the replay has taken the duty.
        assert (await delivery(ctx, sending.delivery_id))["status"] == "exhausted"


async def test_workers_share_a_recovery_and_double_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await set_pace(ctx, 3)
    async with reconnecting(ctx) as db:
        names = await missed(ctx, organization, db, 10)
        begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        arrived: list[str] = []
        while (await recovery(ctx, actor=actor, recovery_id=begun.id)).status == "running":
            await come_due(ctx)
            await asyncio.gather(*(recover_step(ctx) for _ in range(4)))
            for one in await claim_some(db):
                arrived.append(one.event_id)
                await record_attempts(db, [attempt_record(one)])
    assert arrived == names


async def test_a_step_that_dies_leaves_nothing_behind(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        names = await missed(ctx, organization, db, 3)
        await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        with pytest.raises(TimeoutError):
            async with ctx.database.transaction() as tx:
                assert await recovering.step(tx, recovering.due_recoveries(ctx))
                # Nobody else takes it meanwhile; then this worker dies before it commits.
                assert not await step(ctx)
                raise TimeoutError
        assert await count(ctx, "replay") == 0
        assert await step(ctx)
        assert [one.event_id for one in await claim_some(db)] == names
    assert await count(ctx, "recovery_id IS NOT NULL") == 3


async def test_one_at_a_time_and_cancel(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await set_pace(ctx, 1)
    nothing = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    assert (nothing.status, nothing.total) == ("done", 0)
    async with reconnecting(ctx) as db:
        await missed(ctx, organization, db, 3)
    begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    with pytest.raises(RecoveryInProgress) as caught:
        await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    assert caught.value.data == {"recovery_id": str(begun.id)}
    await step(ctx)
    ended = await cancel_recovery(ctx, actor=actor, recovery_id=begun.id)
    assert (ended.status, ended.queued) == ("cancelled", 1)
    assert not await step(ctx)
    again = await cancel_recovery(ctx, actor=actor, recovery_id=begun.id)
    assert again == ended
    next_one = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    assert next_one.total == 2  # one has its replay on the way
    found = await recoveries_of(ctx, actor=actor, endpoint_id=endpoint_id)
    assert [one.id for one in found] == [next_one.id, begun.id, nothing.id]


async def test_a_paused_endpoint_waits_and_a_disabled_one_ends_it(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        await missed(ctx, organization, db, 1)
    begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert await step(ctx)
    assert await count(ctx, "replay") == 0
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert await step(ctx)
    ended = await recovery(ctx, actor=actor, recovery_id=begun.id)
    assert ended.status == "cancelled"
    with pytest.raises(ValidationFailed):
        await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)


async def test_the_loop_wakes_up_by_itself(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        await missed(ctx, organization, db, 2)
    loop = asyncio.create_task(recover_endpoints(ctx))
    try:
        await asyncio.sleep(0.1)
        await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
        async with asyncio.timeout(20):
            while await count(ctx, "replay") < 2:
                await asyncio.sleep(0.02)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_refusals(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor, stranger = actor_of(organization), actor_of(uuid.uuid4())
    for since in (datetime.now(UTC) + timedelta(hours=1), datetime(2020, 1, 1)):  # noqa: DTZ001
        with pytest.raises(ValidationFailed):
            await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=since)
    with pytest.raises(NotFound):
        await recover(ctx, actor=stranger, endpoint_id=endpoint_id, since=LONG_AGO)
    begun = await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=LONG_AGO)
    for verb in (recovery, cancel_recovery):
        with pytest.raises(NotFound):
            await verb(ctx, actor=stranger, recovery_id=begun.id)
    assert await recoveries_of(ctx, actor=stranger, endpoint_id=endpoint_id) == []
