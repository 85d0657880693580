"""What a claim takes: fair over endpoints, heads of ordering keys, within caps, and nothing
twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from privata.core.standing import OrganizationStatus, webhooks_go
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import create_endpoint, pause_endpoint
from privata.webhooks.engine.claim_sql import CLAIM
from privata.webhooks.engine.claims import Claim, claim, oldest_due_age, seconds_to_next_due
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.engine.slots import Account, Known, Room
from privata.webhooks.tests.deliveries import (
    LEASE_S,
    actor_of,
    attempt_record,
    claim_some,
    delivery,
    end_leases,
    endpoint,
    granted,
    publish_order,
    reconnecting,
)


async def test_a_claim_brings_all_that_is_needed(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, secret = await endpoint(ctx, organization)
    order_id = await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
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
    opened = ctx.sealer.unseal(sealed.sealed, f"webhook_secret:{sealed.id}")
    assert opened.decode() == secret
    row = await delivery(ctx, claimed.delivery_id)
    assert row["in_flight"]
    assert (row["leased_until"] - claimed.claimed_at).total_seconds() == LEASE_S


async def test_a_leased_delivery_is_not_claimed_again_before_its_end(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (first,) = await claim_some(db)
        assert await claim_some(db) == []
        await end_leases(ctx)
        (second,) = await claim_some(db)
    assert second.delivery_id == first.delivery_id
    assert second.lease_token == first.lease_token + 1


async def test_claims_at_the_same_moment_share_the_work(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    for _ in range(40):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as a, reconnecting(ctx) as b:
        taken: list[list[Claim]] = []
        for _ in range(10):
            taken += await asyncio.gather(claim_some(a, 5), claim_some(b, 5))
    ids = [one.delivery_id for batch in taken for one in batch]
    assert len(ids) == len(set(ids)) == 40


async def test_every_endpoint_gets_its_share(ctx: AppContext, organization: UUID) -> None:
    """One with a long backlog takes what its cap allows, and the others come at once."""
    hog, _ = await endpoint(ctx, organization)
    for _ in range(60):
        await publish_order(ctx, organization)
    others = [(await endpoint(ctx, organization))[0] for _ in range(4)]
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        claimed = await claim_some(db, 12, per_endpoint=8, busy={hog: 5})
        shares = Counter(one.endpoint_id for one in claimed)
        assert shares == {hog: 3, **dict.fromkeys(others, 1)}
        # The one with sends under way stands behind those without.
        await publish_order(ctx, organization)
        behind = await claim_some(db, 4, per_endpoint=8, busy={hog: 7})
    assert {one.endpoint_id for one in behind} == set(others)


async def test_an_endpoint_at_its_cap_is_left_alone(ctx: AppContext, organization: UUID) -> None:
    full, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        assert await claim_some(db, per_endpoint=2, busy={full: 2}) == []
        assert len(await claim_some(db, per_endpoint=2, busy={full: 1})) == 1


async def test_first_attempts_go_before_late_retries(ctx: AppContext, organization: UUID) -> None:
    await endpoint(ctx, organization)
    late = [await publish_order(ctx, organization) for _ in range(3)]
    async with reconnecting(ctx) as db:
        batch = [attempt_record(one, status="pending") for one in await claim_some(db)]
        await record_attempts(db, batch)
        fresh = [await publish_order(ctx, organization) for _ in range(3)]
        first = await claim_some(db, 3)
        assert {one.event_id.split(":")[0] for one in first} == set(fresh)
        rest = await claim_some(db, 3)
    assert {one.event_id.split(":")[0] for one in rest} == set(late)
    assert all(one.attempts == 1 for one in rest)


async def test_an_ordering_key_gives_its_head_only(ctx: AppContext, organization: UUID) -> None:
    await endpoint(ctx, organization)
    order_id = await publish_order(ctx, organization, (1, 2, 3))
    async with reconnecting(ctx) as db:
        for seq in (1, 2, 3):
            (head,) = await claim_some(db)
            assert head.event_id.startswith(f"{order_id}:step_{seq}:")
            assert await claim_some(db) == []
            recorded = await record_attempts(db, [attempt_record(head)])
            assert recorded.moved is (seq < 3)


@pytest.mark.parametrize("status", ["pending", "exhausted", "delivered"])
async def test_an_ordering_key_moves_on_after_the_first_attempt_whatever_its_end(
    ctx: AppContext, organization: UUID, status: str
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization, (1, 2))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        await record_attempts(db, [attempt_record(head, status=status, wait_s=60.0)])
        (follower,) = await claim_some(db)
    assert ":step_2:" in follower.event_id


async def test_what_became_due_since_the_claim_is_claimed_at_once(
    ctx: AppContext, organization: UUID
) -> None:
    """What was due a moment after the claim and before the question was seen by neither."""
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        await record_attempts(db, [attempt_record(claimed, status="pending", wait_s=0.05)])
        assert await claim_some(db) == []
        claimed_at = time.monotonic()
        await asyncio.sleep(0.1)
        assert await seconds_to_next_due(db) is None
        wait = await seconds_to_next_due(db, time.monotonic() - claimed_at)
        assert wait is not None
        assert wait <= 0
        assert len(await claim_some(db)) == 1


async def test_an_ordering_key_waits_for_a_head_whose_attempt_did_not_count(
    ctx: AppContext, organization: UUID
) -> None:
    """A fault of ours may have come before the first byte, so the order is kept."""
    await endpoint(ctx, organization)
    await publish_order(ctx, organization, (1, 2))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        await record_attempts(
            db, [attempt_record(head, status="pending", spent=False, wait_s=60.0)]
        )
        assert await claim_some(db) == []
        wait = await seconds_to_next_due(db)
        assert wait is not None
        assert 30 < wait <= 60


async def test_two_workers_never_hold_two_first_attempts_of_one_ordering_key(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    orders = [await publish_order(ctx, organization, range(1, 6)) for _ in range(6)]
    received: list[str] = []
    held: set[str] = set()

    async def worker() -> None:
        async with reconnecting(ctx) as db:
            while len(received) < 30:
                claimed = await claim_some(db, 3)
                ordering_keys = [one.event_id.split(":")[0] for one in claimed]
                assert len(set(ordering_keys)) == len(ordering_keys)
                assert not held & set(ordering_keys)
                held.update(ordering_keys)
                await asyncio.sleep(0.002)
                received.extend(one.event_id for one in claimed)
                held.difference_update(ordering_keys)
                if claimed:
                    await record_attempts(db, [attempt_record(one) for one in claimed])

    await asyncio.gather(worker(), worker(), worker())
    for order_id in orders:
        steps = [event.split(":")[1] for event in received if event.startswith(order_id)]
        assert steps == [f"step_{seq}" for seq in range(1, 6)]


async def test_a_paused_endpoint_is_not_claimed_from(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        assert await claim_some(db) == []
        assert await seconds_to_next_due(db) is None
    assert await oldest_due_age(ctx.database.pool) is None


async def test_only_secrets_that_are_valid_come_along_oldest_first(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    current = await ctx.database.pool.fetchval("SELECT id FROM webhook_secret")
    for minutes in (-1, 5):
        await ctx.database.pool.execute(
            "INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed,"
            " hint, created_at, expires_at)"
            " VALUES ($3, 'test', gen_random_uuid(), $1, '\\x00', 'x', now() - interval '1 day',"
            " now() + make_interval(mins => $2))",
            endpoint_id,
            minutes,
            organization,
        )
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
    old, new = claimed.secrets
    assert new.id == current
    assert new.expires_at is None
    assert old.expires_at is not None
    assert old.expires_at > claimed.claimed_at


async def test_the_oldest_due_delivery_is_watched(ctx: AppContext, organization: UUID) -> None:
    await endpoint(ctx, organization)
    assert await oldest_due_age(ctx.database.pool) is None
    await publish_order(ctx, organization)
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET updated_at = now() - interval '1 hour'"
    )
    await ctx.database.pool.execute("UPDATE webhook_due SET due_at = now() - interval '90 s'")
    age = await oldest_due_age(ctx.database.pool)
    assert age is not None
    assert 90 <= age < 120


async def _organization(ctx: AppContext, status: str = "approved") -> UUID:
    made = uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', $2)", made, status
    )
    return made


async def test_organizations_share_before_endpoints_do(ctx: AppContext, organization: UUID) -> None:
    """One with many endpoints takes what its share allows, and another comes at once."""
    for _ in range(6):
        await endpoint(ctx, organization)
    for _ in range(3):
        await publish_order(ctx, organization)
    other = await _organization(ctx)
    await endpoint(ctx, other)
    await publish_order(ctx, other)
    account = Account(organization, "test", False)
    async with reconnecting(ctx) as db:
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
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await create_endpoint(
        ctx,
        actor=actor_of(organization, Environment.LIVE),
        url="https://1.1.1.1/hook",
        alias="Live",
        channel="order",
    )
    for environment in Environment:
        for _ in range(8):
            await publish_order(ctx, organization, environment=environment)
    async with reconnecting(ctx) as db:
        first = await claim_some(db, 6)
        assert [one.environment for one in first] == ["live"] * 6
        room = Room(9, 9, 0, 1, 2, 0, 0)
        grant = replace(granted(9, 9, 0), room=room)
        rest = await claim(db, grant=grant, lease_s=LEASE_S, per_endpoint=16)
    assert Counter(one.environment for one in rest) == {"live": 1, "test": 2}


async def test_within_an_organization_quick_endpoints_go_first(
    ctx: AppContext, organization: UUID
) -> None:
    slow, _ = await endpoint(ctx, organization)
    quick, _ = await endpoint(ctx, organization)
    unknown, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    known = {slow: Known(0, 2, 4.7), quick: Known(0, 16, 0.01)}
    async with reconnecting(ctx) as db:
        grant = replace(granted(1, 1, 0), endpoints=known)
        order = [
            (await claim(db, grant=grant, lease_s=LEASE_S, per_endpoint=16))[0].endpoint_id
            for _ in range(3)
        ]
    assert order == [quick, unknown, slow]


@pytest.mark.parametrize("status", list(OrganizationStatus))
@pytest.mark.parametrize("environment", list(Environment))
async def test_deliveries_are_held_where_the_status_says_so_and_go_out_later(
    ctx: AppContext, organization: UUID, status: OrganizationStatus, environment: Environment
) -> None:
    """A rejected organization had gone on."""
    url = "http://localhost:1/" if environment is Environment.TEST else "https://1.1.1.1/hook"
    await create_endpoint(
        ctx,
        actor=actor_of(organization, environment),
        url=url,
        alias="Orders",
        channel="order",
    )
    await publish_order(ctx, organization, environment=environment)
    move = "UPDATE organization SET status = $2 WHERE id = $1"
    await ctx.database.pool.execute(move, organization, status.value)
    goes = webhooks_go(status, environment)
    async with reconnecting(ctx) as db:
        assert (await oldest_due_age(ctx.database.pool) is not None) is goes
        assert len(await claim_some(db)) == (1 if goes else 0)
        await ctx.database.pool.execute(move, organization, "approved")
        assert len(await claim_some(db)) == (0 if goes else 1)


async def test_a_claim_is_prepared_once_for_each_connection(
    ctx: AppContext, organization: UUID
) -> None:
    """Longer than 15 KB it was planned anew for every claim, which took twenty times as long."""
    await endpoint(ctx, organization)
    async with reconnecting(ctx) as db:
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
