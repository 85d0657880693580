"""Minting keys and telling whose key a request carries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from privata.apikeys.rules import (
    LAST_SHOWN,
    PREFIX_LENGTH,
    expired,
    ip_allowed,
    mint_key,
    well_formed,
)
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.audit import service as audit
from privata.core.errors import InvalidKey, ScopeRequired
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction

_INSERT = """
WITH made AS (
    INSERT INTO api_key (id, organization_id, environment, name, scopes, created_by)
    VALUES ($1, $2, $3, $4, $7, $8)
    RETURNING id
)
INSERT INTO api_key_secret (key_id, prefix, last_four, digest)
SELECT id, $5, $9, $6 FROM made
"""

# The read and the once-a-minute note of use are one statement, so that authentication costs one
# round trip; the update touches no row while the note is younger than a minute.
_AUTHENTICATE = """
WITH found AS (
    SELECT k.id, k.organization_id, k.environment, s.prefix, k.scopes, k.allowed_cidrs,
           k.expires_on, s.last_used_at, s.id AS secret_id
    FROM api_key_secret AS s JOIN api_key AS k ON k.id = s.key_id
    WHERE s.digest = ANY ($1::bytea[]) AND k.revoked_at IS NULL
      AND (s.dead_at IS NULL OR s.dead_at > now())
), used AS (
    UPDATE api_key_secret AS s SET last_used_at = now()
    FROM found
    WHERE s.id = found.secret_id
      AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
)
SELECT * FROM found
"""

#: One answer for every way a key can be wrong: nothing tells which it was.
_INVALID = "The API key is missing, malformed, revoked, expired or not allowed from your address."


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key; `key` is shown once and kept nowhere."""

    id: uuid.UUID
    key: str


async def create_key(
    tx: Transaction,
    kernel: Kernel,
    *,
    actor: Actor,
    environment: Environment,
    name: str,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
) -> MintedKey:
    """Make a key of the actor's organization."""
    key = mint_key(environment)
    minted = MintedKey(uuid.uuid4(), key)
    await tx.connection.execute(
        _INSERT,
        minted.id,
        actor.organization_id,
        environment.value,
        name,
        key[:PREFIX_LENGTH],
        kernel.sealer.digest(key),
        [scope.value for scope in scopes],
        actor.label,
        key[-LAST_SHOWN:],
    )
    await audit.record(
        tx,
        actor=actor,
        action="api_key.created",
        target=str(minted.id),
        changes={"name": name, "prefix": key[:PREFIX_LENGTH], "scopes": list(scopes)},
    )
    return minted


async def authenticate(
    kernel: Kernel, key: str | None, *, ip: str | None, user_agent: str = ""
) -> Actor:
    """The actor behind `X-API-Key`; `InvalidKey` says the same whatever is wrong with it."""
    if key is None or not well_formed(key):
        raise InvalidKey(_INVALID)
    row = await kernel.database.pool.fetchrow(_AUTHENTICATE, kernel.sealer.digests(key))
    if (
        row is None
        or expired(row["expires_on"], kernel.clock.now())
        or not ip_allowed(ip, row["allowed_cidrs"])
    ):
        raise InvalidKey(_INVALID)
    return Actor(
        kind=ActorKind.KEY,
        id=str(row["id"]),
        label=row["prefix"],
        organization_id=row["organization_id"],
        environment=Environment(row["environment"]),
        scopes=frozenset(row["scopes"]),
        ip=ip,
        user_agent=user_agent,
    )


def require_scope(actor: Actor, *enough: Scope) -> None:
    """`ScopeRequired` unless the key has one of these scopes; it names the first."""
    if actor.scopes.isdisjoint(enough):
        names = " or ".join(enough)
        raise ScopeRequired(
            f"This key does not have the scope {names}.", data={"scope": enough[0].value}
        )
