"""People to put into organizations."""

from __future__ import annotations

import uuid

from privata.accounts.service import create_user
from privata.core.roles import Role
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext


async def person(ctx: AppContext, email: str) -> Actor:
    """Somebody with an account and no organization."""
    async with ctx.database.transaction() as tx:
        user_id = await create_user(tx, email=email, password_hash="!")
    return Actor(ActorKind.USER, str(user_id), email, uuid.UUID(int=1), Environment.TEST)


async def member(ctx: AppContext, organization_id: uuid.UUID, role: Role, email: str) -> Actor:
    """A member with this role."""
    made = await person(ctx, email)
    await ctx.database.pool.execute(
        "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)",
        organization_id,
        int(made.id),
        role.value,
    )
    return Actor(made.kind, made.id, made.label, organization_id, made.environment)


async def membership(ctx: AppContext, actor: Actor) -> int:
    """The number of the actor's membership."""
    found: int = await ctx.database.pool.fetchval(
        "SELECT id FROM membership WHERE organization_id = $1 AND user_id = $2",
        actor.organization_id,
        int(actor.id),
    )
    return found


async def role(ctx: AppContext, actor: Actor) -> str | None:
    """The role the actor has now."""
    found: str | None = await ctx.database.pool.fetchval(
        "SELECT role FROM membership WHERE organization_id = $1 AND user_id = $2",
        actor.organization_id,
        int(actor.id),
    )
    return found


async def audited(ctx: AppContext) -> list[str]:
    """The actions recorded so far."""
    rows = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows]
