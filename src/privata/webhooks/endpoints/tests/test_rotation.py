"""Rotation: what signs when, and who may replace a secret how often."""

from __future__ import annotations

import asyncio
import uuid
from uuid import UUID

import pytest

from privata.core.errors import NotFound, RotationInProgress, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints import service
from privata.webhooks.endpoints.rotation import end_old_secret_now, rotate_secret
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.signing.signatures import secret_context
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    endpoint,
    publish_order,
    reconnecting,
)


async def claimed(ctx: AppContext, organization: UUID, db: ReconnectingConnection) -> Claim:
    await publish_order(ctx, organization)
    (one,) = await claim_some(db)
    return one


def opened(ctx: AppContext, claim: Claim) -> list[str]:
    return [ctx.sealer.unseal(one.sealed, secret_context(one.id)).decode() for one in claim.secrets]


async def end_windows(ctx: AppContext) -> None:
    """As if every window were over."""
    await ctx.database.pool.execute(
        "UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
    )


async def test_both_sign_during_the_window_and_one_after(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, old = await endpoint(ctx, organization)
    actor = actor_of(organization)
    made = await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id)
    assert made.secret.startswith("whsec_test_")
    assert made.secret != old
    async with reconnecting(ctx) as db:
        assert opened(ctx, await claimed(ctx, organization, db)) == [old, made.secret]
        with pytest.raises(RotationInProgress):
            await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id, overlap_s=0)
        await end_windows(ctx)
        assert opened(ctx, await claimed(ctx, organization, db)) == [made.secret]
    third = await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id)
    assert third.secret not in (old, made.secret)


async def test_a_leaked_secret_ends_at_once(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    second = await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id, overlap_s=0)
    async with reconnecting(ctx) as db:
        assert opened(ctx, await claimed(ctx, organization, db)) == [second.secret]
        assert not await end_old_secret_now(ctx, actor=actor, endpoint_id=endpoint_id)
        third = await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id, overlap_s=60)
        assert await end_old_secret_now(ctx, actor=actor, endpoint_id=endpoint_id)
        assert opened(ctx, await claimed(ctx, organization, db)) == [third.secret]
    actions = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in actions] == [
        "endpoint.created",
        "endpoint.secret_rotated",
        "endpoint.secret_rotated",
        "endpoint.old_secret_ended",
    ]


async def test_of_two_rotations_at_once_one_is_refused(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    results = await asyncio.gather(
        *(rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id) for _ in range(4)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, RotationInProgress)]
    assert len(refused) == 3
    current = await ctx.database.pool.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE expires_at IS NULL"
    )
    assert current == 1


async def test_who_and_what_is_refused(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    for actor in (actor_of(uuid.uuid4()), actor_of(organization, Environment.LIVE)):
        with pytest.raises(NotFound):
            await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id)
        with pytest.raises(NotFound):
            await end_old_secret_now(ctx, actor=actor, endpoint_id=endpoint_id)
    actor = actor_of(organization)
    for overlap_s in (-1, 86_401):
        with pytest.raises(ValidationFailed):
            await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id, overlap_s=overlap_s)
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed):
        await rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id)
