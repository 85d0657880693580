"""Who belongs to which organization, as pages read it. Plain SQL, frozen rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.infra.context import AppContext


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """A person's place in an organization that is open to them."""

    organization_id: UUID
    organization_name: str
    status: OrganizationStatus
    role: Role


_MEMBERSHIPS: Final = """
SELECT o.id, o.name, o.status, m.role
FROM membership AS m JOIN organization AS o ON o.id = m.organization_id
WHERE m.user_id = $1 AND m.deactivated_at IS NULL
ORDER BY m.id
"""


async def memberships_of(ctx: AppContext, user_id: int) -> list[MembershipRow]:
    """The organizations that are open to this person, the oldest membership first."""
    rows = await ctx.database.pool.fetch(_MEMBERSHIPS, user_id)
    return [
        MembershipRow(row["id"], row["name"], OrganizationStatus(row["status"]), Role(row["role"]))
        for row in rows
    ]
