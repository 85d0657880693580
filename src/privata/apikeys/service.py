"""Making keys, changing what they may do, revoking them."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from privata.apikeys.makers import maker_of, reach_of, refuse_known_beyond
from privata.apikeys.reach import MONEY, refuse_beyond, refuse_secret_beyond
from privata.apikeys.rules import (
    LAST_SHOWN,
    PREFIX_LENGTH,
    checked_blocks,
    checked_change_of_scopes,
    checked_expiry,
    checked_name,
    checked_scopes,
    expired,
    mint_key,
)
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.apikeys.write_access import locked_key, locked_working_key, note
from privata.audit.service import changed
from privata.core.errors import RateLimited, ScopeRequired, ValidationFailed
from privata.core.ids import new_id
from privata.core.standing import REASONS, OrganizationStatus, keys_work
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.profile import locked_profile

#: Keys an organization may create in an hour, in both environments (docs/authentication.md).
KEYS_PER_HOUR: Final = 20
_HOUR: Final = timedelta(hours=1)

_INSERT: Final = """
WITH made AS (
    INSERT INTO api_key (id, organization_id, environment, name, scopes, created_by,
                         allowed_cidrs, expires_on)
    VALUES ($1, $2, $3, $4, $7, $8, $10, $11)
    RETURNING id
)
INSERT INTO api_key_secret (key_id, prefix, last_four, digest, maker_id, by_operator, digest_key)
SELECT id, $5, $9, $6, $12, $13, $14 FROM made
"""

# When the oldest of the last KEYS_PER_HOUR leaves the hour, if there are as many.
_FULL_FOR: Final = """
SELECT created_at + $2::interval AS until, statement_timestamp() AS now FROM api_key
WHERE organization_id = $1 AND created_at > statement_timestamp() - $2::interval
ORDER BY created_at DESC OFFSET $3 LIMIT 1
"""

_UPDATE: Final = """
UPDATE api_key SET name = $2, scopes = $3, allowed_cidrs = $4, expires_on = $5,
    expiry_told_hours = CASE WHEN expires_on IS NOT DISTINCT FROM $5 THEN expiry_told_hours END
WHERE id = $1
"""

_REVOKE: Final = """
UPDATE api_key SET revoked_at = statement_timestamp(), revoked_by = $2
WHERE id = $1 AND revoked_at IS NULL
"""

_OTHER_LIVE: Final = """
SELECT EXISTS (
    SELECT FROM api_key WHERE organization_id = $1 AND environment = 'live' AND id <> $2
      AND revoked_at IS NULL AND (expires_on IS NULL OR expires_on > $3::date))
"""


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key; `key` is shown once and kept nowhere."""

    id: uuid.UUID
    key: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """What revoking found: the key was revoked before; it was the last live key that worked."""

    already: bool
    last_live: bool


async def create_key(
    tx: Transaction,
    ctx: AppContext,
    *,
    actor: Actor,
    environment: Environment,
    name: str,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    allowed_cidrs: Sequence[str] = (),
    expires_on: date | None = None,
) -> MintedKey:
    """Make a key of the actor's organization.

    `allowed_cidrs` are the addresses it may be used from (none: any), `expires_on` the date from
    whose 00:00 UTC it is dead. `ValidationFailed` for a wrong field, for a scope that the actor's
    role does not reach, and while the organization's status does not let such keys work;
    `RateLimited` after `KEYS_PER_HOUR` in an hour.
    """
    named = checked_name(name)
    allowed = checked_scopes(scopes)
    blocks = checked_blocks(allowed_cidrs)
    checked_expiry(expires_on, ctx.clock.now())
    # Under the organization's lock, so that many at once are counted one by one.
    owner = await locked_profile(tx, organization_id=actor.organization_id)
    _refuse_idle(owner.status, environment)
    refuse_beyond(await reach_of(tx, actor), allowed)
    await _refuse_too_many(tx, actor.organization_id)
    key = mint_key(environment)
    minted, maker = MintedKey(new_id(), key), maker_of(actor)
    await tx.connection.execute(
        _INSERT,
        minted.id,
        actor.organization_id,
        environment.value,
        named,
        key[:PREFIX_LENGTH],
        ctx.sealer.digest(key),
        allowed,
        actor.label,
        key[-LAST_SHOWN:],
        blocks,
        expires_on,
        maker.user_id,
        maker.by_operator,
        ctx.sealer.marks[0].name,
    )
    changes = {
        "name": named,
        "prefix": key[:PREFIX_LENGTH],
        "scopes": tuple(allowed),
        "allowed_cidrs": None if blocks is None else tuple(blocks),
        "expires_on": expires_on,
    }
    within = replace(actor, environment=environment)
    await note(tx, within, "api_key.created", minted.id, changes)
    return minted


def _refuse_idle(status: OrganizationStatus, environment: Environment) -> None:
    """`ValidationFailed` where a key of this environment would not work."""
    if keys_work(status, environment):
        return
    sentence = REASONS[status]
    if environment is Environment.LIVE:
        sentence = "You can create live keys once the organization is approved."
    raise ValidationFailed(sentence, fields=[("environment", sentence)])


async def edit_key(
    ctx: AppContext,
    *,
    actor: Actor,
    key_id: UUID,
    name: str,
    scopes: Sequence[str],
    allowed_cidrs: Sequence[str],
    expires_on: date | None,
) -> bool:
    """Change what a key is called and may do, in force at once; False if nothing differs.

    `NotFound`; `ValidationFailed` for a wrong field, for a key that has ended, and for scopes that
    the actor's role, or that of somebody who has seen the key, does not reach.
    """
    allowed = checked_scopes(scopes)
    wanted = {
        "name": checked_name(name),
        "scopes": allowed,
        "allowed_cidrs": checked_blocks(allowed_cidrs),
        "expires_on": checked_expiry(expires_on, ctx.clock.now()),
    }
    async with ctx.database.transaction() as tx:
        role = await reach_of(tx, actor)
        row = await locked_working_key(ctx, tx, actor, key_id)
        checked_change_of_scopes(row["scopes"], allowed)
        refuse_secret_beyond(role, row["scopes"])
        refuse_beyond(role, allowed)
        await refuse_known_beyond(tx, key_id, [one for one in allowed if one in MONEY])
        changes = {
            field: changed(row[field], new) for field, new in wanted.items() if row[field] != new
        }
        if not changes:
            return False
        await tx.connection.execute(_UPDATE, key_id, *wanted.values())
        await note(tx, actor, "api_key.edited", key_id, changes)
    return True


async def revoke_key(
    ctx: AppContext, *, actor: Actor, key_id: UUID, last_live_too: bool = False
) -> Revoked:
    """End a key at once, for good; one that is revoked already stays so.

    `NotFound`; `ValidationFailed` (field `last_live_too`) for the last live key that works, unless
    `last_live_too`: then the organization's live calls end with it.
    """
    async with ctx.database.transaction() as tx:
        # Under the organization's lock, so that of two that revoke the last two keys at the same
        # time, one sees that its key has become the last.
        await locked_profile(tx, organization_id=actor.organization_id)
        row = await locked_key(tx, actor, key_id)
        if row["revoked_at"] is not None:
            return Revoked(already=True, last_live=False)
        works = not expired(row["expires_on"], ctx.clock.now())
        last = works and await _is_last_live(ctx, tx, actor, key_id)
        if last and not last_live_too:
            sentence = (
                "This is your last live key that works. Without it, every live request fails."
            )
            raise ValidationFailed(sentence, fields=[("last_live_too", sentence)])
        await tx.connection.execute(_REVOKE, key_id, actor.label)
        await note(tx, actor, "api_key.revoked", key_id, {"name": row["name"]})
    return Revoked(already=False, last_live=last)


async def is_last_live_key(ctx: AppContext, *, actor: Actor, key_id: UUID) -> bool:
    """Whether no other live key of the actor's organization works."""
    async with ctx.database.transaction() as tx:
        return await _is_last_live(ctx, tx, actor, key_id)


def require_scope(actor: Actor, *enough: Scope) -> None:
    """`ScopeRequired` unless the key has one of these scopes; it names the first."""
    if actor.scopes.isdisjoint(enough):
        names = " or ".join(enough)
        raise ScopeRequired(
            f"This key does not have the {names} scope.", data={"scope": enough[0].value}
        )


async def _refuse_too_many(tx: Transaction, organization_id: UUID) -> None:
    full = await tx.connection.fetchrow(_FULL_FOR, organization_id, _HOUR, KEYS_PER_HOUR - 1)
    if full is not None:
        until: datetime = full["until"]
        seconds = max(1, math.ceil((until - full["now"]).total_seconds()))
        raise RateLimited(
            f"Your organization reached the limit of {KEYS_PER_HOUR} new keys per hour."
            f" Try again after {until + timedelta(minutes=1):%H:%M} UTC.",
            headers={"Retry-After": str(seconds)},
        )


async def _is_last_live(ctx: AppContext, tx: Transaction, actor: Actor, key_id: UUID) -> bool:
    if actor.environment is not Environment.LIVE:
        return False
    today = ctx.clock.now().date()
    return not await tx.connection.fetchval(_OTHER_LIVE, actor.organization_id, key_id, today)
