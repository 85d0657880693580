"""Personal access tokens: made, used as their owner, ended with their owner's membership."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import InvalidKey, NotFound, ValidationFailed
from privata.core.roles import Role
from privata.core.standing import Capability, works
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.limits import Kind
from privata.organizations import members
from privata.organizations.tests.people import audited, member, membership
from privata.tokens import service
from privata.tokens.rules import LIFETIMES, MOST_TOKENS, mint, scopes_of, well_formed
from privata.tokens.service import Bearer, Minted


@pytest.fixture
async def owner(ctx: AppContext, organization: uuid.UUID) -> Actor:
    return await member(ctx, organization, Role.OWNER, "ann@acme.example")


async def _make(ctx: AppContext, actor: Actor, **more: object) -> Minted:
    wanted: dict[str, object] = {"name": "Report", "days": 30, "write": False} | more
    return await service.create_token(ctx, actor=actor, **wanted)  # type: ignore[arg-type]


async def _enter(ctx: AppContext, token: str) -> Bearer:
    bearer, allowance = await service.authenticate(
        ctx, f"Bearer {token}", Environment.LIVE, Kind.READ, ip="203.0.113.9", user_agent="curl"
    )
    assert allowance.granted
    if bearer is None:
        raise InvalidKey("refused")
    return bearer


async def test_a_token_acts_as_its_owner(ctx: AppContext, owner: Actor) -> None:
    made = await _make(ctx, owner, name="  Nightly   report ", write=True)
    assert well_formed(made.token)
    bearer = await _enter(ctx, made.token)
    assert (bearer.actor.id, bearer.actor.label) == (owner.id, "ann@acme.example")
    assert (bearer.role, bearer.organization_name) == (Role.OWNER, "Acme Wallet")
    assert bearer.scopes == {"dashboard:read", "dashboard:write"}
    assert bearer.actor.environment is Environment.LIVE
    [token] = await service.tokens_of(ctx, owner.organization_id, int(owner.id))
    assert (token.name, token.last_used_ip) == ("Nightly report", "203.0.113.9")
    stored = await ctx.database.pool.fetchrow("SELECT digest, prefix FROM personal_token")
    assert stored is not None
    assert made.token.encode() not in stored["digest"]
    assert made.token.startswith(stored["prefix"])
    assert await audited(ctx) == ["token.created"]


async def test_what_is_no_token_is_refused_alike(ctx: AppContext, owner: Actor) -> None:
    made = await _make(ctx, owner)
    for header in (
        None, "", "Bearer", f"Basic {made.token}", made.token, "Bearer pk_test_x",
        f"Bearer {mint()}", f"Bearer {made.token}x", f"Bearer {made.token[:-1]}",
    ):  # fmt: skip
        bearer, _ = await service.authenticate(ctx, header, Environment.TEST, Kind.READ, ip=None)
        assert bearer is None


async def test_it_ends_by_time_by_hand_and_with_the_membership(
    ctx: AppContext, owner: Actor
) -> None:
    clock = ManualClock(datetime.now(UTC))
    ctx = replace(ctx, clock=clock)
    short, long = await _make(ctx, owner, days=7), await _make(ctx, owner, days=365)
    clock.advance(timedelta(days=7))
    with pytest.raises(InvalidKey):
        await _enter(ctx, short.token)
    await _enter(ctx, long.token)
    await service.revoke_token(ctx, actor=owner, token_id=long.id)
    with pytest.raises(InvalidKey):
        await _enter(ctx, long.token)
    with pytest.raises(NotFound):
        await service.revoke_token(ctx, actor=owner, token_id=long.id)

    other = await member(ctx, owner.organization_id, Role.ADMIN, "bob@acme.example")
    made = await _make(ctx, other)
    number = await membership(ctx, other)
    await members.change_role(ctx, actor=owner, member_id=number, role=Role.READONLY)
    assert (await _enter(ctx, made.token)).role is Role.READONLY
    with pytest.raises(NotFound):
        await service.revoke_token(ctx, actor=owner, token_id=made.id)
    await members.deactivate(ctx, actor=owner, member_id=number)
    with pytest.raises(InvalidKey):
        await _enter(ctx, made.token)
    await members.reactivate(ctx, actor=owner, member_id=number)
    await _enter(ctx, made.token)
    await members.remove(ctx, actor=owner, member_id=number)
    with pytest.raises(InvalidKey):
        await _enter(ctx, made.token)
    # Somebody who comes back does not bring old tokens to life.
    await ctx.database.pool.execute(
        "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, 'admin')",
        owner.organization_id,
        int(other.id),
    )
    with pytest.raises(InvalidKey):
        await _enter(ctx, made.token)
    assert await service.tokens_of(ctx, owner.organization_id, int(other.id)) == []


async def test_an_organization_in_onboarding_has_no_tokens(ctx: AppContext, owner: Actor) -> None:
    """The access check tells it why: `tests/journeys/operating/test_organization_status.py`."""
    made = await _make(ctx, owner)
    await ctx.database.pool.execute("UPDATE organization SET status = 'needs_contact'")
    assert not works(Capability.TOKENS, (await _enter(ctx, made.token)).status)


async def test_bounds(ctx: AppContext, owner: Actor) -> None:
    for wrong, name in (
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"days": 1}, "days"),
    ):
        with pytest.raises(ValidationFailed) as raised:
            await _make(ctx, owner, **wrong)
        assert raised.value.fields[0][0] == name
    # Many forms at once: the person's row makes them wait for each other.
    makes = [_make(ctx, owner) for _ in range(MOST_TOKENS + 3)]
    results = await asyncio.gather(*makes, return_exceptions=True)
    assert sum(isinstance(result, ValidationFailed) for result in results) == 3
    assert max(LIFETIMES) == 365
    assert scopes_of(write=False) == ["dashboard:read"]
