"""Letting a call in: whose key it is, whether its address is locked out, and whether it has a token
left, in one round trip; exact over any number of processes, since the database decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import asyncpg

from privata.apikeys.rules import well_formed
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.kernel import Kernel
from privata.infra.limits import TAKE, Allowance, Kind
from privata.infra.proxies import source_of

# $1 digests of the key, $2 the caller's address, $3 its source, $4 calls a minute with a key and
# $6 without one, $5 the kind. A wrong key counts as none: its call is paid by its address.
#
# The update of `last_used_at` touches no row while the note is younger than a minute.
_ADMIT: Final = f"""
WITH lockout AS (
    SELECT locked_until FROM key_lockout WHERE ip = $3::text::inet AND locked_until > now()
), found AS (
    SELECT k.id, k.organization_id, k.environment, k.scopes, s.prefix, s.id AS secret_id,
           s.last_used_at
    FROM api_key_secret AS s JOIN api_key AS k ON k.id = s.key_id
    WHERE s.digest = ANY ($1::bytea[]) AND k.revoked_at IS NULL
      AND (s.dead_at IS NULL OR s.dead_at > now())
      AND (k.expires_on IS NULL OR k.expires_on > (now() AT TIME ZONE 'UTC')::date)
      AND (cardinality(k.allowed_cidrs) = 0
           OR $2::text::inet <<= ANY (k.allowed_cidrs::inet[]))
      AND NOT EXISTS (SELECT FROM lockout)
), noted AS (
    UPDATE api_key_secret AS s SET last_used_at = now(), last_used_ip = $2::text::inet
    FROM found
    WHERE s.id = found.secret_id
      AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
), caller AS (
    SELECT coalesce((SELECT organization_id::text FROM found), 'ip:' || $3::text) AS subject,
           CASE WHEN EXISTS (SELECT FROM found) THEN $4::float8 ELSE $6::float8 END AS allowed
    WHERE NOT EXISTS (SELECT FROM lockout)
), bucket AS (
{TAKE})
SELECT (SELECT locked_until FROM lockout) AS admission_locked_until,
       bucket.tokens AS admission_tokens, bucket.granted AS admission_granted,
       found.id AS admission_key, found.organization_id AS admission_organization,
       found.environment AS admission_environment, found.scopes AS admission_scopes,
       found.prefix AS admission_prefix%s
FROM (SELECT) AS one LEFT JOIN bucket ON true LEFT JOIN found ON true %s
"""  # noqa: S608  # put together out of constants

_ALONE: Final = _ADMIT % ("", "")


@dataclass(frozen=True, slots=True)
class Companion:
    """A read that the admission brings along, so that a hot route costs one round trip in all.

    `sql` may use `found.organization_id`, `found.environment` and the text $7; it yields at most
    one row, whose columns are null where there is none. It is read before the key's scope is
    looked at: the route must ask for its actor before it uses the row.
    """

    sql: str
    statement: str = field(init=False)

    def __post_init__(self) -> None:
        joined = f"LEFT JOIN LATERAL ({self.sql}) AS companion ON true"
        object.__setattr__(self, "statement", _ADMIT % (", companion.*", joined))


@dataclass(frozen=True, slots=True)
class Admission:
    """The outcome: an actor or none, what is left of the bucket, or until when it is locked out."""

    actor: Actor | None
    allowance: Allowance | None
    locked_until: datetime | None
    companion: asyncpg.Record | None = None


async def admit(
    kernel: Kernel,
    key: str | None,
    *,
    ip: str | None,
    user_agent: str,
    kind: Kind,
    allowed: tuple[int, int],
    companion: Companion | None = None,
    about: str = "",
) -> Admission:
    """Look the key up and take a token. `allowed` is calls a minute with a key and without one.

    With `companion`, its row about `about` comes along.
    """
    digests = kernel.sealer.digests(key) if key is not None and well_formed(key) else []
    arguments = (digests, ip, source_of(ip), float(allowed[0]), kind.value, float(allowed[1]))
    if companion is None:
        row = await kernel.database.pool.fetchrow(_ALONE, *arguments)
    else:
        row = await kernel.database.pool.fetchrow(companion.statement, *arguments, about)
    assert row is not None  # the outer row stands in the statement itself
    if row["admission_locked_until"] is not None:
        return Admission(None, None, row["admission_locked_until"])
    known = row["admission_key"] is not None
    allowance = Allowance(
        allowed[0] if known else allowed[1], row["admission_tokens"], row["admission_granted"]
    )
    if not known:
        return Admission(None, allowance, None)
    actor = Actor(
        kind=ActorKind.KEY,
        id=str(row["admission_key"]),
        label=row["admission_prefix"],
        organization_id=row["admission_organization"],
        environment=Environment(row["admission_environment"]),
        scopes=frozenset(row["admission_scopes"]),
        ip=ip,
        user_agent=user_agent,
    )
    return Admission(actor, allowance, None, None if companion is None else row)
