"""Strict ordering: the next event of an order waits until the one before is finished."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import update_endpoint
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    claim_some,
    endpoint,
    failed,
    make_due,
    publish_order,
    reconnecting,
)


async def strict(ctx: AppContext, organization: UUID) -> UUID:
    endpoint_id, _ = await endpoint(ctx, organization)
    await update_endpoint(
        ctx, actor=actor_of(organization), endpoint_id=endpoint_id, strict_ordering=True
    )
    return endpoint_id


async def test_an_ordering_key_waits_for_its_head_and_the_others_do_not(
    ctx: AppContext, organization: UUID
) -> None:
    await strict(ctx, organization)
    order_id = await publish_order(ctx, organization, (1, 2, 3))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        await record_attempts(db, [failed(head)])
        assert await claim_some(db) == []
        other = await publish_order(ctx, organization)
        (free,) = await claim_some(db)
        assert free.event_id.startswith(other)
        await make_due(ctx)
        (again,) = await claim_some(db)
        assert again.delivery_id == head.delivery_id
        assert again.attempts == 1
        await record_attempts(db, [attempt_record(again)])
        (second,) = await claim_some(db)
        assert second.event_id.startswith(f"{order_id}:step_2:")


@pytest.mark.parametrize("end", ["delivered", "exhausted"])
async def test_an_ordering_key_goes_on_when_its_head_is_finished(
    ctx: AppContext, organization: UUID, end: str
) -> None:
    await strict(ctx, organization)
    await publish_order(ctx, organization, (1, 2))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        assert (await record_attempts(db, [attempt_record(head, status=end)])).moved
        (second,) = await claim_some(db)
    assert ":step_2:" in second.event_id


async def test_made_strict_later_an_ordering_key_is_taken_up_at_its_oldest(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization, (1, 2, 3))
    async with reconnecting(ctx) as db:
        for _ in range(3):
            await record_attempts(db, [failed(one) for one in await claim_some(db)])
        await update_endpoint(
            ctx, actor=actor_of(organization), endpoint_id=endpoint_id, strict_ordering=True
        )
        await make_due(ctx)
        for step in (1, 2, 3):
            (one,) = await claim_some(db)
            assert f":step_{step}:" in one.event_id
            assert await claim_some(db) == []
            await record_attempts(db, [attempt_record(one)])


async def test_two_workers_never_hold_two_of_one_strict_ordering_key(
    ctx: AppContext, organization: UUID
) -> None:
    """Every second attempt fails, so ordering keys stop and go; each order arrives in its order."""
    await strict(ctx, organization)
    orders = [await publish_order(ctx, organization, range(1, 5)) for _ in range(5)]
    arrived: list[str] = []
    held: set[str] = set()
    turn = 0

    async def worker() -> None:
        nonlocal turn
        async with reconnecting(ctx) as db:
            while len(arrived) < 20:
                claimed = await claim_some(db, 3)
                ordering_keys = [one.event_id.split(":")[0] for one in claimed]
                assert len(set(ordering_keys)) == len(ordering_keys)
                assert not held & set(ordering_keys)
                held.update(ordering_keys)
                await asyncio.sleep(0.002)
                results = []
                for one in claimed:
                    turn += 1
                    good = turn % 2
                    if good:
                        arrived.append(one.event_id)
                    results.append(
                        attempt_record(one) if good else failed(one, wait_s=0.0, counts=False)
                    )
                held.difference_update(ordering_keys)
                if results:
                    await record_attempts(db, results)

    await asyncio.gather(worker(), worker())
    for order_id in orders:
        steps = [event.split(":")[1] for event in arrived if event.startswith(order_id)]
        assert steps == [f"step_{seq}" for seq in range(1, 5)]
