"""How many endpoints an organization may have: by plan, exact when many are added at once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from privata.core.errors import EndpointLimit
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.organizations.plans import PLANS, TEST_ENDPOINTS, Plan
from privata.webhooks.endpoints.service import create_endpoint, disable_endpoint, pause_endpoint
from privata.webhooks.tests.deliveries import actor_of

_FILL = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url)
SELECT gen_random_uuid(), $1, $2, 'order', 'Old', 'https://hooks.example/'
FROM generate_series(1, $3::int) RETURNING id
"""

_COUNT = "SELECT count(*) FROM webhook_endpoint WHERE environment = $1 AND status <> 'disabled'"


async def _one_more(ctx: AppContext, organization: UUID, environment: Environment) -> None:
    url = "http://localhost:1/" if environment is Environment.TEST else "https://1.1.1.1/hook"
    actor = actor_of(organization, environment)
    await create_endpoint(ctx, actor=actor, url=url, alias="One more", channel="order")


async def test_many_at_once_never_pass_the_cap(ctx: AppContext, organization: UUID) -> None:
    """One sandbox key had made 150."""
    pool = ctx.database.pool
    await pool.fetch(_FILL, organization, "test", TEST_ENDPOINTS - 2)
    ended = await asyncio.gather(
        *(_one_more(ctx, organization, Environment.TEST) for _ in range(6)),
        return_exceptions=True,
    )
    refused = [one for one in ended if isinstance(one, EndpointLimit)]
    assert len(refused) == 4
    assert [one for one in ended if one is not None and one not in refused] == []
    assert refused[0].data == {"limit": TEST_ENDPOINTS}
    assert "Disable one" in refused[0].message
    assert await pool.fetchval(_COUNT, "test") == TEST_ENDPOINTS
    # Live has a cap of its own.
    await _one_more(ctx, organization, Environment.LIVE)


async def test_the_plan_says_how_many_live_ones_there_may_be(
    ctx: AppContext, organization: UUID
) -> None:
    most = PLANS[Plan.TRIAL].live_endpoints
    pool = ctx.database.pool
    await pool.fetch(_FILL, organization, "live", most)
    with pytest.raises(EndpointLimit, match=f"limit of {most} live endpoints"):
        await _one_more(ctx, organization, Environment.LIVE)
    await pool.execute("UPDATE organization SET plan = 'starter' WHERE id = $1", organization)
    await _one_more(ctx, organization, Environment.LIVE)


async def test_a_disabled_one_makes_room(ctx: AppContext, organization: UUID) -> None:
    pool = ctx.database.pool
    rows = await pool.fetch(_FILL, organization, "test", TEST_ENDPOINTS)
    actor = actor_of(organization)
    await disable_endpoint(ctx, actor=actor, endpoint_id=rows[0]["id"])
    await _one_more(ctx, organization, Environment.TEST)
    await pause_endpoint(ctx, actor=actor, endpoint_id=rows[1]["id"])
    assert await pool.fetchval(_COUNT, "test") == TEST_ENDPOINTS
