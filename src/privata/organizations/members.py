"""Members of an organization: who they are, what they may be changed to, how they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.roles import Role
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.hooks import ROLE_FELL
from privata.organizations.invitations import end_invitations_of
from privata.organizations.membership_rules import Member, removal_refused, role_change_refused
from privata.organizations.telling import end_access, renew_access

_LIST = """
SELECT m.id, m.user_id, u.email, u.name, m.role, m.created_at AS joined_at, u.last_login,
       m.deactivated_at
FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
WHERE m.organization_id = $1
ORDER BY m.deactivated_at IS NOT NULL, lower(coalesce(nullif(u.name, ''), u.email)), m.id
"""

# All members of the organization, in the order of their ids: two owners who demote each other at
# once wait for one another here, and the second one sees what the first has done.
_LOCK = """
SELECT m.id, m.user_id, m.role, m.deactivated_at, u.email
FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
WHERE m.organization_id = $1 ORDER BY m.id FOR UPDATE OF m
"""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as the team page shows one."""

    id: int
    user_id: int
    email: str
    name: str
    role: str
    joined_at: datetime
    last_login: datetime | None
    deactivated_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Locked:
    """The members of an organization while they stay as they are."""

    members: list[Member]
    actor: Member
    target: Member
    target_row: asyncpg.Record


async def members_of(ctx: AppContext, organization_id: UUID) -> list[MemberRow]:
    """Everybody who belongs to the organization, the deactivated last."""
    rows = await ctx.database.pool.fetch(_LIST, organization_id)
    return [MemberRow(**dict(row)) for row in rows]


async def member_of(ctx: AppContext, organization_id: UUID, member_id: int) -> MemberRow:
    """One member; `NotFound` if the organization has none with this id."""
    found = [one for one in await members_of(ctx, organization_id) if one.id == member_id]
    if not found:
        raise NotFound("Member not found.")
    return found[0]


async def change_role(ctx: AppContext, *, actor: Actor, member_id: int, role: Role) -> None:
    """Give a member another role; `ValidationFailed` with the rule that forbids it."""
    async with ctx.database.transaction() as tx:
        locked = await _lock(tx, actor, member_id)
        _refuse(role_change_refused(locked.actor, locked.target, role, locked.members), "role")
        if locked.target.role is role:
            return
        await tx.connection.execute(
            "UPDATE membership SET role = $2 WHERE id = $1", member_id, role.value
        )
        await renew_access(tx, user_id=locked.target.user_id)
        await _fall(ctx, tx, actor, locked, role)
        await _note(
            tx, actor, locked, "member.role_changed", role=(locked.target.role.value, role.value)
        )


async def deactivate(ctx: AppContext, *, actor: Actor, member_id: int) -> None:
    """Close the organization to a member, who stays on the list; again is no error."""
    async with ctx.database.transaction() as tx:
        locked = await _lock(tx, actor, member_id)
        _refuse(removal_refused(locked.actor, locked.target, locked.members), "")
        if not locked.target.active:
            return
        await tx.connection.execute(
            "UPDATE membership SET deactivated_at = now() WHERE id = $1", member_id
        )
        await end_access(tx, user_id=locked.target.user_id)
        await _fall(ctx, tx, actor, locked, None)
        await _note(tx, actor, locked, "member.deactivated", status=("active", "deactivated"))


async def reactivate(ctx: AppContext, *, actor: Actor, member_id: int) -> None:
    """Open the organization to a deactivated member again."""
    async with ctx.database.transaction() as tx:
        locked = await _lock(tx, actor, member_id)
        if locked.target.active:
            return
        await tx.connection.execute(
            "UPDATE membership SET deactivated_at = NULL WHERE id = $1", member_id
        )
        await _note(tx, actor, locked, "member.reactivated", status=("deactivated", "active"))


async def remove(ctx: AppContext, *, actor: Actor, member_id: int) -> None:
    """End a membership; the person keeps their account and other organizations."""
    async with ctx.database.transaction() as tx:
        locked = await _lock(tx, actor, member_id)
        _refuse(removal_refused(locked.actor, locked.target, locked.members), "")
        await tx.connection.execute(
            "DELETE FROM notice_opt_out WHERE membership_id = $1", member_id
        )
        await tx.connection.execute("DELETE FROM membership WHERE id = $1", member_id)
        await end_access(tx, user_id=locked.target.user_id)
        await _fall(ctx, tx, actor, locked, None)
        await _note(tx, actor, locked, "member.removed", role=(locked.target.role.value, None))


async def role_of(ctx: AppContext, organization_id: UUID, user_id: int) -> Role | None:
    """The role of an active member; None for everybody else."""
    found = await ctx.database.pool.fetchval(
        "SELECT m.role FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id"
        " WHERE m.organization_id = $1 AND m.user_id = $2 AND m.deactivated_at IS NULL"
        " AND u.is_active",
        organization_id,
        user_id,
    )
    return None if found is None else Role(found)


async def _lock(tx: Transaction, actor: Actor, member_id: int) -> _Locked:
    """Lock the organization's members; `NotFound` if the target or the actor is none of them.

    The actor's own role is read here again: it may have been taken away a moment ago.
    """
    rows = await tx.connection.fetch(_LOCK, actor.organization_id)
    members = [
        Member(row["user_id"], Role(row["role"]), row["deactivated_at"] is None) for row in rows
    ]
    acting = [one for one in members if str(one.user_id) == actor.id and one.active]
    found = [(one, row) for one, row in zip(members, rows, strict=True) if row["id"] == member_id]
    if not found or not acting:
        raise NotFound("Member not found.")
    return _Locked(members, acting[0], *found[0])


async def _fall(
    ctx: AppContext, tx: Transaction, actor: Actor, locked: _Locked, role: Role | None
) -> None:
    """What somebody has made ends as far as their role, from now on `role`, does not reach it."""
    user_id = locked.target.user_id
    await end_invitations_of(tx, actor=actor, user_id=user_id, role=role)
    email = locked.target_row["email"]
    await ROLE_FELL.value(ctx, tx, actor=actor, user_id=user_id, email=email, role=role)


def _refuse(reason: str | None, field: str) -> None:
    if reason is not None:
        raise ValidationFailed(reason, fields=[(field, reason)])


async def _note(
    tx: Transaction, actor: Actor, locked: _Locked, action: str, **changes: tuple[object, object]
) -> None:
    told = {name: audit.changed(*sides) for name, sides in changes.items()}
    await audit.record(
        tx,
        actor=actor,
        action=action,
        target=str(locked.target.user_id),
        changes={"email": locked.target_row["email"], **told},
    )
