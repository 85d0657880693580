"""The keys of an organization as people see them: their secrets' ends, use, expiry and state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from privata.apikeys.reach import HELD_SCOPES
from privata.apikeys.rules import PREFIX_LENGTH, KeyState, ends_at, state_of
from privata.apikeys.scopes import Scope
from privata.core.errors import NotFound
from privata.core.tenancy import Environment
from privata.infra.context import AppContext

#: Keys that are read at most; those that work come first.
MOST_KEYS: Final = 500

#: A key that ends within this time is pointed out.
SOON: Final = timedelta(days=7)

# The secret that was used last may be one that is dead by now.
# Scopes are those that calls with the current secret have.
_SELECT: Final = f"""
SELECT k.id, k.environment, k.name, s.held AS scopes, k.allowed_cidrs, k.expires_on, k.created_by,
       k.created_at, k.revoked_at, k.revoked_by,
       cur.prefix, cur.last_four, cur.created_at AS secret_at,
       cur.last_used_at AS cur_used_at, host(cur.last_used_ip) AS cur_used_ip,
       old.prefix AS old_prefix, old.last_four AS old_last_four, old.created_at AS old_at,
       old.dead_at AS old_dead_at, old.last_used_at AS old_used_at,
       host(old.last_used_ip) AS old_used_ip,
       used.last_used_at, host(used.last_used_ip) AS last_used_ip
FROM api_key AS k
JOIN api_key_secret AS cur ON cur.key_id = k.id AND cur.dead_at IS NULL
CROSS JOIN LATERAL (SELECT ({HELD_SCOPES}) AS held FROM (SELECT cur.*) AS s) AS s
LEFT JOIN LATERAL (
    SELECT * FROM api_key_secret
    WHERE key_id = k.id AND dead_at > statement_timestamp()
    ORDER BY dead_at DESC LIMIT 1
) AS old ON true
LEFT JOIN LATERAL (
    SELECT last_used_at, last_used_ip FROM api_key_secret
    WHERE key_id = k.id AND last_used_at IS NOT NULL
    ORDER BY last_used_at DESC LIMIT 1
) AS used ON true
WHERE k.organization_id = $1 AND k.environment = ANY ($2)
"""  # noqa: S608  # put together out of constants

_LIST: Final = f"""{_SELECT}
ORDER BY (k.revoked_at IS NOT NULL OR coalesce(k.expires_on <= $3::date, false)),
         k.created_at DESC, k.id
LIMIT $4
"""

_ONE: Final = f"{_SELECT} AND k.id = $3"

# A key is pasted by its id or by what is shown of a secret of it, or its name is typed.
_FIND: Final = f"""{_SELECT}
  AND (k.id::text = lower($3) OR position(lower($3) IN lower(k.name)) > 0
       OR EXISTS (SELECT FROM api_key_secret AS s
                  WHERE s.key_id = k.id AND starts_with(s.prefix, $4)))
ORDER BY k.created_at DESC, k.id
LIMIT $5
"""


_ANY: Final = """
SELECT EXISTS (SELECT FROM api_key
               WHERE organization_id = $1 AND environment = $2 AND revoked_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by its ends; `dead_at` is set for the one that a rotation replaced."""

    prefix: str
    last_four: str
    created_at: datetime
    dead_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None

    @property
    def shown(self) -> str:
        """`pk_live_Ab3dEf…x9Zq`: enough to recognise it by."""
        return f"{self.prefix}…{self.last_four}"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key, its current secret, and the old one while it works still."""

    id: UUID
    environment: Environment
    name: str
    scopes: tuple[str, ...]
    allowed_cidrs: tuple[str, ...]
    expires_on: date | None
    created_by: str
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str
    state: KeyState
    current: Secret
    old: Secret | None
    last_used_at: datetime | None
    last_used_ip: str | None

    @property
    def ended(self) -> bool:
        """Whether it never works again."""
        return self.state in (KeyState.EXPIRED, KeyState.REVOKED)

    @property
    def publishable(self) -> bool:
        """Whether everybody may read it."""
        return Scope.RAMP_EMBED in self.scopes

    @property
    def ends_at(self) -> datetime | None:
        """The moment from which it does not work, if that was decided."""
        return None if self.expires_on is None else ends_at(self.expires_on)

    @property
    def old_used_since_rotation(self) -> bool:
        """Whether somebody still sends the old secret. Uses are noted at most once a minute."""
        used = self.old.last_used_at if self.old else None
        return used is not None and used > self.current.created_at

    def ends_soon(self, now: datetime) -> bool:
        """Whether it ends within `SOON`."""
        return not self.ended and self.ends_at is not None and self.ends_at - now <= SOON


async def keys_of(
    ctx: AppContext, *, organization_id: UUID, environments: Iterable[Environment]
) -> list[KeyView]:
    """The newest `MOST_KEYS` keys; those that work first, the newest of each first."""
    now = ctx.clock.now()
    rows = await ctx.database.pool.fetch(
        _LIST, organization_id, list(environments), now.date(), MOST_KEYS
    )
    return [_view(row, now) for row in rows]


async def key_of(
    ctx: AppContext, *, organization_id: UUID, environments: Iterable[Environment], key_id: UUID
) -> KeyView:
    """One key; `NotFound` if it is missing, another organization's or of another environment."""
    row = await ctx.database.pool.fetchrow(_ONE, organization_id, list(environments), key_id)
    if row is None:
        raise NotFound("Key not found.")
    return _view(row, ctx.clock.now())


async def keys_found(
    ctx: AppContext, *, organization_id: UUID, environment: Environment, text: str, most: int
) -> list[KeyView]:
    """At most `most` keys whose id or prefix is `text`, or whose name holds it; newest first."""
    prefix = text[:PREFIX_LENGTH] if text.startswith("pk_") else "-"
    rows = await ctx.database.pool.fetch(_FIND, organization_id, [environment], text, prefix, most)
    now = ctx.clock.now()
    return [_view(row, now) for row in rows]


async def any_key(ctx: AppContext, *, organization_id: UUID, environment: Environment) -> bool:
    """Whether there is a key that was not revoked."""
    found: bool = await ctx.database.pool.fetchval(_ANY, organization_id, environment.value)
    return found


def _view(row: asyncpg.Record, now: datetime) -> KeyView:
    current = Secret(
        row["prefix"],
        row["last_four"],
        row["secret_at"],
        None,
        row["cur_used_at"],
        row["cur_used_ip"],
    )
    state = state_of(
        revoked_at=row["revoked_at"],
        expires_on=row["expires_on"],
        old_dead_at=row["old_dead_at"],
        now=now,
    )
    return KeyView(
        id=row["id"],
        environment=Environment(row["environment"]),
        name=row["name"],
        scopes=tuple(row["scopes"]),
        allowed_cidrs=tuple(row["allowed_cidrs"]),
        expires_on=row["expires_on"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        state=state,
        current=current,
        old=_old(row) if state is KeyState.ROTATING else None,
        last_used_at=row["last_used_at"],
        last_used_ip=row["last_used_ip"],
    )


def _old(row: asyncpg.Record) -> Secret:
    return Secret(
        row["old_prefix"],
        row["old_last_four"],
        row["old_at"],
        row["old_dead_at"],
        row["old_used_at"],
        row["old_used_ip"],
    )
