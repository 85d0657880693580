"""Who has seen a key's secrets, and what a key loses when their role falls (decision 0022)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import asyncpg

from privata.apikeys.reach import MONEY, lacking
from privata.apikeys.write_access import note
from privata.audit import service as audit
from privata.core.errors import ValidationFailed
from privata.core.roles import Role
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.database.postgres import Transaction
from privata.organizations.profile import held_role

_MAKERS: Final = """
SELECT s.by_operator, u.email, m.role FROM api_key_secret AS s
JOIN api_key AS k ON k.id = s.key_id
LEFT JOIN shared_user AS u ON u.id = s.maker_id
LEFT JOIN shared_membership AS m ON m.user_id = u.id AND m.organization_id = k.organization_id
                         AND m.deactivated_at IS NULL AND u.is_active
WHERE s.key_id = $1 AND (s.dead_at IS NULL OR s.dead_at > statement_timestamp())
"""

_SEEN_BY: Final = """
SELECT k.id, k.environment, k.name, k.scopes, cur.prefix FROM api_key AS k
JOIN api_key_secret AS cur ON cur.key_id = k.id AND cur.dead_at IS NULL
WHERE k.organization_id = $1 AND k.revoked_at IS NULL
  AND EXISTS (SELECT FROM api_key_secret AS s WHERE s.key_id = k.id AND s.maker_id = $2
                AND (s.dead_at IS NULL OR s.dead_at > statement_timestamp()))
ORDER BY k.id FOR NO KEY UPDATE OF k
"""

_TAKE: Final = "UPDATE api_key SET scopes = $2 WHERE id = $1"

_REVOKE: Final = """
UPDATE api_key SET revoked_at = statement_timestamp(), revoked_by = $2 WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A key whose secret somebody knows who may not any more; `lost` are the scopes it lost."""

    name: str
    prefix: str
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who is noted as having made a secret: a member, or the operator."""

    user_id: int | None
    by_operator: bool


def maker_of(actor: Actor) -> Maker:
    """How the maker of a secret is kept."""
    if actor.kind is ActorKind.USER:
        return Maker(int(actor.id), by_operator=False)
    return Maker(None, by_operator=True)


async def reach_of(tx: Transaction, actor: Actor) -> Role | None:
    """The role in whose name the actor makes keys, held until the commit; None: none at all.

    The operator makes any key: like an owner.
    """
    if actor.kind is not ActorKind.USER:
        return Role.OWNER
    # Of a key that is being made and a role that falls at the same moment, one waits for the
    # other: either the key is refused, or it is found and cut. Taken before a key's lock.
    return await held_role(tx, organization_id=actor.organization_id, user_id=int(actor.id))


async def refuse_known_beyond(tx: Transaction, key_id: UUID, scopes: list[str]) -> None:
    """`ValidationFailed` if somebody whose role does not reach `scopes` knows a working secret.

    Otherwise an owner's edit would hand money to the developer who made the key.
    """
    for row in await tx.connection.fetch(_MAKERS, key_id):
        role = None if row["role"] is None else Role(row["role"])
        missing = [] if row["by_operator"] else lacking(role, scopes)
        if missing:
            who = row["email"] or "A former member"
            sentence = (
                f"{who} has seen this key, and their role does not include {' and '.join(missing)}."
                " Rotate the key, end the old secret, and then add the scope."
            )
            raise ValidationFailed(sentence, fields=[("scopes", sentence)])


async def cut_keys(
    tx: Transaction, *, actor: Actor, user_id: int, role: Role | None
) -> list[SeenKey]:
    """Take from the keys that a member made what their new role (None: none) does not reach.

    Scopes about money are taken at once; a key of nothing else is revoked. Other scopes stay: they
    are what the organization's servers run on. The keys that lost something, or that would have to
    be rotated since the member knows them and reaches them no more, are the answer.
    """
    found: list[asyncpg.Record] = await tx.connection.fetch(
        _SEEN_BY, actor.organization_id, user_id
    )
    seen = []
    for row in found:
        beyond = lacking(role, row["scopes"])
        if not beyond:
            continue
        lost = [scope for scope in beyond if scope in MONEY]
        if lost:
            await _take(tx, actor, row, [one for one in row["scopes"] if one not in lost])
        seen.append(SeenKey(row["name"], row["prefix"], tuple(lost)))
    return seen


async def _take(tx: Transaction, actor: Actor, row: asyncpg.Record, kept: list[str]) -> None:
    within = replace(actor, environment=Environment(row["environment"]))
    changes = {"name": row["name"], "scopes": audit.changed(row["scopes"], kept)}
    if kept:
        await tx.connection.execute(_TAKE, row["id"], kept)
        await note(tx, within, "api_key.scopes_taken", row["id"], changes)
    else:
        await tx.connection.execute(_REVOKE, row["id"], actor.label)
        await note(tx, within, "api_key.revoked", row["id"], changes)
