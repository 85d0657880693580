"""Settling: a batch in one statement, fenced, repeatable, and what 410 does."""

from __future__ import annotations

from uuid import UUID

from privata.infra.kernel import Kernel
from privata.webhooks.engine.settling import settle
from privata.webhooks.tests.deliveries import (
    attempts,
    claim_some,
    count,
    delivery,
    end_leases,
    endpoint,
    line,
    make_due,
    publish_order,
    settlement,
)


async def test_a_batch_is_settled_whole(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    for _ in range(3):
        await publish_order(kernel, organization)
    async with line(kernel) as db:
        good, retried, over = await claim_some(db)
        settled = await settle(
            db,
            [
                settlement(good),
                settlement(retried, status="pending", wait_s=60.0, outcome="http_error",
                           status_code=500),
                settlement(over, status="exhausted", outcome="timeout", status_code=None,
                           address=None, response_headers=None),
            ],
        )  # fmt: skip
    assert (settled.count, settled.places) == (3, {(organization, "test")})
    row = await delivery(kernel, good.delivery_id)
    assert row["status"] == "delivered"
    assert row["delivered_at"] is not None
    assert (row["attempts"], row["in_flight"], row["last_status_code"]) == (1, False, 200)
    assert row["first_attempt_at"] == row["last_attempt_at"] == good.claimed_at
    row = await delivery(kernel, retried.delivery_id)
    assert (row["status"], row["attempts"], row["last_outcome"]) == ("pending", 1, "http_error")
    assert 55 < (row["due_at"] - retried.claimed_at).total_seconds() < 70
    row = await delivery(kernel, over.delivery_id)
    assert (row["status"], row["delivered_at"]) == ("exhausted", None)
    (kept,) = await attempts(kernel, good.delivery_id)
    assert (kept["number"], kept["stale"], kept["outcome"]) == (1, False, "delivered")
    assert kept["response_headers"] == '[["server", "x"]]'


async def test_our_own_fault_costs_no_attempt(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        ours = settlement(
            claimed, status="pending", spent=False, wait_s=5.0, outcome="internal", status_code=None
        )
        await settle(db, [ours])
    row = await delivery(kernel, claimed.delivery_id)
    assert (row["status"], row["attempts"], row["first_attempt_at"]) == ("pending", 0, None)
    assert row["last_outcome"] == "internal"


async def test_who_lost_the_lease_changes_nothing(kernel: Kernel, organization: UUID) -> None:
    """A worker that stood still settles after another one: recorded as stale, and no more."""
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (zombie,) = await claim_some(db)
        await end_leases(kernel)
        (owner,) = await claim_some(db)
        late = settlement(zombie, status="exhausted", outcome="timeout", gone=True)
        assert (await settle(db, [late])).count == 0
        assert await count(kernel, "status = 'pending' AND in_flight") == 1
        assert (await settle(db, [settlement(owner)])).count == 1
    row = await delivery(kernel, zombie.delivery_id)
    assert (row["status"], row["attempts"]) == ("delivered", 1)
    kept = [(one["lease_token"], one["stale"]) for one in await attempts(kernel, row["id"])]
    assert kept == [(1, True), (2, False)]
    active = await kernel.database.pool.fetchval("SELECT status FROM webhook_endpoint")
    assert active == "active"


async def test_both_leases_of_one_delivery_in_one_batch(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (old,) = await claim_some(db)
        await end_leases(kernel)
        (new,) = await claim_some(db)
        settled = await settle(db, [settlement(old, status="exhausted"), settlement(new)])
    assert settled.count == 1
    assert (await delivery(kernel, new.delivery_id))["status"] == "delivered"
    kept = {one["lease_token"]: one["stale"] for one in await attempts(kernel, new.delivery_id)}
    assert kept == {1: True, 2: False}


async def test_a_batch_whose_answer_was_lost_is_sent_again(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        failed = settlement(claimed, status="pending", wait_s=60.0)
        assert (await settle(db, [failed])).count == 1
        assert (await settle(db, [failed])).count == 0
    row = await delivery(kernel, claimed.delivery_id)
    assert (row["attempts"], row["status"]) == (1, "pending")
    (kept,) = await attempts(kernel, claimed.delivery_id)
    assert kept["stale"] is False


async def test_410_pauses_the_endpoint_and_holds_the_rest(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization, (1, 2))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        gone = settlement(head, status="pending", wait_s=60.0, gone=True, status_code=410)
        await settle(db, [gone])
        row = await kernel.database.pool.fetchrow("SELECT * FROM webhook_endpoint")
        assert row is not None
        assert (row["status"], row["paused_reason"]) == ("paused", "gone")
        assert row["paused_at"] is not None
        await make_due(kernel)
        assert await claim_some(db) == []
    assert await count(kernel, "status = 'pending'") == 2


async def test_410_of_a_url_that_was_changed_meanwhile_pauses_nothing(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        await kernel.database.pool.execute("UPDATE webhook_endpoint SET url = 'http://localhost:2'")
        await settle(db, [settlement(head, status="pending", gone=True, status_code=410)])
    status = await kernel.database.pool.fetchval("SELECT status FROM webhook_endpoint")
    assert status == "active"
