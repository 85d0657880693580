"""Changing and ending memberships, on the real database, also by two at once."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from privata.core.errors import NotFound, ValidationFailed
from privata.core.roles import Role
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.organizations import members
from privata.organizations.membership_rules import ADMIN_AND_OWNER, LAST_OWNER
from privata.organizations.tests.people import audited, member, membership, role


async def test_a_role_is_changed_and_recorded(ctx: AppContext, organization: uuid.UUID) -> None:
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    other = await member(ctx, organization, Role.READONLY, "bob@acme.example")
    ident = await membership(ctx, other)
    await members.change_role(ctx, actor=owner, member_id=ident, role=Role.FINANCE)
    await members.change_role(ctx, actor=owner, member_id=ident, role=Role.FINANCE)
    assert await role(ctx, other) == "finance"
    assert await audited(ctx) == ["member.role_changed"]
    with pytest.raises(ValidationFailed, match=LAST_OWNER):
        await members.change_role(
            ctx, actor=owner, member_id=await membership(ctx, owner), role=Role.ADMIN
        )


async def test_an_admin_does_not_touch_an_owner(ctx: AppContext, organization: uuid.UUID) -> None:
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    admin = await member(ctx, organization, Role.ADMIN, "bob@acme.example")
    with pytest.raises(ValidationFailed, match=ADMIN_AND_OWNER):
        await members.change_role(
            ctx, actor=admin, member_id=await membership(ctx, owner), role=Role.ADMIN
        )
    assert await role(ctx, owner) == "owner"


@pytest.mark.parametrize("act", ["demote", "remove", "deactivate"])
async def test_two_owners_at_once_leave_one(
    ctx: AppContext, organization: uuid.UUID, act: str
) -> None:
    """The race for the last owner: all members are locked, so the second sees the first's act."""
    for attempt in range(5):
        one = await member(ctx, organization, Role.OWNER, f"a{attempt}@acme.example")
        two = await member(ctx, organization, Role.OWNER, f"b{attempt}@acme.example")
        numbers = {actor.id: await membership(ctx, actor) for actor in (one, two)}

        async def against(actor: Actor, number: int) -> None:
            if act == "demote":
                await members.change_role(ctx, actor=actor, member_id=number, role=Role.ADMIN)
            elif act == "remove":
                await members.remove(ctx, actor=actor, member_id=number)
            else:
                await members.deactivate(ctx, actor=actor, member_id=number)

        results = await asyncio.gather(
            against(one, numbers[two.id]), against(two, numbers[one.id]), return_exceptions=True
        )
        failed = [result for result in results if isinstance(result, Exception)]
        assert len(failed) == 1
        assert isinstance(failed[0], ValidationFailed | NotFound)
        left = await ctx.database.pool.fetchval(
            "SELECT count(*) FROM membership"
            " WHERE organization_id = $1 AND role = 'owner' AND deactivated_at IS NULL",
            organization,
        )
        assert left == 1
        await ctx.database.pool.execute("DELETE FROM membership")


async def test_deactivated_and_removed_members_are_out(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    other = await member(ctx, organization, Role.ADMIN, "bob@acme.example")
    ident = await membership(ctx, other)
    await members.deactivate(ctx, actor=owner, member_id=ident)
    assert await _working(ctx, organization) == {"ann@acme.example": Role.OWNER}
    with pytest.raises(NotFound):
        await members.change_role(ctx, actor=other, member_id=ident, role=Role.DEVELOPER)
    await members.reactivate(ctx, actor=owner, member_id=ident)
    assert (await _working(ctx, organization))["bob@acme.example"] is Role.ADMIN
    await members.remove(ctx, actor=owner, member_id=ident)
    assert [one.email for one in await members.members_of(ctx, organization)] == [
        "ann@acme.example"
    ]
    assert await audited(ctx) == ["member.deactivated", "member.reactivated", "member.removed"]


async def test_another_organizations_member_does_not_exist(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    other = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Other', 'approved')", other
    )
    stranger = await member(ctx, other, Role.OWNER, "eve@other.example")
    ident = await membership(ctx, stranger)
    for number in (ident, 10**9):
        with pytest.raises(NotFound, match="Member not found"):
            await members.remove(ctx, actor=owner, member_id=number)
        with pytest.raises(NotFound, match="Member not found"):
            await members.member_of(ctx, organization, number)


async def _working(ctx: AppContext, organization: uuid.UUID) -> dict[str, Role]:
    """The members who can do something, with what they are."""
    found = await members.members_of(ctx, organization)
    return {one.email: Role(one.role) for one in found if one.deactivated_at is None}
