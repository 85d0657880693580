"""A retry is a new delivery that takes over; the old one is done with, and both name each other."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import AlreadyRetried, NotFound, RateLimited, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.recovery.recoveries import Progress, recover, recovery
from privata.webhooks.recovery.recovering import recover_step
from privata.webhooks.recovery.replays import PER_HOUR, replay_delivery
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    claim_some,
    count,
    delivery,
    endpoint,
    failed,
    publish_order,
    reconnecting,
)


async def tried(ctx: AppContext, organization: UUID, status: str = "pending") -> tuple[UUID, Claim]:
    """An endpoint, and its one delivery after an attempt that ended so."""
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        done = failed(claimed, status=status, wait_s=3600.0)
        await record_attempts(db, [attempt_record(claimed) if status == "delivered" else done])
    return endpoint_id, claimed


async def recovered(ctx: AppContext, organization: UUID, endpoint_id: UUID) -> Progress:
    since = await ctx.database.pool.fetchval("SELECT now() - interval '1 hour'")
    actor = actor_of(organization)
    return await recover(ctx, actor=actor, endpoint_id=endpoint_id, since=since)


@pytest.mark.parametrize("status", ["pending", "exhausted"])
async def test_a_retry_is_a_new_record_and_the_old_schedule_ends(
    ctx: AppContext, organization: UUID, status: str
) -> None:
    """It was attempt 2 of the same record."""
    endpoint_id, old = await tried(ctx, organization, status)
    actor = actor_of(organization)
    made = await retry_delivery(ctx, actor=actor, delivery_id=old.delivery_id)
    ended, new = await delivery(ctx, old.delivery_id), await delivery(ctx, made)
    assert (ended["status"], ended["attempts"]) == ("retried", 1)
    assert (new["status"], new["attempts"], new["replay"]) == ("pending", 0, False)
    assert (new["retry_of_id"], new["event_seq"]) == (old.delivery_id, ended["event_seq"])
    await ctx.database.pool.execute("UPDATE webhook_due SET due_at = now()")
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)  # the old one never again
        assert (claimed.delivery_id, claimed.attempts) == (made, 0)
        assert (claimed.event_id, claimed.body) == (old.event_id, old.body)
        await record_attempts(db, [attempt_record(claimed)])
    assert await undelivered(ctx, actor=actor, endpoint_id=endpoint_id) == []
    rows, _ = await listing.deliveries(ctx, actor=actor, query=listing.DeliveryQuery())
    shown = {row["delivery_id"]: row for row in rows}
    assert shown[old.delivery_id]["status"] == "retried"
    assert shown[old.delivery_id]["retried_as"] == made
    assert shown[old.delivery_id]["next_attempt_at"] is None
    assert shown[made]["retry_of"] == old.delivery_id
    noted = await ctx.database.pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE action = 'delivery.retried'"
    )
    assert noted == 1


async def test_what_is_owed_is_its_retry(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, old = await tried(ctx, organization, "exhausted")
    actor = actor_of(organization)
    made = await retry_delivery(ctx, actor=actor, delivery_id=old.delivery_id)
    (owed,) = await undelivered(ctx, actor=actor, endpoint_id=endpoint_id)
    assert (owed.delivery_id, owed.state) == (made, "queued")
    for status, expected in (("retried", [old.delivery_id]), ("undelivered", [made])):
        query = listing.DeliveryQuery(status=listing.DeliveryFilter(status))
        rows, _ = await listing.deliveries(ctx, actor=actor, query=query)
        assert [row["delivery_id"] for row in rows] == expected


async def test_one_that_was_delivered_is_retried_too_and_stays_delivered(
    ctx: AppContext, organization: UUID
) -> None:
    """It was refused. Its retry is owed by nobody and counts as a replay of the hour."""
    endpoint_id, old = await tried(ctx, organization, "delivered")
    actor = actor_of(organization)
    made = await retry_delivery(ctx, actor=actor, delivery_id=old.delivery_id)
    assert (await delivery(ctx, old.delivery_id))["status"] == "delivered"
    new = await delivery(ctx, made)
    assert (new["replay"], new["retry_of_id"]) == (True, old.delivery_id)
    assert await undelivered(ctx, actor=actor, endpoint_id=endpoint_id) == []
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        await record_attempts(db, [attempt_record(claimed)])
    for _ in range(PER_HOUR - 1):
        await replay_delivery(ctx, actor=actor, delivery_id=old.delivery_id)
    with pytest.raises(RateLimited):
        await retry_delivery(ctx, actor=actor, delivery_id=made)


async def test_retries_of_a_replay_that_failed_are_one_replay(
    ctx: AppContext, organization: UUID
) -> None:
    """One that failed and was retried nine times used up the replays of the hour."""
    _, old = await tried(ctx, organization, "delivered")
    actor = actor_of(organization)
    last = (await replay_delivery(ctx, actor=actor, delivery_id=old.delivery_id)).delivery_id
    async with reconnecting(ctx) as db:
        for _ in range(PER_HOUR - 1):
            (claimed,) = await claim_some(db)
            await record_attempts(db, [failed(claimed, wait_s=3600.0)])
            last = await retry_delivery(ctx, actor=actor, delivery_id=last)
    for _ in range(PER_HOUR - 1):
        await replay_delivery(ctx, actor=actor, delivery_id=old.delivery_id)
    with pytest.raises(RateLimited):
        await replay_delivery(ctx, actor=actor, delivery_id=old.delivery_id)


async def test_two_retries_at_once_make_one(ctx: AppContext, organization: UUID) -> None:
    """The second waits for the first one's lock, and then finds and names its record."""
    _, old = await tried(ctx, organization)
    actor = actor_of(organization)
    results = await asyncio.gather(
        *(retry_delivery(ctx, actor=actor, delivery_id=old.delivery_id) for _ in range(6)),
        return_exceptions=True,
    )
    made = [one for one in results if isinstance(one, UUID)]
    refused = [one for one in results if isinstance(one, AlreadyRetried)]
    assert (len(made), len(refused)) == (1, 5)
    assert {error.data["delivery_id"] for error in refused} == {str(made[0])}
    assert await count(ctx) == 2
    with pytest.raises(asyncpg.UniqueViolationError):
        await ctx.database.pool.execute(
            "INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq,"
            " replay, retry_of_id) SELECT organization_id, environment, endpoint_id, event_seq,"
            " true, id FROM webhook_delivery WHERE id = $1",
            old.delivery_id,
        )


async def test_a_chain_of_retries_can_be_followed(ctx: AppContext, organization: UUID) -> None:
    _, old = await tried(ctx, organization)
    actor = actor_of(organization)
    chain = [old.delivery_id]
    for _ in range(3):
        chain.append(await retry_delivery(ctx, actor=actor, delivery_id=chain[-1]))
    for before, after in pairwise(chain):
        shown = await listing.delivery(ctx, actor=actor, delivery_id=after)
        assert shown["retry_of"] == before
        shown = await listing.delivery(ctx, actor=actor, delivery_id=before)
        assert (shown["retried_as"], shown["status"]) == (after, "retried")


async def test_what_cannot_be_retried_says_why(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        with pytest.raises(ValidationFailed, match="is being sent"):
            await retry_delivery(ctx, actor=actor, delivery_id=claimed.delivery_id)
    stranger = actor_of(organization, Environment.LIVE)
    with pytest.raises(NotFound):
        await retry_delivery(ctx, actor=stranger, delivery_id=claimed.delivery_id)
    await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed, match="Resume the endpoint first"):
        await retry_delivery(ctx, actor=actor, delivery_id=claimed.delivery_id)
    assert await count(ctx) == 1


async def test_a_retry_of_a_recoverys_replay_belongs_to_the_recovery(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, old = await tried(ctx, organization, "exhausted")
    actor = actor_of(organization)
    begun = await recovered(ctx, organization, endpoint_id)
    assert await recover_step(ctx)
    async with reconnecting(ctx) as db:
        (replayed,) = await claim_some(db)
        await record_attempts(db, [failed(replayed, wait_s=3600.0)])
        await retry_delivery(ctx, actor=actor, delivery_id=replayed.delivery_id)
        (again,) = await claim_some(db)
        await record_attempts(db, [attempt_record(again)])
    now = await recovery(ctx, actor=actor, recovery_id=begun.id)
    assert (now.queued, now.delivered, now.failed) == (1, 1, 0)
    assert (await delivery(ctx, old.delivery_id))["status"] == "exhausted"


async def test_a_retry_that_gives_up_is_missed_like_its_first(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, old = await tried(ctx, organization, "exhausted")
    await retry_delivery(ctx, actor=actor_of(organization), delivery_id=old.delivery_id)
    async with reconnecting(ctx) as db:
        (again,) = await claim_some(db)
        await record_attempts(db, [failed(again, status="exhausted")])
    assert (await recovered(ctx, organization, endpoint_id)).total == 1
