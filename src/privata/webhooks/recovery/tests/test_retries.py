"""A retry is a new delivery that takes over; the old one is done with, and both name each other."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import AlreadyRetried, NotFound, RateLimited, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.settling import settle
from privata.webhooks.recovery.recoveries import Progress, recover, recovery
from privata.webhooks.recovery.recovering import recover_step
from privata.webhooks.recovery.replays import PER_HOUR, replay_delivery
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    count,
    delivery,
    endpoint,
    failed,
    line,
    publish_order,
    settlement,
)


async def tried(kernel: Kernel, organization: UUID, status: str = "pending") -> tuple[UUID, Claim]:
    """An endpoint, and its one delivery after an attempt that ended so."""
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        done = failed(claimed, status=status, wait_s=3600.0)
        await settle(db, [settlement(claimed) if status == "delivered" else done])
    return endpoint_id, claimed


async def recovered(kernel: Kernel, organization: UUID, endpoint_id: UUID) -> Progress:
    since = await kernel.database.pool.fetchval("SELECT now() - interval '1 hour'")
    actor = actor_of(organization)
    return await recover(kernel, actor=actor, endpoint_id=endpoint_id, since=since)


@pytest.mark.parametrize("status", ["pending", "exhausted"])
async def test_a_retry_is_a_new_record_and_the_old_schedule_ends(
    kernel: Kernel, organization: UUID, status: str
) -> None:
    """It was attempt 2 of the same record."""
    endpoint_id, old = await tried(kernel, organization, status)
    actor = actor_of(organization)
    made = await retry_delivery(kernel, actor=actor, delivery_id=old.delivery_id)
    ended, new = await delivery(kernel, old.delivery_id), await delivery(kernel, made)
    assert (ended["status"], ended["attempts"]) == ("retried", 1)
    assert (new["status"], new["attempts"], new["replay"]) == ("pending", 0, False)
    assert (new["retry_of_id"], new["event_seq"]) == (old.delivery_id, ended["event_seq"])
    await kernel.database.pool.execute("UPDATE webhook_delivery SET due_at = now()")
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)  # the old one never again
        assert (claimed.delivery_id, claimed.attempts) == (made, 0)
        assert (claimed.event_id, claimed.body) == (old.event_id, old.body)
        await settle(db, [settlement(claimed)])
    assert await undelivered(kernel, actor=actor, endpoint_id=endpoint_id) == []
    rows, _ = await listing.deliveries(kernel, actor=actor, query=listing.DeliveryQuery())
    shown = {row["delivery_id"]: row for row in rows}
    assert shown[old.delivery_id]["status"] == "retried"
    assert shown[old.delivery_id]["retried_as"] == made
    assert shown[old.delivery_id]["next_attempt_at"] is None
    assert shown[made]["retry_of"] == old.delivery_id
    noted = await kernel.database.pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE action = 'delivery.retried'"
    )
    assert noted == 1


async def test_what_is_owed_is_its_retry(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, old = await tried(kernel, organization, "exhausted")
    actor = actor_of(organization)
    made = await retry_delivery(kernel, actor=actor, delivery_id=old.delivery_id)
    (owed,) = await undelivered(kernel, actor=actor, endpoint_id=endpoint_id)
    assert (owed.delivery_id, owed.state) == (made, "queued")
    for status, expected in (("retried", [old.delivery_id]), ("undelivered", [made])):
        query = listing.DeliveryQuery(status=listing.DeliveryFilter(status))
        rows, _ = await listing.deliveries(kernel, actor=actor, query=query)
        assert [row["delivery_id"] for row in rows] == expected


async def test_one_that_was_delivered_is_retried_too_and_stays_delivered(
    kernel: Kernel, organization: UUID
) -> None:
    """It was refused. Its retry is owed by nobody and counts as a replay of the hour."""
    endpoint_id, old = await tried(kernel, organization, "delivered")
    actor = actor_of(organization)
    made = await retry_delivery(kernel, actor=actor, delivery_id=old.delivery_id)
    assert (await delivery(kernel, old.delivery_id))["status"] == "delivered"
    new = await delivery(kernel, made)
    assert (new["replay"], new["retry_of_id"]) == (True, old.delivery_id)
    assert await undelivered(kernel, actor=actor, endpoint_id=endpoint_id) == []
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        await settle(db, [settlement(claimed)])
    for _ in range(PER_HOUR - 1):
        await replay_delivery(kernel, actor=actor, delivery_id=old.delivery_id)
    with pytest.raises(RateLimited):
        await retry_delivery(kernel, actor=actor, delivery_id=made)


async def test_retries_of_a_replay_that_failed_are_one_replay(
    kernel: Kernel, organization: UUID
) -> None:
    """One that failed and was retried nine times used up the replays of the hour."""
    _, old = await tried(kernel, organization, "delivered")
    actor = actor_of(organization)
    last = (await replay_delivery(kernel, actor=actor, delivery_id=old.delivery_id)).delivery_id
    async with line(kernel) as db:
        for _ in range(PER_HOUR - 1):
            (claimed,) = await claim_some(db)
            await settle(db, [failed(claimed, wait_s=3600.0)])
            last = await retry_delivery(kernel, actor=actor, delivery_id=last)
    for _ in range(PER_HOUR - 1):
        await replay_delivery(kernel, actor=actor, delivery_id=old.delivery_id)
    with pytest.raises(RateLimited):
        await replay_delivery(kernel, actor=actor, delivery_id=old.delivery_id)


async def test_two_retries_at_once_make_one(kernel: Kernel, organization: UUID) -> None:
    """The second waits for the first one's lock, and then finds and names its record."""
    _, old = await tried(kernel, organization)
    actor = actor_of(organization)
    results = await asyncio.gather(
        *(retry_delivery(kernel, actor=actor, delivery_id=old.delivery_id) for _ in range(6)),
        return_exceptions=True,
    )
    made = [one for one in results if isinstance(one, UUID)]
    refused = [one for one in results if isinstance(one, AlreadyRetried)]
    assert (len(made), len(refused)) == (1, 5)
    assert {error.data["delivery_id"] for error in refused} == {str(made[0])}
    assert await count(kernel) == 2
    with pytest.raises(asyncpg.UniqueViolationError):
        await kernel.database.pool.execute(
            "INSERT INTO webhook_delivery (organization_id, environment, endpoint_id, event_seq,"
            " replay, retry_of_id) SELECT organization_id, environment, endpoint_id, event_seq,"
            " true, id FROM webhook_delivery WHERE id = $1",
            old.delivery_id,
        )


async def test_a_chain_of_retries_can_be_followed(kernel: Kernel, organization: UUID) -> None:
    _, old = await tried(kernel, organization)
    actor = actor_of(organization)
    chain = [old.delivery_id]
    for _ in range(3):
        chain.append(await retry_delivery(kernel, actor=actor, delivery_id=chain[-1]))
    for before, after in pairwise(chain):
        shown = await listing.delivery(kernel, actor=actor, delivery_id=after)
        assert shown["retry_of"] == before
        shown = await listing.delivery(kernel, actor=actor, delivery_id=before)
        assert (shown["retried_as"], shown["status"]) == (after, "retried")


async def test_what_cannot_be_retried_says_why(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    actor = actor_of(organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        with pytest.raises(ValidationFailed, match="is being sent"):
            await retry_delivery(kernel, actor=actor, delivery_id=claimed.delivery_id)
    stranger = actor_of(organization, Environment.LIVE)
    with pytest.raises(NotFound):
        await retry_delivery(kernel, actor=stranger, delivery_id=claimed.delivery_id)
    await pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed, match="Resume the endpoint first"):
        await retry_delivery(kernel, actor=actor, delivery_id=claimed.delivery_id)
    assert await count(kernel) == 1


async def test_a_retry_of_a_recoverys_replay_belongs_to_the_recovery(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, old = await tried(kernel, organization, "exhausted")
    actor = actor_of(organization)
    begun = await recovered(kernel, organization, endpoint_id)
    assert await recover_step(kernel)
    async with line(kernel) as db:
        (replayed,) = await claim_some(db)
        await settle(db, [failed(replayed, wait_s=3600.0)])
        await retry_delivery(kernel, actor=actor, delivery_id=replayed.delivery_id)
        (again,) = await claim_some(db)
        await settle(db, [settlement(again)])
    now = await recovery(kernel, actor=actor, recovery_id=begun.id)
    assert (now.queued, now.delivered, now.failed) == (1, 1, 0)
    assert (await delivery(kernel, old.delivery_id))["status"] == "exhausted"


async def test_a_retry_that_gives_up_is_missed_like_its_first(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, old = await tried(kernel, organization, "exhausted")
    await retry_delivery(kernel, actor=actor_of(organization), delivery_id=old.delivery_id)
    async with line(kernel) as db:
        (again,) = await claim_some(db)
        await settle(db, [failed(again, status="exhausted")])
    assert (await recovered(kernel, organization, endpoint_id)).total == 1
