"""Invitations: bound to an address, used once, dead after seven days."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import NotFound, ValidationFailed
from privata.core.roles import Role
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.organizations import invitations, members
from privata.organizations.invitation_limits import (
    MAILS_OF_ORGANIZATION,
    MAILS_TO_ADDRESS,
    MAILS_TO_ADDRESS_IN_A_DAY,
)
from privata.organizations.invitations import Invited
from privata.organizations.tests.people import audited, member, membership, person, role


async def _invite(ctx: AppContext, actor: Actor, email: str, as_: Role = Role.DEVELOPER) -> Invited:
    return await invitations.invite(ctx, actor=actor, email=email, role=as_)


def _token(made: Invited) -> str:
    return made.url.rpartition("/")[2]


@pytest.fixture
async def owner(ctx: AppContext, organization: uuid.UUID) -> Actor:
    return await member(ctx, organization, Role.OWNER, "ann@acme.example")


async def test_an_invitation_makes_a_member_once(ctx: AppContext, owner: Actor) -> None:
    made = await _invite(ctx, owner, "Bob@acme.example")
    assert made.email == "bob@acme.example"
    stored = await ctx.database.pool.fetchval("SELECT digest FROM invitation")
    assert _token(made).encode() not in stored
    bob = await person(ctx, "bob@acme.example")
    found = await invitations.invitation_of(ctx, _token(made))
    assert (found.organization_name, found.role) == ("Acme Wallet", "developer")
    accepts = [
        invitations.accept(ctx, actor=bob, token=_token(made), email="BOB@acme.example")
        for _ in range(2)
    ]
    # Two clicks at once: one makes the membership, the other is told.
    results = await asyncio.gather(*accepts, return_exceptions=True)
    assert sorted(isinstance(result, ValidationFailed) for result in results) == [False, True]
    joined = replace(bob, organization_id=owner.organization_id)
    assert await role(ctx, joined) == "developer"
    assert await audited(ctx) == ["invitation.created", "invitation.accepted"]
    assert await invitations.open_invitations(ctx, owner.organization_id) == []
    with pytest.raises(ValidationFailed, match="already a member"):
        await _invite(ctx, owner, "bob@ACME.example")


async def test_it_is_bound_to_its_address(ctx: AppContext, owner: Actor) -> None:
    made = await _invite(ctx, owner, "bob@acme.example")
    eve = await person(ctx, "eve@evil.example")
    with pytest.raises(ValidationFailed, match=r"is for bob@acme\.example"):
        await invitations.accept(ctx, actor=eve, token=_token(made), email="eve@evil.example")
    with pytest.raises(NotFound):
        await invitations.accept(ctx, actor=eve, token="x" * 43, email="eve@evil.example")


async def test_it_expires_and_is_sent_again(ctx: AppContext, owner: Actor) -> None:
    later = ManualClock(datetime.now(UTC))
    ctx = replace(ctx, clock=later)
    first = await _invite(ctx, owner, "bob@acme.example")
    bob = await person(ctx, "bob@acme.example")
    later.advance(timedelta(days=7))
    with pytest.raises(ValidationFailed, match="expired"):
        await invitations.accept(ctx, actor=bob, token=_token(first), email=bob.label)
    with pytest.raises(NotFound):
        await invitations.resend(ctx, actor=owner, invitation_id=uuid.uuid4())
    second = await invitations.resend(ctx, actor=owner, invitation_id=first.id)
    assert second.expires_at - later.now() == timedelta(days=7)
    with pytest.raises(NotFound):
        await invitations.invitation_of(ctx, _token(first))
    with pytest.raises(ValidationFailed, match="just sent"):
        await invitations.resend(ctx, actor=owner, invitation_id=first.id)
    await invitations.accept(ctx, actor=bob, token=_token(second), email=bob.label)


async def test_it_is_taken_back(ctx: AppContext, owner: Actor) -> None:
    made = await _invite(ctx, owner, "bob@acme.example")
    with pytest.raises(ValidationFailed, match="already invited"):
        await _invite(ctx, owner, "BOB@acme.example")
    await invitations.cancel(ctx, actor=owner, invitation_id=made.id)
    bob = await person(ctx, "bob@acme.example")
    with pytest.raises(ValidationFailed, match="canceled"):
        await invitations.accept(ctx, actor=bob, token=_token(made), email=bob.label)
    for act in (invitations.cancel, invitations.resend):
        with pytest.raises(NotFound):
            await act(ctx, actor=owner, invitation_id=made.id)
        with pytest.raises(NotFound):
            await act(
                ctx, actor=replace(owner, organization_id=uuid.uuid4()), invitation_id=made.id
            )
    await _invite(ctx, owner, "bob@acme.example")


async def test_an_admin_invites_no_owner(
    ctx: AppContext, owner: Actor, organization: uuid.UUID
) -> None:
    """Neither by a new invitation nor by sending an owner's once more, which shows its link."""
    admin = await member(ctx, organization, Role.ADMIN, "adam@acme.example")
    with pytest.raises(ValidationFailed, match="Only an owner"):
        await _invite(ctx, admin, "b@acme.example", Role.OWNER)
    made = await _invite(ctx, owner, "b@acme.example", Role.OWNER)
    await ctx.database.pool.execute("UPDATE invitation SET sent_at = now() - interval '1 hour'")
    with pytest.raises(ValidationFailed, match="Only an owner"):
        await invitations.resend(ctx, actor=admin, invitation_id=made.id)
    developer = await member(ctx, organization, Role.DEVELOPER, "dan@acme.example")
    with pytest.raises(ValidationFailed, match="no longer allows you to invite"):
        await _invite(ctx, developer, "c@acme.example", Role.READONLY)


@pytest.mark.parametrize(
    ("act", "invited", "stays"),
    [
        ("change_role:admin", Role.OWNER, False),
        ("change_role:admin", Role.DEVELOPER, True),
        ("change_role:developer", Role.DEVELOPER, False),
        ("deactivate", Role.READONLY, False),
        ("remove", Role.READONLY, False),
    ],
)
async def test_an_invitation_does_not_outlive_its_inviters_rights(
    ctx: AppContext, owner: Actor, organization: uuid.UUID, act: str, invited: Role, stays: bool
) -> None:
    other = await member(ctx, organization, Role.OWNER, "olga@acme.example")
    made = await _invite(ctx, other, "bob@acme.example", invited)
    verb, _, role_ = act.partition(":")
    more = {"role": Role(role_)} if role_ else {}
    number = await membership(ctx, other)
    await getattr(members, verb)(ctx, actor=owner, member_id=number, **more)
    open_ = await invitations.open_invitations(ctx, organization)
    assert [row["email"] for row in open_] == (["bob@acme.example"] if stays else [])
    bob = await person(ctx, "bob@acme.example")
    if stays:
        await invitations.accept(ctx, actor=bob, token=_token(made), email=bob.label)
        return
    assert "invitation.cancelled" in await audited(ctx)
    with pytest.raises(ValidationFailed, match="canceled"):
        await invitations.accept(ctx, actor=bob, token=_token(made), email=bob.label)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE membership SET role = 'developer'",
        "UPDATE membership SET deactivated_at = now()",
        "DELETE FROM membership",
        "UPDATE app_user SET is_active = false WHERE email LIKE 'ann@%'",
        "UPDATE invitation SET inviter_id = NULL",
    ],
)
async def test_acceptance_is_judged_by_the_inviters_role_of_now(
    ctx: AppContext, owner: Actor, statement: str
) -> None:
    """Whatever way it was lost; the page of the link says so before anybody accepts."""
    made = await _invite(ctx, owner, "bob@acme.example")
    bob = await person(ctx, "bob@acme.example")
    await ctx.database.pool.execute(statement)
    found = await invitations.invitation_of(ctx, _token(made))
    assert "ann@acme.example can no longer invite you" in (found.closed(datetime.now(UTC)) or "")
    with pytest.raises(ValidationFailed, match="can no longer invite you"):
        await invitations.accept(ctx, actor=bob, token=_token(made), email=bob.label)
    assert await role(ctx, replace(bob, organization_id=owner.organization_id)) is None


async def test_accepting_while_the_inviter_is_removed(
    ctx: AppContext, owner: Actor, organization: uuid.UUID
) -> None:
    """One waits for the other: a member by an invitation of somebody who was one, or none."""
    for attempt in range(5):
        other = await member(ctx, organization, Role.ADMIN, f"o{attempt}@acme.example")
        made = await _invite(ctx, other, f"b{attempt}@acme.example")
        bob = await person(ctx, f"b{attempt}@acme.example")
        accepted, removed = await asyncio.gather(
            invitations.accept(ctx, actor=bob, token=_token(made), email=bob.label),
            members.remove(ctx, actor=owner, member_id=await membership(ctx, other)),
            return_exceptions=True,
        )
        assert removed is None
        joined = await role(ctx, replace(bob, organization_id=organization))
        assert joined == (None if isinstance(accepted, ValidationFailed) else "developer")


async def test_inviting_and_cancelling_in_a_loop_sends_no_stranger_sixty_mails(
    ctx: AppContext, owner: Actor, organization: uuid.UUID
) -> None:
    """What was sent counts, whatever became of it; over organizations, spellings and resends."""
    stranger = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name) VALUES ($1, 'Other')", stranger
    )
    elsewhere = await member(ctx, stranger, Role.OWNER, "zoe@other.example")
    refused = 0
    for turn in range(60):
        actor = elsewhere if turn % 2 else owner
        email = f"victim+{turn}@x.example" if turn % 3 else "Victim@x.example"
        try:
            made = await _invite(ctx, actor, email)
        except ValidationFailed:
            refused += 1
        else:
            await invitations.cancel(ctx, actor=actor, invitation_id=made.id)
    assert 60 - refused == MAILS_TO_ADDRESS.most
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM mail") == MAILS_TO_ADDRESS.most


async def test_an_organization_sends_so_many_invitations_an_hour(
    ctx: AppContext, owner: Actor
) -> None:
    for turn in range(MAILS_OF_ORGANIZATION.most):
        made = await _invite(ctx, owner, f"p{turn}@x.example")
        await invitations.cancel(ctx, actor=owner, invitation_id=made.id)
    with pytest.raises(ValidationFailed, match="Your organization sent"):
        await _invite(ctx, owner, "one.more@x.example")


async def test_a_refused_invitation_uses_up_nothing_of_its_address(
    ctx: AppContext, owner: Actor, organization: uuid.UUID
) -> None:
    """An organization beyond its limit could see to it that nobody else invited somebody."""
    stranger = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name) VALUES ($1, 'Other')", stranger
    )
    elsewhere = await member(ctx, stranger, Role.OWNER, "zoe@other.example")
    made = await _invite(ctx, owner, "open@x.example")
    for _ in range(MAILS_TO_ADDRESS_IN_A_DAY.most):
        with pytest.raises(ValidationFailed, match="already a member"):
            await _invite(ctx, owner, "ann@acme.example")
        with pytest.raises(ValidationFailed, match="already invited"):
            await _invite(ctx, owner, "open@x.example")
        with pytest.raises(ValidationFailed, match="was just sent"):
            await invitations.resend(ctx, actor=owner, invitation_id=made.id)
    for turn in range(MAILS_OF_ORGANIZATION.most - 1):  # nor had any of these been sent
        sent = await _invite(ctx, owner, f"p{turn}@x.example")
        await invitations.cancel(ctx, actor=owner, invitation_id=sent.id)
    for _ in range(MAILS_TO_ADDRESS_IN_A_DAY.most):
        with pytest.raises(ValidationFailed, match="Your organization sent"):
            await _invite(ctx, owner, "victim@x.example")
    for email in ("ann@acme.example", "open@x.example", "victim@x.example"):
        await _invite(ctx, elsewhere, email)


async def test_invitations_at_one_moment_are_no_more_than_in_a_row(
    ctx: AppContext, owner: Actor
) -> None:
    asked = (_invite(ctx, owner, f"victim+{turn}@x.example") for turn in range(20))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Invited) for one in answers) == MAILS_TO_ADDRESS.most
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM mail") == MAILS_TO_ADDRESS.most
