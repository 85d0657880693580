"""Invitations: bound to an address, used once, dead after seven days."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.kernel import Kernel
from privata.organizations import invitations
from privata.organizations.invitations import Invited
from privata.organizations.roles import Role
from privata.organizations.tests.people import audited, member, person, role


async def _invite(kernel: Kernel, actor: Actor, email: str, as_: Role = Role.DEVELOPER) -> Invited:
    return await invitations.invite(
        kernel, actor=actor, actor_role=Role.OWNER, email=email, role=as_
    )


def _token(made: Invited) -> str:
    return made.url.rpartition("/")[2]


@pytest.fixture
async def owner(kernel: Kernel, organization: uuid.UUID) -> Actor:
    return await member(kernel, organization, Role.OWNER, "ann@acme.example")


async def test_an_invitation_makes_a_member_once(kernel: Kernel, owner: Actor) -> None:
    made = await _invite(kernel, owner, "Bob@acme.example")
    assert made.email == "bob@acme.example"
    stored = await kernel.database.pool.fetchval("SELECT digest FROM invitation")
    assert _token(made).encode() not in stored
    bob = await person(kernel, "bob@acme.example")
    found = await invitations.invitation_of(kernel, _token(made))
    assert (found.organization_name, found.role) == ("Acme Wallet", "developer")
    accepts = [
        invitations.accept(kernel, actor=bob, token=_token(made), email="BOB@acme.example")
        for _ in range(2)
    ]
    # Two clicks at once: one makes the membership, the other is told.
    results = await asyncio.gather(*accepts, return_exceptions=True)
    assert sorted(isinstance(result, ValidationFailed) for result in results) == [False, True]
    joined = replace(bob, organization_id=owner.organization_id)
    assert await role(kernel, joined) == "developer"
    assert await audited(kernel) == ["invitation.created", "invitation.accepted"]
    assert await invitations.open_invitations(kernel, owner.organization_id) == []
    with pytest.raises(ValidationFailed, match="member already"):
        await _invite(kernel, owner, "bob@ACME.example")


async def test_it_is_bound_to_its_address(kernel: Kernel, owner: Actor) -> None:
    made = await _invite(kernel, owner, "bob@acme.example")
    eve = await person(kernel, "eve@evil.example")
    with pytest.raises(ValidationFailed, match=r"is for bob@acme\.example"):
        await invitations.accept(kernel, actor=eve, token=_token(made), email="eve@evil.example")
    with pytest.raises(NotFound):
        await invitations.accept(kernel, actor=eve, token="x" * 43, email="eve@evil.example")


async def test_it_expires_and_is_sent_again(kernel: Kernel, owner: Actor) -> None:
    later = ManualClock(datetime.now(UTC))
    kernel = replace(kernel, clock=later)
    first = await _invite(kernel, owner, "bob@acme.example")
    bob = await person(kernel, "bob@acme.example")
    later.advance(timedelta(days=7))
    with pytest.raises(ValidationFailed, match="expired"):
        await invitations.accept(kernel, actor=bob, token=_token(first), email=bob.label)
    with pytest.raises(NotFound):
        await invitations.resend(kernel, actor=owner, invitation_id=uuid.uuid4())
    second = await invitations.resend(kernel, actor=owner, invitation_id=first.id)
    assert second.expires_at - later.now() == timedelta(days=7)
    with pytest.raises(NotFound):
        await invitations.invitation_of(kernel, _token(first))
    with pytest.raises(ValidationFailed, match="a moment ago"):
        await invitations.resend(kernel, actor=owner, invitation_id=first.id)
    await invitations.accept(kernel, actor=bob, token=_token(second), email=bob.label)


async def test_it_is_taken_back(kernel: Kernel, owner: Actor) -> None:
    made = await _invite(kernel, owner, "bob@acme.example")
    with pytest.raises(ValidationFailed, match="invited already"):
        await _invite(kernel, owner, "BOB@acme.example")
    await invitations.cancel(kernel, actor=owner, invitation_id=made.id)
    bob = await person(kernel, "bob@acme.example")
    with pytest.raises(ValidationFailed, match="taken back"):
        await invitations.accept(kernel, actor=bob, token=_token(made), email=bob.label)
    for act in (invitations.cancel, invitations.resend):
        with pytest.raises(NotFound):
            await act(kernel, actor=owner, invitation_id=made.id)
        with pytest.raises(NotFound):
            await act(
                kernel, actor=replace(owner, organization_id=uuid.uuid4()), invitation_id=made.id
            )
    await _invite(kernel, owner, "bob@acme.example")


async def test_an_admin_invites_no_owner(kernel: Kernel, owner: Actor) -> None:
    with pytest.raises(ValidationFailed, match="Only an owner"):
        await invitations.invite(
            kernel, actor=owner, actor_role=Role.ADMIN, email="b@acme.example", role=Role.OWNER
        )
