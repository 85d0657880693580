"""Rotation: both secrets work for five minutes by the database's clock, and no second one fits."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from uuid import UUID

import pytest

from privata.apikeys.listing import key_of
from privata.apikeys.rotation import ROTATION_WINDOW, RotatedKey, end_old_secret, rotate_key
from privata.apikeys.rules import KeyState
from privata.apikeys.service import revoke_key
from privata.apikeys.tests.making import LIVE, TEST, audited, made, person, works
from privata.core.errors import NotFound, RotationInProgress, ValidationFailed
from privata.infra.context import AppContext


async def age(ctx: AppContext, by: timedelta) -> None:
    """Let the open windows be `by` older."""
    await ctx.database.pool.execute(
        "UPDATE api_key_secret SET dead_at = dead_at - $1::interval WHERE dead_at IS NOT NULL", by
    )


async def test_both_work_for_five_minutes(ctx: AppContext, organization: UUID) -> None:
    key, actor = await made(ctx, organization), person(organization)
    assert await works(ctx, key.key)
    rotated = await rotate_key(ctx, actor=actor, key_id=key.id)
    now = await ctx.database.pool.fetchval("SELECT now()")
    assert timedelta(0) <= ROTATION_WINDOW - (rotated.old_dead_at - now) < timedelta(minutes=1)
    assert ROTATION_WINDOW.total_seconds() == 300
    assert rotated.key != key.key
    assert await works(ctx, key.key)
    assert await works(ctx, rotated.key, "203.0.113.9")
    seen = await key_of(ctx, organization_id=organization, environments=[TEST], key_id=key.id)
    assert seen.state is KeyState.ROTATING
    assert seen.old is not None
    assert seen.old.shown == f"{key.key[:16]}…{key.key[-4:]}"
    assert seen.current.shown == f"{rotated.key[:16]}…{rotated.key[-4:]}"
    assert not seen.old_used_since_rotation, "its last use was noted before the rotation"
    assert seen.last_used_ip == "203.0.113.9"
    with pytest.raises(RotationInProgress, match="Two secrets are active until"):
        await rotate_key(ctx, actor=actor, key_id=key.id)
    await age(ctx, ROTATION_WINDOW)
    assert not await works(ctx, key.key)
    assert await works(ctx, rotated.key)
    await rotate_key(ctx, actor=actor, key_id=key.id)
    assert await audited(ctx) == ["api_key.created", *["api_key.rotated"] * 2]


async def test_an_old_secret_that_is_sent_still_is_seen(
    ctx: AppContext, organization: UUID
) -> None:
    key, actor = await made(ctx, organization), person(organization)
    await rotate_key(ctx, actor=actor, key_id=key.id)
    assert await works(ctx, key.key, "198.51.100.4")
    seen = await key_of(ctx, organization_id=organization, environments=[TEST], key_id=key.id)
    assert seen.old is not None
    assert seen.old_used_since_rotation
    assert seen.old.last_used_ip == "198.51.100.4"


async def test_the_old_one_can_be_ended_at_once(ctx: AppContext, organization: UUID) -> None:
    key, actor = await made(ctx, organization), person(organization)
    assert not await end_old_secret(ctx, actor=actor, key_id=key.id)
    rotated = await rotate_key(ctx, actor=actor, key_id=key.id)
    assert await end_old_secret(ctx, actor=actor, key_id=key.id)
    assert not await end_old_secret(ctx, actor=actor, key_id=key.id)
    assert not await works(ctx, key.key)
    assert await works(ctx, rotated.key)
    assert await audited(ctx) == [
        "api_key.created",
        "api_key.rotated",
        "api_key.old_secret_ended",
    ]


async def test_of_two_rotations_at_once_one_is_refused(ctx: AppContext, organization: UUID) -> None:
    """The second waits for the key's lock, and then sees the window that the first has opened."""
    key, actor = await made(ctx, organization), person(organization)
    outcomes = await asyncio.gather(
        *(rotate_key(ctx, actor=actor, key_id=key.id) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, RotatedKey) for one in outcomes) == 1
    assert sum(isinstance(one, RotationInProgress) for one in outcomes) == 3
    count = await ctx.database.pool.fetchval("SELECT count(*) FROM api_key_secret")
    assert count == 2


async def test_revoking_ends_both_secrets(ctx: AppContext, organization: UUID) -> None:
    key, actor = await made(ctx, organization), person(organization)
    rotated = await rotate_key(ctx, actor=actor, key_id=key.id)
    await revoke_key(ctx, actor=actor, key_id=key.id)
    assert not await works(ctx, key.key)
    assert not await works(ctx, rotated.key)
    with pytest.raises(ValidationFailed, match="revoked"):
        await rotate_key(ctx, actor=actor, key_id=key.id)


async def test_only_ones_own_keys_rotate(ctx: AppContext, organization: UUID) -> None:
    key = await made(ctx, organization)
    for actor in (person(organization, LIVE), person(uuid.uuid4())):
        with pytest.raises(NotFound):
            await rotate_key(ctx, actor=actor, key_id=key.id)
        with pytest.raises(NotFound):
            await end_old_secret(ctx, actor=actor, key_id=key.id)
