"""SQL on the table of second factors, and what its column `data` holds for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

import asyncpg
import msgspec

from privata.accounts.states import FactorKind
from privata.infra.database.postgres import Transaction

TOTP: Final = FactorKind.TOTP
PASSKEY: Final = FactorKind.PASSKEY
RECOVERY: Final = FactorKind.RECOVERY


class App(msgspec.Struct, frozen=True):
    """An authenticator app: its sealed secret in base64, and the last time step that was used."""

    secret: str
    counter: int


class Passkey(msgspec.Struct, frozen=True):
    """A passkey as the browser made it (`webauthn`), under the name its owner gave it."""

    name: str
    credential: dict[str, Any]


class RecoveryCodes(msgspec.Struct, frozen=True):
    """The HMACs of the codes that are left, and whether one was typed back."""

    codes: tuple[str, ...]
    confirmed: bool


FactorData: TypeAlias = App | Passkey | RecoveryCodes
D = TypeVar("D", App, RecoveryCodes)


@dataclass(frozen=True, slots=True)
class Locked(Generic[D]):
    """A row that this transaction holds."""

    id: int
    data: D


@dataclass(frozen=True, slots=True)
class LockedCodes:
    """What typed codes are judged by; None where the person has none, or it was not asked for."""

    app: Locked[App] | None
    recovery: Locked[RecoveryCodes] | None


_KINDS: Final[dict[type[FactorData], FactorKind]] = {
    App: TOTP,
    Passkey: PASSKEY,
    RecoveryCodes: RECOVERY,
}

_LOCKED: Final = """
SELECT id, type, data FROM mfa_authenticator WHERE user_id = $1 AND type = ANY($2::text[])
ORDER BY id FOR UPDATE
"""

_ADD: Final = """
INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES ($1, $2, $3, now())
"""

_USED: Final = """
UPDATE mfa_authenticator SET last_used_at = now()
WHERE user_id = $1 AND id = $2 AND type = 'webauthn' RETURNING id
"""

_WRITE: Final = "UPDATE mfa_authenticator SET data = $2, last_used_at = now() WHERE id = $1"

_COUNT: Final = """
SELECT count(*) FROM mfa_authenticator WHERE user_id = $1 AND type = ANY($2::text[])
"""

_LOCK_CREDENTIAL: Final = "SELECT pg_advisory_xact_lock(hashtextextended('passkey:' || $1, 0))"

_REGISTERED: Final = """
SELECT EXISTS (
    SELECT FROM mfa_authenticator WHERE type = 'webauthn' AND data->'credential'->>'rawId' = $1
)
"""

_DELETE_TYPE: Final = "DELETE FROM mfa_authenticator WHERE user_id = $1 AND type = $2"

_DELETE: Final = """
DELETE FROM mfa_authenticator WHERE user_id = $1 AND id = $2 AND type IN ('totp', 'webauthn')
RETURNING type
"""

_RENAME: Final = """
WITH old AS (
    SELECT id, data->>'name' AS name FROM mfa_authenticator
    WHERE user_id = $1 AND id = $2 AND type = 'webauthn' FOR UPDATE
)
UPDATE mfa_authenticator AS m SET data = jsonb_set(m.data, '{name}', to_jsonb($3::text))
FROM old WHERE m.id = old.id RETURNING old.name
"""

_TURN_ON: Final = """
UPDATE app_user SET recovery_confirmed_at = now() WHERE id = $1 AND recovery_confirmed_at IS NULL
RETURNING id
"""

_TURN_OFF: Final = """
UPDATE app_user SET recovery_confirmed_at = NULL
WHERE id = $1 AND recovery_confirmed_at IS NOT NULL RETURNING id
"""


async def locked_codes(tx: Transaction, user_id: int, *kinds: FactorKind) -> LockedCodes:
    """The person's app and recovery codes, those of these kinds, locked."""
    rows = await tx.connection.fetch(_LOCKED, user_id, list(kinds))
    by_kind = {row["type"]: row for row in rows}
    return LockedCodes(_held(by_kind.get(TOTP), App), _held(by_kind.get(RECOVERY), RecoveryCodes))


def _held(row: asyncpg.Record | None, kind: type[D]) -> Locked[D] | None:
    return None if row is None else Locked(row["id"], msgspec.json.decode(row["data"], type=kind))


async def add(tx: Transaction, user_id: int, data: FactorData) -> None:
    """Insert a factor."""
    await tx.connection.execute(_ADD, user_id, _KINDS[type(data)], _text(data))


async def write(tx: Transaction, factor_id: int, data: App | RecoveryCodes) -> None:
    """Replace the data of a locked factor that was just used."""
    await tx.connection.execute(_WRITE, factor_id, _text(data))


async def passkey_used(pool: asyncpg.Pool[asyncpg.Record], user_id: int, passkey_id: int) -> bool:
    """Note that a passkey of the person was shown; False if it is gone."""
    return await pool.fetchval(_USED, user_id, passkey_id) is not None


def _text(data: FactorData) -> str:
    return msgspec.json.encode(data).decode()


async def count(tx: Transaction, user_id: int, *kinds: str) -> int:
    """How many factors of these types the person has."""
    return int(await tx.connection.fetchval(_COUNT, user_id, list(kinds)))


async def is_registered(tx: Transaction, credential_id: str) -> bool:
    """Whether anybody has a passkey with this id. Until the commit nobody else is told so: of two
    people who register the same one at the same moment, the second sees the first's."""
    await tx.connection.execute(_LOCK_CREDENTIAL, credential_id)
    return bool(await tx.connection.fetchval(_REGISTERED, credential_id))


async def delete_of_type(tx: Transaction, user_id: int, kind: str) -> None:
    """Delete the person's factors of a type."""
    await tx.connection.execute(_DELETE_TYPE, user_id, kind)


async def delete(tx: Transaction, user_id: int, factor_id: int) -> str | None:
    """Delete one app or passkey of the person; its type."""
    kind: str | None = await tx.connection.fetchval(_DELETE, user_id, factor_id)
    return kind


async def rename(tx: Transaction, user_id: int, factor_id: int, name: str) -> str | None:
    """Rename one passkey of the person; its old name."""
    old: str | None = await tx.connection.fetchval(_RENAME, user_id, factor_id, name)
    return old


async def turn_on(tx: Transaction, user_id: int) -> bool:
    """Factors count from now on; False if they did already."""
    return await tx.connection.fetchval(_TURN_ON, user_id) is not None


async def turn_off(tx: Transaction, user_id: int) -> bool:
    """No factor counts any more; False if none did."""
    return await tx.connection.fetchval(_TURN_OFF, user_id) is not None
