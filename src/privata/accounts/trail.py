"""What people do with their accounts, in the audit log of each of their organizations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from privata.accounts.client import Client
from privata.audit import service as audit
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.database.postgres import Transaction

_ORGANIZATIONS: Final = """
SELECT organization_id FROM shared_membership WHERE user_id = $1 ORDER BY organization_id
"""


async def record(
    tx: Transaction,
    *,
    user_id: int,
    email: str,
    client: Client,
    action: str,
    target: str = "",
    changes: Mapping[str, Any] | None = None,
) -> None:
    """One entry for each organization of the person, or one of the platform for a person without.

    An account belongs to no environment; entries about it stand with the live ones.
    """
    rows = await tx.connection.fetch(_ORGANIZATIONS, user_id)
    for organization_id in [row["organization_id"] for row in rows] or [None]:
        await audit.record(
            tx,
            actor=_actor(user_id, email, client, organization_id),
            action=action,
            target=target or str(user_id),
            changes=changes,
        )


def _actor(user_id: int, email: str, client: Client, organization_id: UUID | None) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id=str(user_id),
        label=email,
        organization_id=organization_id,  # type: ignore[arg-type]  # null: the platform as a whole
        environment=Environment.LIVE,
        ip=client.ip,
        user_agent=client.user_agent,
        session=client.session,
    )
