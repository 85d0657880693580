"""The organization and environment that a page is about, and who looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.roles import Permission, Role, allows
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor, Environment

#: Which of a user's organizations is shown, in the session.
SESSION_ORGANIZATION: Final = "organization"

#: Which environment was looked at last, in the session.
SESSION_ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organization and environment a page is about, and who looks at it."""

    organization_id: UUID
    organization_name: str
    environment: Environment
    role: Role
    actor: Actor
    status: OrganizationStatus = OrganizationStatus.APPROVED

    @property
    def user_id(self) -> int:
        """The number of the person who looks."""
        return int(self.actor.id)

    def may(self, permission: Permission) -> bool:
        """Whether this person's role includes `permission`."""
        return allows(self.role, permission)
