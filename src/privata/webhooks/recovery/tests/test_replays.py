"""Replays and test events: new deliveries, same bytes, to one endpoint, so many in an hour."""

from __future__ import annotations

import asyncio
import json
import uuid
from uuid import UUID

import pytest

from privata.core.errors import NotFound, RateLimited, ValidationFailed
from privata.infra.context import AppContext
from privata.webhooks.endpoints import service
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.recovery.replays import PER_HOUR, replay_delivery
from privata.webhooks.recovery.sending_tests import send_test_event
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    attempts,
    claim_some,
    count,
    delivery,
    endpoint,
    publish_order,
    reconnecting,
)


async def first_delivery(ctx: AppContext) -> UUID:
    found: UUID = await ctx.database.pool.fetchval(
        "SELECT id FROM webhook_every_delivery WHERE NOT replay ORDER BY event_seq LIMIT 1"
    )
    return found


async def test_a_replay_sends_the_same_bytes_under_a_new_delivery(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        (first,) = await claim_some(db)
        # In whatever state: here the first one is being sent.
        made = await replay_delivery(ctx, actor=actor, delivery_id=first.delivery_id)
        await record_attempts(db, [attempt_record(first)])
        (again,) = await claim_some(db)
        assert (again.delivery_id, again.body) == (made.delivery_id, first.body)
        assert again.event_id == first.event_id
        await record_attempts(db, [attempt_record(again)])
        await replay_delivery(ctx, actor=actor, delivery_id=made.delivery_id)
    assert not made.held
    assert len(await attempts(ctx, first.delivery_id)) == 1
    assert (await delivery(ctx, made.delivery_id))["replay"]
    entry = await ctx.database.pool.fetchrow(
        "SELECT * FROM audit_entry WHERE action = 'delivery.replayed' ORDER BY id"
    )
    assert entry is not None
    assert entry["target"] == str(first.delivery_id)


async def test_ten_an_hour_for_each_endpoint(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    other_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    mine, others = [
        await ctx.database.pool.fetchval(
            "SELECT id FROM webhook_every_delivery WHERE endpoint_id = $1", one
        )
        for one in (endpoint_id, other_id)
    ]
    results = await asyncio.gather(
        *(replay_delivery(ctx, actor=actor, delivery_id=mine) for _ in range(PER_HOUR + 3)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, RateLimited)]
    assert len(refused) == 3
    assert 3500 < int(refused[0].headers["Retry-After"]) <= 3600
    await replay_delivery(ctx, actor=actor, delivery_id=others)
    assert await count(ctx, "replay") == PER_HOUR + 1
    await ctx.database.pool.execute(
        "UPDATE webhook_due SET created_at = created_at - interval '1 hour' WHERE replay"
    )
    await replay_delivery(ctx, actor=actor, delivery_id=mine)


async def test_held_while_paused_and_refused_when_disabled(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    first = await first_delivery(ctx)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert (await replay_delivery(ctx, actor=actor, delivery_id=first)).held
    assert (await send_test_event(ctx, actor=actor, endpoint_id=endpoint_id)).held
    async with reconnecting(ctx) as db:
        assert await claim_some(db) == []
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed):
        await replay_delivery(ctx, actor=actor, delivery_id=first)
    with pytest.raises(ValidationFailed):
        await send_test_event(ctx, actor=actor, endpoint_id=endpoint_id)


async def test_a_test_event_goes_to_one_endpoint_whatever_its_filter(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await endpoint(ctx, organization)
    actor = actor_of(organization)
    await service.update_endpoint(
        ctx, actor=actor, endpoint_id=endpoint_id, event_filter=["order.completed"]
    )
    made = await send_test_event(ctx, actor=actor, endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
    assert (claimed.delivery_id, claimed.endpoint_id) == (made.delivery_id, endpoint_id)
    body = json.loads(claimed.body)
    assert (body["event"], body["event_id"]) == ("webhook.test", made.event_id)
    assert body["sandbox"] is True
    assert "." not in made.event_id


async def test_others_are_not_found(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    first = await first_delivery(ctx)
    stranger = actor_of(uuid.uuid4())
    with pytest.raises(NotFound):
        await replay_delivery(ctx, actor=stranger, delivery_id=first)
    with pytest.raises(NotFound):
        await send_test_event(ctx, actor=stranger, endpoint_id=endpoint_id)


async def test_a_group_of_types_is_matched_when_published(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    for chosen, owed in ((["order.*"], 1), (["order.completed"], 1), (["order.confirming"], 2)):
        await service.update_endpoint(
            ctx, actor=actor, endpoint_id=endpoint_id, event_filter=chosen
        )
        await publish_order(ctx, organization)
        assert await count(ctx) == owed
    for wrong in (["*"], ["order.*.*"], ["orders.*"], ["order.comp*"]):
        with pytest.raises(ValidationFailed):
            await service.update_endpoint(
                ctx, actor=actor, endpoint_id=endpoint_id, event_filter=wrong
            )
