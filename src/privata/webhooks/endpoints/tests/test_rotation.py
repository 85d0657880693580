"""Rotation: what signs when, and who may replace a secret how often."""

from __future__ import annotations

import asyncio
import uuid
from uuid import UUID

import pytest

from privata.core.errors import NotFound, RotationInProgress, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.webhooks.endpoints import service
from privata.webhooks.endpoints.rotation import end_old_secret_now, rotate_secret
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.reconnecting import Line
from privata.webhooks.signing.signatures import secret_context
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    endpoint,
    line,
    publish_order,
)


async def claimed(kernel: Kernel, organization: UUID, db: Line) -> Claim:
    await publish_order(kernel, organization)
    (one,) = await claim_some(db)
    return one


def opened(kernel: Kernel, claim: Claim) -> list[str]:
    return [
        kernel.sealer.unseal(one.sealed, secret_context(one.id)).decode() for one in claim.secrets
    ]


async def end_windows(kernel: Kernel) -> None:
    """As if every window were over."""
    await kernel.database.pool.execute(
        "UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
    )


async def test_both_sign_during_the_window_and_one_after(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id, old = await endpoint(kernel, organization)
    actor = actor_of(organization)
    made = await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id)
    assert made.secret.startswith("whsec_test_")
    assert made.secret != old
    async with line(kernel) as db:
        assert opened(kernel, await claimed(kernel, organization, db)) == [old, made.secret]
        with pytest.raises(RotationInProgress):
            await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id, overlap_s=0)
        await end_windows(kernel)
        assert opened(kernel, await claimed(kernel, organization, db)) == [made.secret]
    third = await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id)
    assert third.secret not in (old, made.secret)


async def test_a_leaked_secret_ends_at_once(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    actor = actor_of(organization)
    second = await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id, overlap_s=0)
    async with line(kernel) as db:
        assert opened(kernel, await claimed(kernel, organization, db)) == [second.secret]
        assert not await end_old_secret_now(kernel, actor=actor, endpoint_id=endpoint_id)
        third = await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id, overlap_s=60)
        assert await end_old_secret_now(kernel, actor=actor, endpoint_id=endpoint_id)
        assert opened(kernel, await claimed(kernel, organization, db)) == [third.secret]
    actions = await kernel.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in actions] == [
        "endpoint.created",
        "endpoint.secret_rotated",
        "endpoint.secret_rotated",
        "endpoint.old_secret_ended",
    ]


async def test_of_two_rotations_at_once_one_is_refused(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    actor = actor_of(organization)
    results = await asyncio.gather(
        *(rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id) for _ in range(4)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, RotationInProgress)]
    assert len(refused) == 3
    current = await kernel.database.pool.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE expires_at IS NULL"
    )
    assert current == 1


async def test_who_and_what_is_refused(kernel: Kernel, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(kernel, organization)
    for actor in (actor_of(uuid.uuid4()), actor_of(organization, Environment.LIVE)):
        with pytest.raises(NotFound):
            await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id)
        with pytest.raises(NotFound):
            await end_old_secret_now(kernel, actor=actor, endpoint_id=endpoint_id)
    actor = actor_of(organization)
    for overlap_s in (-1, 86_401):
        with pytest.raises(ValidationFailed):
            await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id, overlap_s=overlap_s)
    await service.disable_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed):
        await rotate_secret(kernel, actor=actor, endpoint_id=endpoint_id)
