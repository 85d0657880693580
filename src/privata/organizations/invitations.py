"""Invitations: one address, one role, seven days, one use (docs/roles.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.ids import base62_token, new_id
from privata.core.roles import Role
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.invitation_limits import count_mail
from privata.organizations.membership_rules import (
    INVITATION_LIFETIME,
    INVITER_FELL,
    MOST_INVITATIONS,
    RESEND_AFTER,
    invitation_refused,
)
from privata.organizations.telling import mail_invitation, mail_member_joined

_OPEN = """
SELECT id, email, role, invited_by, sent_at, expires_at FROM invitation
WHERE organization_id = $1 AND accepted_at IS NULL AND cancelled_at IS NULL
ORDER BY sent_at DESC, id
"""

_COUNT = """
SELECT count(*) FROM invitation
WHERE organization_id = $1 AND accepted_at IS NULL AND cancelled_at IS NULL
"""

_LOCK_OPEN = """
SELECT email, role, sent_at FROM invitation
WHERE id = $1 AND organization_id = $2 AND accepted_at IS NULL AND cancelled_at IS NULL
FOR UPDATE
"""

# Whoever sends it again is the inviter from then on: the link is theirs.
_RENEW = """
UPDATE invitation SET digest = $2, expires_at = $3, sent_at = $4, invited_by = $5, inviter_id = $6
WHERE id = $1
"""

_CANCEL = """
UPDATE invitation SET cancelled_at = now()
WHERE id = $1 AND organization_id = $2 AND accepted_at IS NULL AND cancelled_at IS NULL
RETURNING email
"""

_IS_MEMBER = """
SELECT EXISTS (
    SELECT FROM membership AS m JOIN shared_user AS u ON u.id = m.user_id
    WHERE m.organization_id = $1 AND lower(u.email) = lower($2))
"""

_INSERT = """
INSERT INTO invitation
    (id, organization_id, email, role, digest, invited_by, expires_at, sent_at, inviter_id)
VALUES ($1, $2, lower($3), $4, $5, $6, $7, $8, $9)
"""

_OF_LINK = """
SELECT i.id, i.organization_id, o.name AS organization_name, i.email, i.role, i.invited_by,
       i.expires_at, i.accepted_at, i.cancelled_at, m.role AS inviter_role
FROM invitation AS i JOIN organization AS o ON o.id = i.organization_id
LEFT JOIN shared_user AS u ON u.id = i.inviter_id AND u.is_active
LEFT JOIN membership AS m ON m.organization_id = i.organization_id AND m.user_id = u.id
                         AND m.deactivated_at IS NULL
WHERE i.digest = ANY ($1::bytea[])
"""

_LOCK_OF_LINK = _OF_LINK + "FOR UPDATE OF i"

# The inviter's membership stays as it is until the commit: whoever takes it away at the same moment
# waits and finds the invitation used, or was faster and it is refused. Locked before the invitation
# wherever both are.
_LOCK_INVITER = """
SELECT FROM membership AS m JOIN invitation AS i
    ON m.organization_id = i.organization_id AND m.user_id = i.inviter_id
WHERE i.digest = ANY ($1::bytea[]) FOR SHARE OF m
"""

_LOCK_ROLE = """
SELECT role FROM membership
WHERE organization_id = $1 AND user_id = $2 AND deactivated_at IS NULL FOR SHARE
"""

_OF_INVITER = """
SELECT id, email, role FROM invitation
WHERE organization_id = $1 AND inviter_id = $2 AND accepted_at IS NULL AND cancelled_at IS NULL
ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Invited:
    """A new link; `url` is shown and mailed once and kept nowhere."""

    id: UUID
    email: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the holder of a link may see of the invitation."""

    id: UUID
    organization_id: UUID
    organization_name: str
    email: str
    role: str
    invited_by: str
    expires_at: datetime
    accepted_at: datetime | None
    cancelled_at: datetime | None
    inviter_role: str | None

    def closed(self, now: datetime) -> str | None:
        """Why it cannot be used any more; None if it can."""
        if self.accepted_at is not None:
            return "This invitation has already been used."
        if self.cancelled_at is not None:
            return "This invitation was canceled."
        if self.expires_at <= now:
            return "This invitation has expired."
        # By what the inviter is now, not by what they were when they sent it.
        inviter = None if self.inviter_role is None else Role(self.inviter_role)
        if invitation_refused(inviter, Role(self.role)) is not None:
            return INVITER_FELL.format(inviter=self.invited_by)
        return None


async def open_invitations(ctx: AppContext, organization_id: UUID) -> list[asyncpg.Record]:
    """Invitations that nobody has used yet, the newest first, expired ones included."""
    rows: list[asyncpg.Record] = await ctx.database.pool.fetch(_OPEN, organization_id)
    return rows


async def invite(ctx: AppContext, *, actor: Actor, email: str, role: Role) -> Invited:
    """Invite an address; `ValidationFailed` names what is wrong with it."""
    async with ctx.database.transaction() as tx:
        # Two at once for one address: the unique index lets one of them through.
        organization_name = await _lock_organization(tx, actor.organization_id)
        _refuse(invitation_refused(await _role(tx, actor), role), "role")
        if await tx.connection.fetchval(_IS_MEMBER, actor.organization_id, email):
            _refuse("This person is already a member.", "email")
        count = await tx.connection.fetchval(_COUNT, actor.organization_id)
        if count >= MOST_INVITATIONS:
            _refuse(
                f"The limit of {MOST_INVITATIONS} open invitations is reached. Cancel one first.",
                "email",
            )
        ident, token = new_id(), base62_token()
        now = ctx.clock.now()
        expires_at = now + INVITATION_LIFETIME
        try:
            await tx.connection.execute(
                _INSERT,
                ident,
                actor.organization_id,
                email,
                role.value,
                _digest(ctx, token),
                actor.label,
                expires_at,
                now,
                int(actor.id),
            )
        except asyncpg.UniqueViolationError:
            _refuse("This email address is already invited. Resend that invitation.", "email")
        made = Invited(ident, email.lower(), _url(ctx, token), expires_at)
        await _mail(ctx, tx, actor, organization_name, made, role.value)
        await audit.record(
            tx,
            actor=actor,
            action="invitation.created",
            target=str(ident),
            changes={"email": made.email, "role": role.value},
        )
    return made


async def resend(ctx: AppContext, *, actor: Actor, invitation_id: UUID) -> Invited:
    """A new link for seven more days; the old one is dead.

    `NotFound` if it is not open; `ValidationFailed` if it was sent a moment ago, too often, or is
    one that the actor could not make.
    """
    async with ctx.database.transaction() as tx:
        organization_name = await _lock_organization(tx, actor.organization_id)
        role = await _role(tx, actor)
        row = await tx.connection.fetchrow(_LOCK_OPEN, invitation_id, actor.organization_id)
        if row is None:
            raise NotFound("Invitation not found.")
        now = ctx.clock.now()
        if row["sent_at"] > now - RESEND_AFTER:
            _refuse("This invitation was just sent. Wait 1 minute before you resend it.", "")
        _refuse(invitation_refused(role, Role(row["role"])), "")
        token, expires_at = base62_token(), now + INVITATION_LIFETIME
        renewed = (_digest(ctx, token), expires_at, now, actor.label, int(actor.id))
        await tx.connection.execute(_RENEW, invitation_id, *renewed)
        made = Invited(invitation_id, row["email"], _url(ctx, token), expires_at)
        await _mail(ctx, tx, actor, organization_name, made, row["role"])
        await audit.record(
            tx,
            actor=actor,
            action="invitation.resent",
            target=str(invitation_id),
            changes={"email": made.email},
        )
    return made


async def cancel(ctx: AppContext, *, actor: Actor, invitation_id: UUID) -> None:
    """Take an invitation back; `NotFound` if it is not open any more."""
    async with ctx.database.transaction() as tx:
        email = await tx.connection.fetchval(
            _CANCEL,
            invitation_id,
            actor.organization_id,
        )
        if email is None:
            raise NotFound("Invitation not found.")
        await audit.record(
            tx,
            actor=actor,
            action="invitation.cancelled",
            target=str(invitation_id),
            changes={"email": email},
        )


async def invitation_of(ctx: AppContext, token: str) -> Invitation:
    """The invitation of a link; `NotFound` for a token that is or was none."""
    row = await ctx.database.pool.fetchrow(_OF_LINK, _digests(ctx, token))
    if row is None:
        raise NotFound("Invitation not found.")
    return Invitation(**dict(row))


async def accept(ctx: AppContext, *, actor: Actor, token: str, email: str) -> UUID:
    """Make the person behind `actor`, whose verified address is `email`, a member.

    The organization's id. `ValidationFailed` if the invitation is closed, another's, or one that
    its inviter could not make now; the actor's organization is not looked at, since they may have
    none.
    """
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(_LOCK_INVITER, _digests(ctx, token))
        # Two clicks at once: the second waits for this row and finds it used.
        row = await tx.connection.fetchrow(_LOCK_OF_LINK, _digests(ctx, token))
        if row is None:
            raise NotFound("Invitation not found.")
        found = Invitation(**dict(row))
        _refuse(found.closed(ctx.clock.now()), "")
        if found.email.lower() != email.lower():
            _refuse(f"This invitation is for {found.email}.", "")
        await tx.connection.execute(
            "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)"
            " ON CONFLICT (organization_id, user_id) DO NOTHING",
            found.organization_id,
            int(actor.id),
            found.role,
        )
        await tx.connection.execute(
            "UPDATE invitation SET accepted_at = now() WHERE id = $1", found.id
        )
        await mail_member_joined(
            ctx, tx, organization_id=found.organization_id, email=found.email, role=found.role
        )
        await audit.record(
            tx,
            actor=replace(actor, organization_id=found.organization_id),
            action="invitation.accepted",
            target=str(found.id),
            changes={"email": found.email, "role": found.role},
        )
    return found.organization_id


async def end_invitations_of(
    tx: Transaction, *, actor: Actor, user_id: int, role: Role | None
) -> None:
    """End what a member has offered and, with the role from now on (None: none), could not."""
    for row in await tx.connection.fetch(_OF_INVITER, actor.organization_id, user_id):
        if invitation_refused(role, Role(row["role"])) is not None:
            await tx.connection.execute(_CANCEL, row["id"], actor.organization_id)
            await audit.record(
                tx,
                actor=actor,
                action="invitation.cancelled",
                target=str(row["id"]),
                changes={"email": row["email"], "because": "the inviter's role fell"},
            )


async def _role(tx: Transaction, actor: Actor) -> Role | None:
    """The actor's role, held until the commit: it may have been taken away a moment ago."""
    role = await tx.connection.fetchval(_LOCK_ROLE, actor.organization_id, int(actor.id))
    return None if role is None else Role(role)


async def _lock_organization(tx: Transaction, organization_id: UUID) -> str:
    name: str = await tx.connection.fetchval(
        "SELECT name FROM organization WHERE id = $1 FOR NO KEY UPDATE", organization_id
    )
    return name


async def _mail(
    ctx: AppContext, tx: Transaction, actor: Actor, organization_name: str, made: Invited, role: str
) -> None:
    await count_mail(ctx, tx, organization_id=actor.organization_id, email=made.email)
    await mail_invitation(
        ctx,
        tx,
        email=made.email,
        organization_name=organization_name,
        role=role,
        invited_by=actor.label,
        url=made.url,
        expires_at=made.expires_at,
    )


def _url(ctx: AppContext, token: str) -> str:
    return f"{ctx.settings.base_url}/invitations/{token}"


def _digest(ctx: AppContext, token: str) -> bytes:
    return ctx.sealer.digest(f"invitation:{token}")


def _digests(ctx: AppContext, token: str) -> list[bytes]:
    return ctx.sealer.digests(f"invitation:{token}")


def _refuse(reason: str | None, field: str) -> None:
    if reason is not None:
        raise ValidationFailed(reason, fields=[(field, reason)])
