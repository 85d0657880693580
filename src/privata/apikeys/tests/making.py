"""What the database tests of this room share."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from privata.apikeys.admission import Admitter, Caller
from privata.apikeys.service import MintedKey, create_key
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.kernel import Kernel
from privata.infra.limits import Kind

TEST, LIVE = Environment.TEST, Environment.LIVE


def person(organization: UUID, environment: Environment = TEST) -> Actor:
    return Actor(ActorKind.USER, "1", "ada@acme.example", organization, environment)


async def made(
    kernel: Kernel,
    organization: UUID,
    environment: Environment = TEST,
    *,
    name: str = "Server",
    scopes: tuple[str, ...] = ("orders:rw",),
    cidrs: tuple[str, ...] = (),
    expires_on: date | None = None,
) -> MintedKey:
    """A key made by a person."""
    async with kernel.database.transaction() as tx:
        return await create_key(
            tx,
            kernel,
            actor=person(organization, environment),
            environment=environment,
            name=name,
            scopes=scopes,
            allowed_cidrs=cidrs,
            expires_on=expires_on,
        )


async def works(kernel: Kernel, key: str, ip: str = "203.0.113.7") -> bool:
    """Whether the API lets this key in from `ip`."""
    kind = next(iter(Kind))
    admission = await Admitter(kernel).admit(Caller(key, ip, "", kind, 600, 600))
    return admission.actor is not None


async def audited(kernel: Kernel) -> list[str]:
    rows = await kernel.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows]
