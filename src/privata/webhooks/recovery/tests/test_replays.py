"""Replays and test events: new deliveries, same bytes, to one endpoint, so many in an hour."""

from __future__ import annotations

import asyncio
import json
import uuid
from uuid import UUID

import pytest

from privata.core.errors import NotFound, RateLimited, ValidationFailed
from privata.infra.kernel import Kernel
from privata.webhooks.endpoints import service
from privata.webhooks.engine.settling import settle
from privata.webhooks.recovery.replays import PER_HOUR, replay_delivery
from privata.webhooks.recovery.sending_tests import send_test_event
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempts,
    claim_some,
    count,
    delivery,
    endpoint,
    line,
    publish_order,
    settlement,
)


async def first_delivery(kernel: Kernel) -> UUID:
    found: UUID = await kernel.database.pool.fetchval(
        "SELECT id FROM webhook_delivery WHERE NOT replay ORDER BY event_seq LIMIT 1"
    )
    return found


async def test_a_replay_sends_the_same_bytes_under_a_new_delivery(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    actor = actor_of(organization)
    async with line(kernel) as db:
        (first,) = await claim_some(db)
        # In whatever state: here the first one is being sent.
        made = await replay_delivery(kernel, actor=actor, delivery_id=first.delivery_id)
        await settle(db, [settlement(first)])
        (again,) = await claim_some(db)
        assert (again.delivery_id, again.body) == (made.delivery_id, first.body)
        assert again.event_id == first.event_id
        await settle(db, [settlement(again)])
        await replay_delivery(kernel, actor=actor, delivery_id=made.delivery_id)
    assert not made.held
    assert len(await attempts(kernel, first.delivery_id)) == 1
    assert (await delivery(kernel, made.delivery_id))["replay"]
    entry = await kernel.database.pool.fetchrow(
        "SELECT * FROM audit_entry WHERE action = 'delivery.replayed' ORDER BY id"
    )
    assert entry is not None
    assert entry["target"] == str(first.delivery_id)


async def test_ten_an_hour_for_each_endpoint(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    other_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    actor = actor_of(organization)
    mine, others = [
        await kernel.database.pool.fetchval(
            "SELECT id FROM webhook_delivery WHERE endpoint_id = $1", one
        )
        for one in (endpoint_id, other_id)
    ]
    results = await asyncio.gather(
        *(replay_delivery(kernel, actor=actor, delivery_id=mine) for _ in range(PER_HOUR + 3)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, RateLimited)]
    assert len(refused) == 3
    assert 3500 < int(refused[0].headers["Retry-After"]) <= 3600
    await replay_delivery(kernel, actor=actor, delivery_id=others)
    assert await count(kernel, "replay") == PER_HOUR + 1
    await kernel.database.pool.execute(
        "UPDATE webhook_delivery SET created_at = created_at - interval '1 hour' WHERE replay"
    )
    await replay_delivery(kernel, actor=actor, delivery_id=mine)


async def test_held_while_paused_and_refused_when_disabled(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    actor = actor_of(organization)
    first = await first_delivery(kernel)
    await service.pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    assert (await replay_delivery(kernel, actor=actor, delivery_id=first)).held
    assert (await send_test_event(kernel, actor=actor, endpoint_id=endpoint_id)).held
    async with line(kernel) as db:
        assert await claim_some(db) == []
    await service.disable_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed):
        await replay_delivery(kernel, actor=actor, delivery_id=first)
    with pytest.raises(ValidationFailed):
        await send_test_event(kernel, actor=actor, endpoint_id=endpoint_id)


async def test_a_test_event_goes_to_one_endpoint_whatever_its_filter(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await endpoint(kernel, organization)
    actor = actor_of(organization)
    await service.update_endpoint(
        kernel, actor=actor, endpoint_id=endpoint_id, event_filter=["order.completed"]
    )
    made = await send_test_event(kernel, actor=actor, endpoint_id=endpoint_id)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
    assert (claimed.delivery_id, claimed.endpoint_id) == (made.delivery_id, endpoint_id)
    body = json.loads(claimed.body)
    assert (body["event"], body["event_id"]) == ("webhook.test", made.event_id)
    assert body["sandbox"] is True
    assert "." not in made.event_id


async def test_others_are_not_found(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    first = await first_delivery(kernel)
    stranger = actor_of(uuid.uuid4())
    with pytest.raises(NotFound):
        await replay_delivery(kernel, actor=stranger, delivery_id=first)
    with pytest.raises(NotFound):
        await send_test_event(kernel, actor=stranger, endpoint_id=endpoint_id)


async def test_a_group_of_types_is_matched_when_published(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    actor = actor_of(organization)
    for chosen, owed in ((["order.*"], 1), (["order.completed"], 1), (["order.confirming"], 2)):
        await service.update_endpoint(
            kernel, actor=actor, endpoint_id=endpoint_id, event_filter=chosen
        )
        await publish_order(kernel, organization)
        assert await count(kernel) == owed
    for wrong in (["*"], ["order.*.*"], ["orders.*"], ["order.comp*"]):
        with pytest.raises(ValidationFailed):
            await service.update_endpoint(
                kernel, actor=actor, endpoint_id=endpoint_id, event_filter=wrong
            )
