"""Making organizations and the people in them without a browser."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from privata.apikeys import service as apikeys
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.audit import service as audit
from privata.core.errors import PrivataError
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.organizations.roles import Role
from privata.organizations.states import OrganizationStatus


class EmailTaken(PrivataError):
    """A user with this email exists already."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was made; keys and password are shown once."""

    organization_id: uuid.UUID
    owner_id: int
    owner_password: str
    test_key: str | None
    live_key: str | None


def new_password() -> str:
    """A password of 96 random bits that can be typed."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


async def create_organization(
    kernel: Kernel,
    *,
    name: str,
    owner_email: str,
    password_hash: str,
    password: str,
    approve: bool = False,
    keys: bool = False,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
) -> Provisioned:
    """Make an organization with its owner; with `approve` it may go live, with `keys` it has a
    test key, and a live key if it is approved. `EmailTaken` if the address has an account."""
    status = OrganizationStatus.APPROVED if approve else OrganizationStatus.PENDING_REVIEW
    organization_id = uuid.uuid4()
    actor = Actor(ActorKind.OPERATOR, "cli", "command line", organization_id, Environment.TEST)
    async with kernel.database.transaction() as tx:
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
            actor=actor,
            action="organization.created",
            target=str(organization_id),
            changes={"name": name, "owner": owner_email, "status": status.value},
        )
        minted: dict[Environment, str] = {}
        wanted = (Environment.TEST, Environment.LIVE) if approve else (Environment.TEST,)
        for environment in wanted if keys else ():
            made = await apikeys.create_key(
                tx,
                kernel,
                actor=actor,
                environment=environment,
                name=f"First {environment.value} key",
                scopes=scopes,
            )
            minted[environment] = made.key
    return Provisioned(
        organization_id,
        owner_id,
        password,
        minted.get(Environment.TEST),
        minted.get(Environment.LIVE),
    )


async def create_user(
    tx: Transaction, *, email: str, password_hash: str, staff: bool = False, name: str = ""
) -> int:
    """Make a user; `EmailTaken` if there is one with this address in any case."""
    try:
        user_id: int = await tx.connection.fetchval(
            "INSERT INTO app_user (email, password, name, is_staff, is_superuser)"
            " VALUES (lower($1), $2, $3, $4, false) RETURNING id",
            email,
            password_hash,
            name,
            staff,
        )
    except asyncpg.UniqueViolationError:
        raise EmailTaken(f"{email} already has an account.") from None
    return user_id
