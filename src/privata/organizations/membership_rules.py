"""Who may change whose membership (docs/roles.md), beyond the permission table: pure.

The sentences are what people read when they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from privata.organizations.roles import Permission, Role, allows

#: How long an invitation's link may be used (docs/roles.md).
INVITATION_LIFETIME = timedelta(days=7)

#: An invitation is mailed again at most this often.
RESEND_AFTER = timedelta(minutes=1)

#: Open invitations an organization may have.
MOST_INVITATIONS = 50

LAST_OWNER = "An organization needs an owner. Promote another member first."
ADMIN_AND_OWNER = "An admin cannot change an owner's role."
ADMIN_AND_SELF = "An admin cannot change their own role."
ADMIN_MAKES_OWNER = "Only an owner can make someone an owner."
INVITER_FELL = "This invitation is invalid: {inviter} can no longer invite you. Ask for a new one."
MAY_NOT_INVITE = "Your role no longer allows you to invite people."
ONESELF = "You cannot remove your own access. Ask another owner."


@dataclass(frozen=True, slots=True)
class Member:
    """A membership as the rules see it."""

    user_id: int
    role: Role
    active: bool = True

    @property
    def owns(self) -> bool:
        return self.role is Role.OWNER and self.active


def role_change_refused(
    actor: Member, target: Member, role: Role, members: Iterable[Member]
) -> str | None:
    """Why `actor` may not give `target` this role; None if they may."""
    if actor.role is not Role.OWNER:
        if target.user_id == actor.user_id:
            return ADMIN_AND_SELF
        if target.role is Role.OWNER:
            return ADMIN_AND_OWNER
        if role is Role.OWNER:
            return ADMIN_MAKES_OWNER
    if target.owns and role is not Role.OWNER and _last_owner(target, members):
        return LAST_OWNER
    return None


def removal_refused(actor: Member, target: Member, members: Iterable[Member]) -> str | None:
    """Why `actor` may not remove or deactivate `target`; None if they may."""
    if target.owns and _last_owner(target, members):
        return LAST_OWNER
    if target.user_id == actor.user_id:
        return ONESELF
    if actor.role is not Role.OWNER and target.role is Role.OWNER:
        return ADMIN_AND_OWNER
    return None


def invitation_refused(actor: Role | None, role: Role) -> str | None:
    """Why somebody of role `actor` (None: no member) may not invite for `role`; None if so."""
    if actor is None or not allows(actor, Permission.INVITE_MEMBERS):
        return MAY_NOT_INVITE
    return ADMIN_MAKES_OWNER if role is Role.OWNER and actor is not Role.OWNER else None


def _last_owner(target: Member, members: Iterable[Member]) -> bool:
    return not any(one.owns and one.user_id != target.user_id for one in members)
