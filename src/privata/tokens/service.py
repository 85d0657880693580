"""Personal access tokens: made and revoked on the settings page, used on `/dashboard/v1`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from privata.accounts.service import lock_user
from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.ids import new_id
from privata.core.roles import Role
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import TOKEN_SESSION, Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.http.proxies import source_of
from privata.infra.limits import TAKE, Allowance, Kind, limits_of
from privata.tokens.digests import TOKENS
from privata.tokens.rules import (
    LIFETIMES,
    MAX_NAME,
    MOST_TOKENS,
    PREFIX_LENGTH,
    mint,
    scopes_of,
    well_formed,
)

_MINE = """
SELECT t.id, t.name, t.scopes, t.prefix, t.created_at, t.expires_at, t.revoked_at,
       t.last_used_at, host(t.last_used_ip) AS last_used_ip
FROM personal_token AS t
JOIN shared_membership AS m ON m.organization_id = t.organization_id AND m.user_id = t.user_id
                    AND m.created_at <= t.created_at
WHERE t.organization_id = $1 AND t.user_id = $2 AND t.revoked_at IS NULL
ORDER BY t.created_at DESC, t.id
"""

_INSERT = """
INSERT INTO personal_token (id, organization_id, user_id, name, scopes, prefix, digest, expires_at,
                            digest_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

# Membership, role and status are read with the token: whatever was taken from the person a moment
# ago is taken from the token. One that is older than the membership was made in an earlier one,
# which has ended, and stays dead when the person comes back. The note of use touches no row more
# often than once a minute.
#
# A token pays for its calls, and so does the address of a wrong one; see `infra.limits`.
_AUTHENTICATE = f"""
WITH found AS (
    SELECT t.id, t.organization_id, t.scopes, t.last_used_at, t.digest_key, u.id AS user_id,
           u.email, m.role, o.name AS organization_name, o.status AS organization_status
    FROM personal_token AS t
    JOIN shared_user AS u ON u.id = t.user_id AND u.is_active
    JOIN shared_membership AS m ON m.user_id = t.user_id AND m.organization_id = t.organization_id
                        AND m.deactivated_at IS NULL AND m.created_at <= t.created_at
    JOIN shared_organization AS o ON o.id = t.organization_id
    WHERE t.digest = ANY ($1::bytea[]) AND t.revoked_at IS NULL AND t.expires_at > $2
), used AS (
    UPDATE personal_token AS t SET last_used_at = $2, last_used_ip = $3::inet
    FROM found
    WHERE t.id = found.id
      AND (found.last_used_at IS NULL OR found.last_used_at < $2 - interval '1 minute')
), wanted AS (
    SELECT coalesce('token:' || (SELECT id::text FROM found), 'ip:' || $4::text) AS subject,
           $5::text AS kind, 1 AS tokens,
           CASE WHEN EXISTS (SELECT FROM found) THEN $6::float8 ELSE $7::float8 END AS allowed
), bucket AS (
{TAKE})
SELECT found.*, bucket.tokens, bucket.granted FROM bucket LEFT JOIN found ON true
"""  # noqa: S608  # put together out of constants


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it."""

    id: UUID
    name: str
    scopes: list[str]
    prefix: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token; `token` is shown once and kept nowhere."""

    id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """The person behind a token, in its organization, with what the token allows."""

    actor: Actor
    role: Role
    scopes: frozenset[str]
    organization_name: str
    status: OrganizationStatus


async def tokens_of(ctx: AppContext, organization_id: UUID, user_id: int) -> list[Token]:
    """A person's tokens in an organization, the newest first, the expired ones too."""
    rows = await ctx.database.pool.fetch(_MINE, organization_id, user_id)
    return [Token(**dict(row)) for row in rows]


async def create_token(
    ctx: AppContext, *, actor: Actor, name: str, days: int, write: bool
) -> Minted:
    """Make a token of the acting person; `ValidationFailed` names the field."""
    name = " ".join(name.split())
    fields = []
    if not 0 < len(name) <= MAX_NAME:
        fields.append(("name", f"Enter a name of at most {MAX_NAME} characters."))
    if days not in LIFETIMES:
        fields.append(("days", "Choose an expiration."))
    if fields:
        raise ValidationFailed("Some fields are invalid.", fields=fields)
    token = mint()
    made = Minted(new_id(), token)
    now = ctx.clock.now()
    async with ctx.database.transaction() as tx:
        # Two forms sent at once: the person's row makes one wait for the other.
        await lock_user(tx, int(actor.id))
        count = await tx.connection.fetchval(
            "SELECT count(*) FROM personal_token WHERE organization_id = $1 AND user_id = $2"
            " AND revoked_at IS NULL AND expires_at > $3",
            actor.organization_id,
            int(actor.id),
            now,
        )
        if count >= MOST_TOKENS:
            reason = f"You have reached the limit of {MOST_TOKENS} active tokens. Revoke one first."
            raise ValidationFailed(reason, fields=[("name", reason)])
        await tx.connection.execute(
            _INSERT,
            made.id,
            actor.organization_id,
            int(actor.id),
            name,
            scopes_of(write),
            token[:PREFIX_LENGTH],
            ctx.sealer.digest(f"token:{token}"),
            now + timedelta(days=days),
            ctx.sealer.marks[0].name,
        )
        await audit.record(
            tx,
            actor=actor,
            action="token.created",
            target=str(made.id),
            changes={"name": name, "scopes": tuple(scopes_of(write)), "days": days},
        )
    return made


async def revoke_token(ctx: AppContext, *, actor: Actor, token_id: UUID) -> None:
    """End one of the acting person's tokens; `NotFound` for anybody else's."""
    async with ctx.database.transaction() as tx:
        name = await tx.connection.fetchval(
            "UPDATE personal_token SET revoked_at = now()"
            " WHERE id = $1 AND organization_id = $2 AND user_id = $3 AND revoked_at IS NULL"
            " RETURNING name",
            token_id,
            actor.organization_id,
            int(actor.id),
        )
        if name is None:
            raise NotFound("Token not found.")
        await audit.record(
            tx, actor=actor, action="token.revoked", target=str(token_id), changes={"name": name}
        )


async def authenticate(
    ctx: AppContext,
    header: str | None,
    environment: Environment,
    kind: Kind,
    *,
    ip: str | None,
    user_agent: str = "",
) -> tuple[Bearer | None, Allowance]:
    """The person behind `Authorization: Bearer pat_…`, None for a wrong one, and what is left.

    A partner key is no token: it has another form and another digest. Reads and writes have a
    bucket each for a token, as large as those of an organization's keys.
    """
    scheme, _, token = (header or "").strip(" \t").partition(" ")
    token = token.strip(" \t")
    right = scheme.lower() == "bearer" and well_formed(token)
    with_token, without = limits_of(ctx.settings)[kind]
    row = await ctx.database.pool.fetchrow(
        _AUTHENTICATE,
        ctx.sealer.digests(f"token:{token}") if right else [],
        ctx.clock.now(),
        ip,
        source_of(ip),
        kind.value,
        float(with_token),
        float(without),
    )
    assert row is not None  # the bucket's row is always there
    known = row["user_id"] is not None
    allowance = Allowance(with_token if known else without, row["tokens"], row["granted"] > 0)
    if not known:
        return None, allowance
    ctx.digests.used(TOKENS, row["id"], row["digest_key"], f"token:{token}")
    actor = Actor(
        kind=ActorKind.USER,
        id=str(row["user_id"]),
        label=row["email"],
        organization_id=row["organization_id"],
        environment=environment,
        ip=ip,
        user_agent=user_agent,
        session=f"{TOKEN_SESSION}{token[4:8]}",
    )
    bearer = Bearer(
        actor,
        Role(row["role"]),
        frozenset(row["scopes"]),
        row["organization_name"],
        OrganizationStatus(row["organization_status"]),
    )
    return bearer, allowance
