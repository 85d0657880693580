"""A pause that was not somebody's own doing is told by mail, once, to who can mend it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from privata.core.roles import Role
from privata.infra.context import AppContext
from privata.organizations.tests.people import member
from privata.webhooks.endpoints.pause_emails import tell_once
from privata.webhooks.endpoints.service import pause_endpoint
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    endpoint,
    failed,
    publish_order,
    reconnecting,
)


async def paused_by_failures(ctx: AppContext, organization: UUID) -> UUID:
    endpoint_id, _ = await endpoint(ctx, organization)
    for _ in range(50):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [failed(one) for one in await claim_some(db)])
    return endpoint_id


async def mailed(ctx: AppContext) -> list[tuple[str, str]]:
    rows = await ctx.database.pool.fetch("SELECT template, recipient FROM mail ORDER BY recipient")
    return [tuple(row) for row in rows]


async def test_the_technical_contact_is_told_once_for_each_pause(
    ctx: AppContext, organization: UUID
) -> None:
    await member(ctx, organization, Role.OWNER, "owner@acme.example")
    await ctx.database.pool.execute(
        "INSERT INTO organization_profile (organization_id, contact_email) VALUES ($1, $2)",
        organization,
        "ops@acme.example",
    )
    endpoint_id = await paused_by_failures(ctx, organization)
    assert sum(await asyncio.gather(*(tell_once(ctx) for _ in range(5)))) == 1
    assert await tell_once(ctx) == 0
    assert await mailed(ctx) == [("endpoint_paused", "ops@acme.example")]
    # Paused anew, as after a resume by hand whose probe failed.
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET paused_at = paused_at + $2 WHERE id = $1",
        endpoint_id,
        timedelta(minutes=1),
    )
    assert await tell_once(ctx) == 1


async def test_owners_are_told_where_no_contact_is_named(
    ctx: AppContext, organization: UUID
) -> None:
    for role in Role:
        await member(ctx, organization, role, f"{role.value}@acme.example")
    await paused_by_failures(ctx, organization)
    assert await tell_once(ctx) == 1
    assert await mailed(ctx) == [("endpoint_paused", "owner@acme.example")]


async def test_who_pauses_by_hand_is_not_told_of_it(ctx: AppContext, organization: UUID) -> None:
    await member(ctx, organization, Role.OWNER, "owner@acme.example")
    endpoint_id, _ = await endpoint(ctx, organization)
    await pause_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)
    assert await tell_once(ctx) == 0
    assert await mailed(ctx) == []
