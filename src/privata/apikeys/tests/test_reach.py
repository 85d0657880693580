"""A key is no way around the table of roles: walked over role and scope, and over time."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from privata.apikeys.admission import Admitter, Caller
from privata.apikeys.reach import MONEY, NEEDS, lacking
from privata.apikeys.rotation import end_old_secret, rotate_key
from privata.apikeys.scopes import Scope
from privata.apikeys.service import MintedKey, create_key, edit_key, revoke_key
from privata.apikeys.tests.making import LIVE, TEST, audited, edit
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission, Role, allows
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.limits import Kind
from privata.organizations import members
from privata.organizations.tests.people import member, membership

PAYOUTS = ("payouts:read", "payouts:trigger")


async def mint(
    ctx: AppContext, actor: Actor, *scopes: str, environment: Environment = LIVE
) -> MintedKey:
    async with ctx.database.transaction() as tx:
        return await create_key(
            tx, ctx, actor=_live(actor), environment=environment, name="K", scopes=scopes
        )


async def held(ctx: AppContext, key: str) -> set[str] | None:
    """What a call with this key may do; None: it is let in as nobody."""
    caller = Caller(key, "203.0.113.7", "", Kind.READ, 600, 600)
    admission = await Admitter(ctx).admit(caller)
    return None if admission.actor is None else set(admission.actor.scopes)


def _live(actor: Actor) -> Actor:
    return Actor(actor.kind, actor.id, actor.label, actor.organization_id, LIVE)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("scope", list(Scope))
async def test_a_key_never_holds_a_scope_that_its_makers_role_does_not_have(
    ctx: AppContext, organization: UUID, role: Role, scope: Scope
) -> None:
    """At creation, for every role and scope; the pages ask for `manage_keys` besides."""
    actor = await member(ctx, organization, role, "ann@acme.example")
    allowed = allows(role, NEEDS[scope])
    assert (lacking(role, [scope]) == []) is allowed
    environment = TEST if scope is Scope.RAMP_EMBED else LIVE
    if not allowed:
        with pytest.raises(ValidationFailed, match="Your role cannot grant") as refused:
            await mint(ctx, actor, scope.value, environment=environment)
        assert refused.value.fields[0][0] == "scopes"
        assert await audited(ctx) == []
        return
    made = await mint(ctx, actor, scope.value, environment=environment)
    assert await held(ctx, made.key) == {scope.value}


def test_money_scopes_are_given_by_owners_and_finance_alone() -> None:
    givers = {role for role in Role if not lacking(role, MONEY)}
    assert givers == {Role.OWNER, Role.FINANCE}
    assert not allows(Role.FINANCE, Permission.MANAGE_KEYS), "finance never sees secrets"
    assert set(NEEDS) == set(Scope)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DEVELOPER])
async def test_a_developer_reaches_no_payouts_through_somebody_elses_key(
    ctx: AppContext, organization: UUID, role: Role
) -> None:
    """Neither by rotating it, which shows a secret, nor by editing what it may be used from."""
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    other = _live(await member(ctx, organization, role, "bob@acme.example"))
    made = await mint(ctx, owner, "orders:rw", *PAYOUTS)
    with pytest.raises(ValidationFailed, match="payouts:read and payouts:trigger"):
        await rotate_key(ctx, actor=other, key_id=made.id)
    for scopes in (["orders:rw", *PAYOUTS], ["orders:rw"]):
        with pytest.raises(ValidationFailed, match="which your role does not include"):
            await edit_key(ctx, actor=other, key_id=made.id, **edit(*scopes))
    assert await audited(ctx) == ["api_key.created"]
    await revoke_key(ctx, actor=other, key_id=made.id, last_live_too=True)


async def test_an_owner_does_not_hand_money_to_who_knows_the_secret(
    ctx: AppContext, organization: UUID
) -> None:
    """Adding the scope to a developer's key asks for a new secret, and for the old one's end."""
    owner = _live(await member(ctx, organization, Role.OWNER, "ann@acme.example"))
    developer = await member(ctx, organization, Role.DEVELOPER, "bob@acme.example")
    made = await mint(ctx, developer, "orders:rw")
    scopes = ["orders:rw", *PAYOUTS]

    async def add() -> bool:
        return await edit_key(ctx, actor=owner, key_id=made.id, **edit(*scopes))

    with pytest.raises(ValidationFailed, match="bob@acme.example has seen this key"):
        await add()
    rotated = await rotate_key(ctx, actor=owner, key_id=made.id)
    with pytest.raises(ValidationFailed, match="end the old secret"):
        await add()
    await end_old_secret(ctx, actor=owner, key_id=made.id)
    assert await add()
    assert await held(ctx, rotated.key) == set(scopes)


@pytest.mark.parametrize("act", ["demote", "deactivate", "remove"])
async def test_money_scopes_end_with_the_role_of_who_made_the_key(
    ctx: AppContext, organization: UUID, act: str
) -> None:
    """Taken at once, audited, told to the owners; what servers run on stays. Coming back does not
    bring them back."""
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    other = await member(ctx, organization, Role.OWNER, "bob@acme.example")
    both = await mint(ctx, other, "orders:rw", *PAYOUTS)
    money = await mint(ctx, other, *PAYOUTS)
    mine = await mint(ctx, owner, *PAYOUTS)
    number = await membership(ctx, other)
    if act == "demote":
        await members.change_role(ctx, actor=owner, member_id=number, role=Role.DEVELOPER)
    else:
        await getattr(members, act)(ctx, actor=owner, member_id=number)
    assert await held(ctx, both.key) == {"orders:rw"}
    assert await held(ctx, money.key) is None
    assert await held(ctx, mine.key) == set(PAYOUTS)
    done = await audited(ctx)
    assert sorted(done[3:5]) == ["api_key.revoked", "api_key.scopes_taken"]
    told = await ctx.database.pool.fetch("SELECT template, recipient FROM mail")
    assert [tuple(row) for row in told] == [("keys_cut", "ann@acme.example")]
    if act == "demote":
        await members.change_role(ctx, actor=owner, member_id=number, role=Role.OWNER)
        assert await held(ctx, both.key) == {"orders:rw"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE membership SET role = 'developer'",
        "UPDATE membership SET deactivated_at = now()",
        "DELETE FROM membership",
        "UPDATE app_user SET is_active = false",
        "UPDATE api_key_secret SET maker_id = NULL",
    ],
)
async def test_each_call_is_judged_by_the_makers_role_of_now(
    ctx: AppContext, organization: UUID, statement: str
) -> None:
    """Whatever way a role was lost, and where nobody knows who made a secret."""
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    made = await mint(ctx, owner, "orders:rw", *PAYOUTS)
    assert await held(ctx, made.key) == {"orders:rw", *PAYOUTS}
    await ctx.database.pool.execute(statement)
    assert await held(ctx, made.key) == {"orders:rw"}


async def test_the_operators_keys_have_what_they_were_given(
    ctx: AppContext, organization: UUID
) -> None:
    operator = Actor(ActorKind.OPERATOR, "cli", "command line", organization, LIVE)
    made = await mint(ctx, operator, *PAYOUTS)
    assert await held(ctx, made.key) == set(PAYOUTS)
    rotated = await rotate_key(ctx, actor=operator, key_id=made.id)
    assert await held(ctx, rotated.key) == set(PAYOUTS)


async def test_a_key_made_while_the_role_falls_has_no_money(
    ctx: AppContext, organization: UUID
) -> None:
    """Whichever is first: the key is refused, or it is found and cut."""
    owner = await member(ctx, organization, Role.OWNER, "ann@acme.example")
    for attempt in range(5):
        other = await member(ctx, organization, Role.OWNER, f"b{attempt}@acme.example")
        number = await membership(ctx, other)
        made, _ = await asyncio.gather(
            mint(ctx, other, "orders:rw", *PAYOUTS),
            members.change_role(ctx, actor=owner, member_id=number, role=Role.DEVELOPER),
            return_exceptions=True,
        )
        if isinstance(made, MintedKey):
            stored = await ctx.database.pool.fetchval(
                "SELECT scopes FROM api_key WHERE id = $1", made.id
            )
            assert stored == ["orders:rw"]
        else:
            assert isinstance(made, ValidationFailed)
