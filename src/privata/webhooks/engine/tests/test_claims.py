"""What a claim takes: fair over endpoints, heads of lanes, within caps, and nothing twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from privata.core.standing import OrganizationStatus, webhooks_go
from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.webhooks.endpoints.service import create_endpoint, pause_endpoint
from privata.webhooks.engine.claim_sql import CLAIM
from privata.webhooks.engine.claims import claim, oldest_due_age, seconds_to_next_due
from privata.webhooks.engine.settling import settle
from privata.webhooks.engine.slots import Account, Known, Room
from privata.webhooks.tests.deliveries import (
    LEASE_S,
    actor_of,
    claim_some,
    delivery,
    end_leases,
    endpoint,
    granted,
    line,
    publish_order,
    settlement,
)


async def test_a_claim_brings_all_that_is_needed(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, secret = await endpoint(kernel, organization)
    order_id = await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
    assert claimed.endpoint_id == endpoint_id
    assert (claimed.url, claimed.dialect, claimed.environment) == (
        "http://localhost:1/hook",
        "privata",
        "test",
    )
    assert claimed.event_id == f"{order_id}:step_1:1760000000000"
    assert order_id.encode() in claimed.body
    assert (claimed.attempts, claimed.lease_token, claimed.first_attempt_at) == (0, 1, None)
    (sealed,) = claimed.secrets
    opened = kernel.sealer.unseal(sealed.sealed, f"webhook_secret:{sealed.id}")
    assert opened.decode() == secret
    row = await delivery(kernel, claimed.delivery_id)
    assert row["in_flight"]
    assert (row["due_at"] - claimed.claimed_at).total_seconds() == LEASE_S


async def test_a_leased_delivery_is_not_claimed_again_before_its_end(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (first,) = await claim_some(db)
        assert await claim_some(db) == []
        await end_leases(kernel)
        (second,) = await claim_some(db)
    assert second.delivery_id == first.delivery_id
    assert second.lease_token == first.lease_token + 1


async def test_claims_at_the_same_moment_share_the_work(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    for _ in range(40):
        await publish_order(kernel, organization)
    async with line(kernel) as a, line(kernel) as b:
        taken = []
        for _ in range(10):
            taken += await asyncio.gather(claim_some(a, 5), claim_some(b, 5))
    ids = [one.delivery_id for batch in taken for one in batch]
    assert len(ids) == len(set(ids)) == 40


async def test_every_endpoint_gets_its_share(kernel: Kernel, organization: UUID) -> None:
    """One with a long backlog takes what its cap allows, and the others come at once."""
    hog, _ = await endpoint(kernel, organization)
    for _ in range(60):
        await publish_order(kernel, organization)
    others = [(await endpoint(kernel, organization))[0] for _ in range(4)]
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        claimed = await claim_some(db, 12, per_endpoint=8, busy={hog: 5})
        shares = Counter(one.endpoint_id for one in claimed)
        assert shares == {hog: 3, **dict.fromkeys(others, 1)}
        # The one with sends under way stands behind those without.
        await publish_order(kernel, organization)
        behind = await claim_some(db, 4, per_endpoint=8, busy={hog: 7})
    assert {one.endpoint_id for one in behind} == set(others)


async def test_an_endpoint_at_its_cap_is_left_alone(kernel: Kernel, organization: UUID) -> None:
    full, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        assert await claim_some(db, per_endpoint=2, busy={full: 2}) == []
        assert len(await claim_some(db, per_endpoint=2, busy={full: 1})) == 1


async def test_first_attempts_go_before_late_retries(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    late = [await publish_order(kernel, organization) for _ in range(3)]
    async with line(kernel) as db:
        batch = [settlement(one, status="pending") for one in await claim_some(db)]
        await settle(db, batch)
        fresh = [await publish_order(kernel, organization) for _ in range(3)]
        first = await claim_some(db, 3)
        assert {one.event_id.split(":")[0] for one in first} == set(fresh)
        rest = await claim_some(db, 3)
    assert {one.event_id.split(":")[0] for one in rest} == set(late)
    assert all(one.attempts == 1 for one in rest)


async def test_a_lane_gives_its_head_only(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    order_id = await publish_order(kernel, organization, (1, 2, 3))
    async with line(kernel) as db:
        for seq in (1, 2, 3):
            (head,) = await claim_some(db)
            assert head.event_id.startswith(f"{order_id}:step_{seq}:")
            assert await claim_some(db) == []
            settled = await settle(db, [settlement(head)])
            assert settled.moved is (seq < 3)


@pytest.mark.parametrize("status", ["pending", "exhausted", "delivered"])
async def test_a_lane_moves_on_after_the_first_attempt_whatever_its_end(
    kernel: Kernel, organization: UUID, status: str
) -> None:
    await endpoint(kernel, organization)
    await publish_order(kernel, organization, (1, 2))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        await settle(db, [settlement(head, status=status, wait_s=60.0)])
        (follower,) = await claim_some(db)
    assert ":step_2:" in follower.event_id


async def test_what_became_due_since_the_claim_is_claimed_at_once(
    kernel: Kernel, organization: UUID
) -> None:
    """What was due a moment after the claim and before the question was seen by neither."""
    await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
        await settle(db, [settlement(claimed, status="pending", wait_s=0.05)])
        assert await claim_some(db) == []
        claimed_at = time.monotonic()
        await asyncio.sleep(0.1)
        assert await seconds_to_next_due(db) is None
        wait = await seconds_to_next_due(db, time.monotonic() - claimed_at)
        assert wait is not None
        assert wait <= 0
        assert len(await claim_some(db)) == 1


async def test_a_lane_waits_for_a_head_whose_attempt_did_not_count(
    kernel: Kernel, organization: UUID
) -> None:
    """A fault of ours may have come before the first byte, so the order is kept."""
    await endpoint(kernel, organization)
    await publish_order(kernel, organization, (1, 2))
    async with line(kernel) as db:
        (head,) = await claim_some(db)
        await settle(db, [settlement(head, status="pending", spent=False, wait_s=60.0)])
        assert await claim_some(db) == []
        wait = await seconds_to_next_due(db)
        assert wait is not None
        assert 30 < wait <= 60


async def test_two_workers_never_hold_two_first_attempts_of_one_lane(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    orders = [await publish_order(kernel, organization, range(1, 6)) for _ in range(6)]
    received: list[str] = []
    held: set[str] = set()

    async def worker() -> None:
        async with line(kernel) as db:
            while len(received) < 30:
                claimed = await claim_some(db, 3)
                lanes = [one.event_id.split(":")[0] for one in claimed]
                assert len(set(lanes)) == len(lanes)
                assert not held & set(lanes)
                held.update(lanes)
                await asyncio.sleep(0.002)
                received.extend(one.event_id for one in claimed)
                held.difference_update(lanes)
                if claimed:
                    await settle(db, [settlement(one) for one in claimed])

    await asyncio.gather(worker(), worker(), worker())
    for order_id in orders:
        steps = [event.split(":")[1] for event in received if event.startswith(order_id)]
        assert steps == [f"step_{seq}" for seq in range(1, 6)]


async def test_a_paused_endpoint_is_not_claimed_from(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    actor = actor_of(organization)
    await pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    async with line(kernel) as db:
        assert await claim_some(db) == []
        assert await seconds_to_next_due(db) is None
    assert await oldest_due_age(kernel.database.pool) is None


async def test_only_secrets_that_are_valid_come_along_oldest_first(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    current = await kernel.database.pool.fetchval("SELECT id FROM webhook_secret")
    for minutes in (-1, 5):
        await kernel.database.pool.execute(
            "INSERT INTO webhook_secret (id, endpoint_id, sealed, hint, created_at, expires_at)"
            " VALUES (gen_random_uuid(), $1, '\\x00', 'x', now() - interval '1 day',"
            " now() + make_interval(mins => $2))",
            endpoint_id,
            minutes,
        )
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (claimed,) = await claim_some(db)
    old, new = claimed.secrets
    assert new.id == current
    assert new.expires_at is None
    assert old.expires_at is not None
    assert old.expires_at > claimed.claimed_at


async def test_the_oldest_due_delivery_is_watched(kernel: Kernel, organization: UUID) -> None:
    await endpoint(kernel, organization)
    assert await oldest_due_age(kernel.database.pool) is None
    await publish_order(kernel, organization)
    await kernel.database.pool.execute(
        "UPDATE webhook_endpoint SET updated_at = now() - interval '1 hour'"
    )
    await kernel.database.pool.execute(
        "UPDATE webhook_delivery SET due_at = now() - interval '90 s'"
    )
    age = await oldest_due_age(kernel.database.pool)
    assert age is not None
    assert 90 <= age < 120


async def _organization(kernel: Kernel, status: str = "approved") -> UUID:
    made = uuid4()
    await kernel.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', $2)", made, status
    )
    return made


async def test_organizations_share_before_endpoints_do(kernel: Kernel, organization: UUID) -> None:
    """One with many endpoints takes what its share allows, and another comes at once."""
    for _ in range(6):
        await endpoint(kernel, organization)
    for _ in range(3):
        await publish_order(kernel, organization)
    other = await _organization(kernel)
    await endpoint(kernel, other)
    await publish_order(kernel, other)
    account = Account(organization, "test", False)
    async with line(kernel) as db:
        room = granted(12, 12, 1)
        grant = replace(room, accounts={account: Known(5, 3, 4.7)}, first_of_account=2)
        taken = await claim(db, grant=grant, lease_s=LEASE_S, per_endpoint=16)
        assert Counter(one.organization_id for one in taken) == {organization: 3, other: 1}
        assert len({one.endpoint_id for one in taken if one.organization_id == organization}) <= 3
        full = replace(room, accounts={account: Known(8, 0, 4.7)})
        assert await claim(db, grant=full, lease_s=LEASE_S, per_endpoint=16) == []
        # Nobody that is not known takes more than the first share.
        assert len(await claim(db, grant=replace(room, first_of_account=2), lease_s=LEASE_S,
                               per_endpoint=16)) == 2  # fmt: skip


async def test_live_goes_before_test_and_each_keeps_to_its_slots(
    kernel: Kernel, organization: UUID
) -> None:
    await endpoint(kernel, organization)
    await create_endpoint(
        kernel,
        actor=actor_of(organization, Environment.LIVE),
        url="https://1.1.1.1/hook",
        alias="Live",
        channel="order",
    )
    for environment in Environment:
        for _ in range(8):
            await publish_order(kernel, organization, environment=environment)
    async with line(kernel) as db:
        first = await claim_some(db, 6)
        assert [one.environment for one in first] == ["live"] * 6
        room = Room(9, 9, 0, 1, 2, 0, 0)
        grant = replace(granted(9, 9, 0), room=room)
        rest = await claim(db, grant=grant, lease_s=LEASE_S, per_endpoint=16)
    assert Counter(one.environment for one in rest) == {"live": 1, "test": 2}


async def test_within_an_organization_quick_endpoints_go_first(
    kernel: Kernel, organization: UUID
) -> None:
    slow, _ = await endpoint(kernel, organization)
    quick, _ = await endpoint(kernel, organization)
    unknown, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    known = {slow: Known(0, 2, 4.7), quick: Known(0, 16, 0.01)}
    async with line(kernel) as db:
        grant = replace(granted(1, 1, 0), endpoints=known)
        order = [
            (await claim(db, grant=grant, lease_s=LEASE_S, per_endpoint=16))[0].endpoint_id
            for _ in range(3)
        ]
    assert order == [quick, unknown, slow]


@pytest.mark.parametrize("status", list(OrganizationStatus))
@pytest.mark.parametrize("environment", list(Environment))
async def test_deliveries_are_held_where_the_status_says_so_and_go_out_later(
    kernel: Kernel, organization: UUID, status: OrganizationStatus, environment: Environment
) -> None:
    """A rejected organization had gone on."""
    url = "http://localhost:1/" if environment is Environment.TEST else "https://1.1.1.1/hook"
    await create_endpoint(
        kernel,
        actor=actor_of(organization, environment),
        url=url,
        alias="Orders",
        channel="order",
    )
    await publish_order(kernel, organization, environment=environment)
    move = "UPDATE organization SET status = $2 WHERE id = $1"
    await kernel.database.pool.execute(move, organization, status.value)
    goes = webhooks_go(status, environment)
    async with line(kernel) as db:
        assert (await oldest_due_age(kernel.database.pool) is not None) is goes
        assert len(await claim_some(db)) == (1 if goes else 0)
        await kernel.database.pool.execute(move, organization, "approved")
        assert len(await claim_some(db)) == (0 if goes else 1)


async def test_a_claim_is_prepared_once_for_each_connection(
    kernel: Kernel, organization: UUID
) -> None:
    """Longer than 15 KB it was planned anew for every claim, which took twenty times as long."""
    await endpoint(kernel, organization)
    async with line(kernel) as db:
        for _ in range(3):
            await claim_some(db)
        prepared = await db.fetch("SELECT name FROM pg_prepared_statements WHERE statement = $1",
                                  CLAIM)  # fmt: skip
        used = await db.fetch(
            "SELECT generic_plans + custom_plans AS plans FROM pg_prepared_statements"
            " WHERE statement = $1",
            CLAIM,
        )
    assert len(prepared) == 1
    assert used[0]["plans"] == 3
