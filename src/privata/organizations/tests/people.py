"""People to put into organizations."""

from __future__ import annotations

import uuid

from privata.accounts.service import create_user
from privata.core.roles import Role
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.kernel import Kernel


async def person(kernel: Kernel, email: str) -> Actor:
    """Somebody with an account and no organization."""
    async with kernel.database.transaction() as tx:
        user_id = await create_user(tx, email=email, password_hash="!")
    return Actor(ActorKind.USER, str(user_id), email, uuid.UUID(int=1), Environment.TEST)


async def member(kernel: Kernel, organization_id: uuid.UUID, role: Role, email: str) -> Actor:
    """A member with this role."""
    made = await person(kernel, email)
    await kernel.database.pool.execute(
        "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)",
        organization_id,
        int(made.id),
        role.value,
    )
    return Actor(made.kind, made.id, made.label, organization_id, made.environment)


async def membership(kernel: Kernel, actor: Actor) -> int:
    """The number of the actor's membership."""
    found: int = await kernel.database.pool.fetchval(
        "SELECT id FROM membership WHERE organization_id = $1 AND user_id = $2",
        actor.organization_id,
        int(actor.id),
    )
    return found


async def role(kernel: Kernel, actor: Actor) -> str | None:
    """The role the actor has now."""
    found: str | None = await kernel.database.pool.fetchval(
        "SELECT role FROM membership WHERE organization_id = $1 AND user_id = $2",
        actor.organization_id,
        int(actor.id),
    )
    return found


async def audited(kernel: Kernel) -> list[str]:
    """The actions recorded so far."""
    rows = await kernel.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows]
