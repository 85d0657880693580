"""An endpoint's own schedule, pace and ordering keys: what may be asked for, and what comes of
it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints.rules import MAX_PACE, checked_pace, checked_schedule
from privata.webhooks.endpoints.service import update_endpoint
from privata.webhooks.receiver.api import Behaviour
from privata.webhooks.schedule import (
    DEFAULT_SCHEDULE,
    LONGEST_S,
    MAX_RETRIES,
    schedule_for,
)
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    count,
    dispatching,
    endpoint,
    endpoint_row,
    make_due,
    publish_order,
    receiving,
    reconnecting,
    recorded,
)


@given(st.lists(st.integers(-5, LONGEST_S + 5), max_size=MAX_RETRIES + 3))
def test_a_schedule_rises_and_ends(offsets: list[int]) -> None:
    rising = all(a < b for a, b in zip([0, *offsets], offsets, strict=False))
    good = rising and len(offsets) <= MAX_RETRIES and (offsets or [1])[-1] <= LONGEST_S
    if not good:
        with pytest.raises(ValidationFailed):
            checked_schedule(offsets)
        return
    assert checked_schedule(offsets) == offsets
    schedule = schedule_for("privata", offsets)
    assert schedule.offsets == tuple(timedelta(seconds=each) for each in offsets)


def test_without_one_the_dialect_decides() -> None:
    assert checked_schedule(None) is None
    for dialect in ("privata", "standard", "slack"):
        assert schedule_for(dialect, None) is DEFAULT_SCHEDULE


@pytest.mark.parametrize("pace", [0, -1, MAX_PACE + 1])
def test_a_pace_is_bounded(pace: int) -> None:
    with pytest.raises(ValidationFailed):
        checked_pace(pace)


async def test_what_is_given_is_changed_and_audited(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, schedule_s=[5, 60])
    await update_endpoint(
        ctx, actor=actor, endpoint_id=endpoint_id, strict_ordering=True, pace_per_s=7
    )
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["schedule_s"], row["strict_ordering"], row["pace_per_s"]) == ([5, 60], True, 7)
    await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, schedule_s=None)
    assert (await endpoint_row(ctx, endpoint_id))["schedule_s"] is None
    await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=7)
    noted = await ctx.database.pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE action = 'endpoint.updated'"
    )
    assert noted == 3  # the last one changed nothing
    live = actor_of(organization, Environment.LIVE)
    with pytest.raises(NotFound):
        await update_endpoint(ctx, actor=live, endpoint_id=endpoint_id, pace_per_s=1)


async def test_a_claim_brings_the_schedule(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, schedule_s=[2, 9])
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
    assert claimed.schedule_s == (2, 9)


async def test_the_own_schedule_is_kept_to_its_end(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        app.behaviour = Behaviour("fail", 500)
        actor = actor_of(organization)
        await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, schedule_s=[1000, 9000])
        await publish_order(ctx, organization)
        for number, waits in ((1, (990, 1100)), (2, (8190, 9000))):
            await recorded(ctx, number)
            wait = await ctx.database.pool.fetchval("SELECT due_at - now() FROM webhook_due")
            assert waits[0] < wait.total_seconds() <= waits[1]
            await make_due(ctx)
        await recorded(ctx, 3)
        assert await count(ctx, "status = 'exhausted' AND attempts = 3") == 1


async def test_an_empty_schedule_means_one_attempt(ctx: AppContext, organization: UUID) -> None:
    async with receiving(ctx, organization) as (app, endpoint_id), dispatching(ctx):
        app.behaviour = Behaviour("fail", 500)
        actor = actor_of(organization)
        await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, schedule_s=[])
        await publish_order(ctx, organization)
        await recorded(ctx, 1)
        assert await count(ctx, "status = 'exhausted' AND attempts = 1") == 1
