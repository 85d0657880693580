"""Keys: made, changed, revoked; always the actor's own, always audited, also all at once."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from datetime import timedelta
from uuid import UUID

import pytest

from privata.apikeys.listing import key_of, keys_found, keys_of
from privata.apikeys.rotation import rotate_key
from privata.apikeys.rules import KeyState
from privata.apikeys.service import (
    KEYS_PER_HOUR,
    Revoked,
    edit_key,
    is_last_live_key,
    revoke_key,
)
from privata.apikeys.tests.making import LIVE, TEST, Edit, audited, edit, made, person, works
from privata.core.clock import ManualClock
from privata.core.errors import NotFound, RateLimited, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.organizations.profile import status_of


def with_clock(ctx: AppContext, days: float = 0) -> AppContext:
    """The same application context, `days` later."""
    return dataclasses.replace(ctx, clock=ManualClock(ctx.clock.now() + timedelta(days=days)))


async def test_a_key_is_kept_as_a_digest_and_works(ctx: AppContext, organization: UUID) -> None:
    day = ctx.clock.now().date() + timedelta(days=30)
    key = await made(
        ctx, organization, LIVE, name=" Server ", cidrs=("203.0.113.7",), expires_on=day
    )
    assert await works(ctx, key.key)
    assert not await works(ctx, key.key, "203.0.113.8")
    (seen,) = await keys_of(ctx, organization_id=organization, environments=[LIVE])
    assert (seen.name, seen.scopes, seen.created_by) == (
        "Server",
        ("orders:rw",),
        "ada@acme.example",
    )
    assert (seen.allowed_cidrs, seen.expires_on) == (("203.0.113.7/32",), day)
    assert seen.current.shown == f"{key.key[:16]}…{key.key[-4:]}"
    assert seen.state is KeyState.ACTIVE
    assert seen.last_used_ip == "203.0.113.7"
    everything = await ctx.database.pool.fetchval(
        "SELECT string_agg(t::text, ' ') FROM (SELECT to_jsonb(s) AS t FROM api_key_secret AS s"
        " UNION ALL SELECT to_jsonb(k) FROM api_key AS k"
        " UNION ALL SELECT to_jsonb(a) FROM audit_entry AS a) AS every"
    )
    assert key.key[:16] in everything
    assert key.key[16:-4] not in everything
    entry = await ctx.database.pool.fetchrow("SELECT * FROM audit_entry")
    assert entry is not None
    assert (entry["action"], entry["environment"]) == ("api_key.created", "live")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": " "}),
        ("scopes", {"scopes": ()}),
        ("scopes", {"scopes": ("ramp:embed", "orders:rw")}),
        ("allowed_cidrs", {"cidrs": ("10.0.0.0/99",)}),
    ],
)
async def test_wrong_fields_are_named(
    ctx: AppContext, organization: UUID, field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await made(ctx, organization, TEST, **changes)  # type: ignore[arg-type]
    assert refused.value.fields[0][0] == field
    with pytest.raises(ValidationFailed, match="after today"):
        await made(ctx, organization, expires_on=ctx.clock.now().date())
    assert await audited(ctx) == []


async def test_keys_are_found_by_id_prefix_and_name(ctx: AppContext, organization: UUID) -> None:
    one = await made(ctx, organization, name="Order backend")
    other = await made(ctx, organization, name="Cron 100%")
    rotated = await rotate_key(ctx, actor=person(organization), key_id=one.id)

    async def found(text: str, environment: Environment = TEST) -> list[UUID]:
        keys = await keys_found(
            ctx, organization_id=organization, environment=environment, text=text, most=6
        )
        return [key.id for key in keys]

    for text in (str(one.id), one.key[:16], rotated.key, f"{one.key[:16]}…abcd", "order BACK"):
        assert await found(text) == [one.id], text
    assert await found("0%") == [other.id]
    assert await found("pk_test_") == [other.id, one.id]
    for text in ("%", "_", "-", "pk_live_", one.key[3:16]):
        assert await found(text) == ([other.id] if text == "%" else []), text
    assert await found(str(one.id), LIVE) == []


async def test_live_keys_wait_for_approval(ctx: AppContext, organization: UUID) -> None:
    await ctx.database.pool.execute("UPDATE organization SET status = 'pending_review'")
    assert await status_of(ctx, organization) == "pending_review"
    await made(ctx, organization, TEST)
    with pytest.raises(ValidationFailed, match="approved") as refused:
        await made(ctx, organization, LIVE)
    assert refused.value.fields[0][0] == "environment"
    with pytest.raises(NotFound):
        await made(ctx, uuid.uuid4(), TEST)
    with pytest.raises(NotFound):
        await status_of(ctx, uuid.uuid4())


async def test_of_many_at_once_exactly_twenty_are_made(ctx: AppContext, organization: UUID) -> None:
    """The 21st waits for the organization's lock and then counts the twenty before it."""
    attempts = [made(ctx, organization, LIVE if i % 2 else TEST) for i in range(KEYS_PER_HOUR + 4)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, RateLimited)]
    assert len(refused) == 4
    assert all(1 <= int(one.headers["Retry-After"]) <= 3600 for one in refused)
    assert "the limit of 20 new keys per hour" in refused[0].message
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM api_key") == KEYS_PER_HOUR
    other = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Borealis', 'approved')", other
    )
    await made(ctx, other, TEST)
    await ctx.database.pool.execute(
        "UPDATE api_key SET created_at = created_at - interval '1 hour'"
        " WHERE id = (SELECT id FROM api_key WHERE organization_id = $1 LIMIT 1)",
        organization,
    )
    await made(ctx, organization, TEST)
    with pytest.raises(RateLimited):
        await made(ctx, organization, TEST)


async def test_an_edit_is_in_force_at_once_and_audited_by_field(
    ctx: AppContext, organization: UUID
) -> None:
    key = await made(ctx, organization)
    actor = person(organization)
    day = ctx.clock.now().date() + timedelta(days=3)
    wanted = Edit(
        name="Backend",
        scopes=["webhook:admin", "orders:rw"],
        allowed_cidrs=["198.51.100.0/24"],
        expires_on=day,
    )
    assert await edit_key(ctx, actor=actor, key_id=key.id, **wanted)
    assert not await edit_key(ctx, actor=actor, key_id=key.id, **wanted)
    assert not await works(ctx, key.key)
    assert await works(ctx, key.key, "198.51.100.9")
    seen = await key_of(ctx, organization_id=organization, environments=[TEST], key_id=key.id)
    assert (seen.name, seen.scopes) == ("Backend", ("orders:rw", "webhook:admin"))
    assert await audited(ctx) == ["api_key.created", "api_key.edited"]
    changes = json.loads(
        await ctx.database.pool.fetchval(
            "SELECT changes FROM audit_entry WHERE action = 'api_key.edited'"
        )
    )
    assert changes["name"] == {"before": "Server", "after": "Backend"}
    assert changes["expires_on"] == {"before": None, "after": str(day)}
    with pytest.raises(ValidationFailed, match="publishable"):
        await edit_key(ctx, actor=actor, key_id=key.id, **edit("ramp:embed"))


async def test_a_key_that_ended_is_not_edited(ctx: AppContext, organization: UUID) -> None:
    actor = person(organization)
    day = ctx.clock.now().date() + timedelta(days=1)
    key = await made(ctx, organization, expires_on=day)
    with pytest.raises(ValidationFailed, match="expired"):
        await edit_key(with_clock(ctx, 2), actor=actor, key_id=key.id, **edit("orders:rw"))
    await revoke_key(ctx, actor=actor, key_id=key.id)
    with pytest.raises(ValidationFailed, match="revoked"):
        await edit_key(ctx, actor=actor, key_id=key.id, **edit("orders:rw"))


async def test_revoking_is_immediate_and_says_the_same_again(
    ctx: AppContext, organization: UUID
) -> None:
    key = await made(ctx, organization)
    actor = person(organization)
    assert await works(ctx, key.key)
    assert await revoke_key(ctx, actor=actor, key_id=key.id) == Revoked(False, False)
    assert not await works(ctx, key.key)
    assert await revoke_key(ctx, actor=actor, key_id=key.id) == Revoked(True, False)
    assert await audited(ctx) == ["api_key.created", "api_key.revoked"]
    seen = await key_of(ctx, organization_id=organization, environments=[TEST], key_id=key.id)
    assert (seen.state, seen.revoked_by, seen.ended) == (
        KeyState.REVOKED,
        "ada@acme.example",
        True,
    )


async def test_the_last_live_key_is_revoked_on_purpose_only(
    ctx: AppContext, organization: UUID
) -> None:
    actor = person(organization, LIVE)
    first, second = await made(ctx, organization, LIVE), await made(ctx, organization, LIVE)
    assert not await is_last_live_key(ctx, actor=actor, key_id=first.id)
    outcomes = await asyncio.gather(
        *(revoke_key(ctx, actor=actor, key_id=key.id) for key in (first, second)),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, ValidationFailed)]
    assert len(refused) == 1, "two at the same time must not both believe that another is left"
    assert refused[0].fields[0][0] == "last_live_too"
    kept = first if await works(ctx, first.key) else second
    assert await is_last_live_key(ctx, actor=actor, key_id=kept.id)
    ended = await revoke_key(ctx, actor=actor, key_id=kept.id, last_live_too=True)
    assert ended == Revoked(already=False, last_live=True)


async def test_an_expired_key_is_nobodys_last(ctx: AppContext, organization: UUID) -> None:
    day = ctx.clock.now().date() + timedelta(days=1)
    actor = person(organization, LIVE)
    short = await made(ctx, organization, LIVE, expires_on=day)
    lasting = await made(ctx, organization, LIVE)
    later = with_clock(ctx, 2)
    with pytest.raises(ValidationFailed):
        await revoke_key(later, actor=actor, key_id=lasting.id)
    assert await revoke_key(later, actor=actor, key_id=short.id) == Revoked(False, False)


async def test_a_foreign_key_looks_like_a_missing_one(ctx: AppContext, organization: UUID) -> None:
    key = await made(ctx, organization, TEST)
    stranger = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name) VALUES ($1, 'Borealis')", stranger
    )
    for actor in (person(stranger, TEST), person(organization, LIVE)):
        with pytest.raises(NotFound):
            await edit_key(ctx, actor=actor, key_id=key.id, **edit("orders:rw"))
        with pytest.raises(NotFound):
            await revoke_key(ctx, actor=actor, key_id=key.id)
        with pytest.raises(NotFound):
            await key_of(
                ctx,
                organization_id=actor.organization_id,
                environments=[actor.environment],
                key_id=key.id,
            )
        assert not await keys_of(
            ctx, organization_id=actor.organization_id, environments=[actor.environment]
        )
    assert await works(ctx, key.key)
