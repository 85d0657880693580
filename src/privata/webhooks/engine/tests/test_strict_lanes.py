"""Strict lanes: the next event of an order waits until the one before is finished."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from privata.infra.kernel import Kernel
from privata.webhooks.endpoints.service import update_endpoint
from privata.webhooks.engine.settling import settle
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    endpoint,
    failed,
    line,
    make_due,
    publish_order,
    settlement,
)


async def strict(kernel: Kernel, organization: UUID) -> UUID:
    endpoint_id, _ = await endpoint(kernel, organization)
    await update_endpoint(
        kernel, actor=actor_of(organization), endpoint_id=endpoint_id, strict_lanes=True
    )
    return endpoint_id


async def test_a_lane_waits_for_its_head_and_the_others_do_not(
    kernel: Kernel, organization: UUID
) -> None:
    await strict(kernel, organization)
    order_id = await publish_order(kernel, organization, (1, 2, 3))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        await settle(db, [failed(head)])
        assert await claim_some(db) == []
        other = await publish_order(kernel, organization)
        (free,) = await claim_some(db)
        assert free.event_id.startswith(other)
        await make_due(kernel)
        (again,) = await claim_some(db)
        assert again.delivery_id == head.delivery_id
        assert again.attempts == 1
        await settle(db, [settlement(again)])
        (second,) = await claim_some(db)
        assert second.event_id.startswith(f"{order_id}:step_2:")


@pytest.mark.parametrize("end", ["delivered", "exhausted"])
async def test_a_lane_goes_on_when_its_head_is_finished(
    kernel: Kernel, organization: UUID, end: str
) -> None:
    await strict(kernel, organization)
    await publish_order(kernel, organization, (1, 2))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        assert (await settle(db, [settlement(head, status=end)])).moved
        (second,) = await claim_some(db)
    assert ":step_2:" in second.event_id


async def test_made_strict_later_a_lane_is_taken_up_at_its_oldest(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization, (1, 2, 3))
    async with line(kernel) as db:
        for _ in range(3):
            await settle(db, [failed(one) for one in await claim_some(db)])
        await update_endpoint(
            kernel, actor=actor_of(organization), endpoint_id=endpoint_id, strict_lanes=True
        )
        await make_due(kernel)
        for step in (1, 2, 3):
            (one,) = await claim_some(db)
            assert f":step_{step}:" in one.event_id
            assert await claim_some(db) == []
            await settle(db, [settlement(one)])


async def test_two_workers_never_hold_two_of_one_strict_lane(
    kernel: Kernel, organization: UUID
) -> None:
    """Every second attempt fails, so lanes stop and go; each order arrives in its order."""
    await strict(kernel, organization)
    orders = [await publish_order(kernel, organization, range(1, 5)) for _ in range(5)]
    arrived: list[str] = []
    held: set[str] = set()
    turn = 0

    async def worker() -> None:
        nonlocal turn
        async with line(kernel) as db:
            while len(arrived) < 20:
                claimed = await claim_some(db, 3)
                lanes = [one.event_id.split(":")[0] for one in claimed]
                assert len(set(lanes)) == len(lanes)
                assert not held & set(lanes)
                held.update(lanes)
                await asyncio.sleep(0.002)
                results = []
                for one in claimed:
                    turn += 1
                    good = turn % 2
                    if good:
                        arrived.append(one.event_id)
                    results.append(
                        settlement(one) if good else failed(one, wait_s=0.0, counts=False)
                    )
                held.difference_update(lanes)
                if results:
                    await settle(db, results)

    await asyncio.gather(worker(), worker())
    for order_id in orders:
        steps = [event.split(":")[1] for event in arrived if event.startswith(order_id)]
        assert steps == [f"step_{seq}" for seq in range(1, 5)]
