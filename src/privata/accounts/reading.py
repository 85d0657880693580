"""What pages show of an account, and what a sign-in asks: second factors and sessions.

Plain SQL, always of one person, answered as frozen rows. No row holds a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from privata.accounts.sessions import ABSOLUTE, IDLE
from privata.accounts.states import FactorKind
from privata.infra.context import AppContext


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A second factor, or a person's recovery codes: how many are `codes_left`, and whether one was
    typed back (`confirmed`). Only passkeys have a `name`."""

    id: int
    kind: FactorKind
    name: str
    codes_left: int
    confirmed: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of a person, oldest first."""

    rows: tuple[FactorRow, ...]

    @property
    def app(self) -> FactorRow | None:
        """The authenticator app."""
        return next((row for row in self.rows if row.kind is FactorKind.TOTP), None)

    @property
    def passkeys(self) -> list[FactorRow]:
        return [row for row in self.rows if row.kind is FactorKind.PASSKEY]

    @property
    def codes(self) -> FactorRow | None:
        """The recovery codes."""
        return next((row for row in self.rows if row.kind is FactorKind.RECOVERY), None)

    @property
    def proofs(self) -> list[FactorRow]:
        """What can be shown at a sign-in; recovery codes only replace these."""
        return [row for row in self.rows if row.kind is not FactorKind.RECOVERY]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that is signed in."""

    id: int
    key_digest: bytes
    ip: str | None
    user_agent: str
    signed_in_at: datetime
    last_seen_at: datetime


_FACTORS: Final = """
SELECT id, type, coalesce(data->>'name', '') AS name,
       coalesce(jsonb_array_length(data->'codes'), 0) AS codes_left,
       coalesce((data->>'confirmed')::boolean, false) AS confirmed, created_at, last_used_at
FROM mfa_authenticator WHERE user_id = $1 ORDER BY id
"""

_PASSKEYS: Final = """
SELECT id, data->'credential' AS credential FROM mfa_authenticator
WHERE user_id = $1 AND type = 'webauthn' ORDER BY id
"""

_SESSIONS: Final = """
SELECT id, key_digest, host(ip) AS ip, user_agent, signed_in_at, last_seen_at FROM user_session
WHERE user_id = $1 AND last_seen_at > now() - $2::interval AND signed_in_at > now() - $3::interval
ORDER BY last_seen_at DESC, id DESC
"""


async def factors_of(ctx: AppContext, user_id: int) -> Factors:
    """The person's second factors and recovery codes."""
    rows = await ctx.database.pool.fetch(_FACTORS, user_id)
    return Factors(
        tuple(
            FactorRow(
                id=row["id"],
                kind=FactorKind(row["type"]),
                name=row["name"],
                codes_left=row["codes_left"],
                confirmed=row["confirmed"],
                created_at=row["created_at"],
                last_used_at=row["last_used_at"],
            )
            for row in rows
        )
    )


async def credentials_of(ctx: AppContext, user_id: int) -> dict[int, Mapping[str, Any]]:
    """The person's passkeys as browsers made them, by their ids: public keys, no secrets."""
    rows = await ctx.database.pool.fetch(_PASSKEYS, user_id)
    return {row["id"]: json.loads(row["credential"]) for row in rows}


async def sessions_of(ctx: AppContext, user_id: int) -> list[SessionRow]:
    """The person's living sessions, the one that was used last first."""
    rows = await ctx.database.pool.fetch(_SESSIONS, user_id, IDLE, ABSOLUTE)
    return [SessionRow(*row) for row in rows]
