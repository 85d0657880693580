"""What the database tests of this room share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypedDict
from uuid import UUID

from privata.apikeys.admission import Admitter, Caller
from privata.apikeys.service import MintedKey, create_key
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.limits import Kind

TEST, LIVE = Environment.TEST, Environment.LIVE

#: The number of the person who makes keys here, far from those that the database gives.
ADA = 900_001


class Edit(TypedDict):
    """What `edit_key` makes of a key."""

    name: str
    scopes: Sequence[str]
    allowed_cidrs: Sequence[str]
    expires_on: date | None


def edit(*scopes: str, allowed_cidrs: Sequence[str] = ()) -> Edit:
    """A name, these scopes and addresses, and no end."""
    return Edit(name="K", scopes=scopes, allowed_cidrs=allowed_cidrs, expires_on=None)


def person(organization: UUID, environment: Environment = TEST) -> Actor:
    return Actor(ActorKind.USER, str(ADA), "ada@acme.example", organization, environment)


async def joined(ctx: AppContext, organization: UUID) -> None:
    """Let the person of `person` be a developer."""
    await ctx.database.pool.execute(
        "INSERT INTO app_user (id, email, password, name, is_staff, is_superuser)"
        " VALUES ($1, 'ada.keys@acme.example', '!', '', false, false) ON CONFLICT DO NOTHING",
        ADA,
    )
    await ctx.database.pool.execute(
        "INSERT INTO membership (organization_id, user_id, role) SELECT id, $2, 'developer'"
        " FROM organization WHERE id = $1 ON CONFLICT DO NOTHING",
        organization,
        ADA,
    )


async def made(
    ctx: AppContext,
    organization: UUID,
    environment: Environment = TEST,
    *,
    name: str = "Server",
    scopes: tuple[str, ...] = ("orders:rw",),
    cidrs: tuple[str, ...] = (),
    expires_on: date | None = None,
) -> MintedKey:
    """A key made by a person, who is a developer."""
    await joined(ctx, organization)
    async with ctx.database.transaction() as tx:
        return await create_key(
            tx,
            ctx,
            actor=person(organization, environment),
            environment=environment,
            name=name,
            scopes=scopes,
            allowed_cidrs=cidrs,
            expires_on=expires_on,
        )


async def works(ctx: AppContext, key: str, ip: str = "203.0.113.7") -> bool:
    """Whether the API lets this key in from `ip`."""
    kind = next(iter(Kind))
    admission = await Admitter(ctx).admit(Caller(key, ip, "", kind, 600, 600))
    return admission.actor is not None


async def audited(ctx: AppContext) -> list[str]:
    rows = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows]
