"""Making organizations and the people in them without a browser."""

from __future__ import annotations

import secrets
import uuid

from privata.accounts.service import create_user
from privata.audit import service as audit
from privata.core.ids import new_id
from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.database.postgres import Transaction


def new_password() -> str:
    """A password of 96 random bits that can be typed."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


def operator_of(organization_id: uuid.UUID) -> Actor:
    """The operator's command line, acting for an organization."""
    return Actor(ActorKind.OPERATOR, "cli", "command line", organization_id, Environment.TEST)


async def create_organization(
    tx: Transaction, *, name: str, owner_email: str, password_hash: str, approve: bool = False
) -> tuple[uuid.UUID, int]:
    """Make an organization with its owner, whose ids are returned; with `approve` it may go live.

    `EmailTaken` if the address has an account.
    """
    status = OrganizationStatus.APPROVED if approve else OrganizationStatus.PENDING_REVIEW
    organization_id = new_id()
    await tx.connection.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, $2, $3)",
        organization_id,
        name,
        status.value,
    )
    owner_id = await create_user(tx, email=owner_email, password_hash=password_hash)
    await tx.connection.execute(
        "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)",
        organization_id,
        owner_id,
        Role.OWNER.value,
    )
    await audit.record(
        tx,
        actor=operator_of(organization_id),
        action="organization.created",
        target=str(organization_id),
        changes={"name": name, "owner": owner_email, "status": status.value},
    )
    return organization_id, owner_id
