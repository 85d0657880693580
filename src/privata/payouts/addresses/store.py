"""SQL of the payout addresses. Locks: the organization's row first, then an address's."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.database.postgres import Transaction
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.rows import AddressRow, address_row
from privata.payouts.states import VerifiedBy

_INSERT: Final = """
INSERT INTO payout_address (id, organization_id, environment, currency, address, label, created_at,
                            created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (organization_id, environment, currency, address) WHERE state <> 'removed' DO NOTHING
RETURNING *
"""

_LOCK: Final = """
SELECT * FROM payout_address
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND state <> 'removed'
FOR NO KEY UPDATE
"""

# Shared: requests and confirmations to one address need not wait for each other, only for somebody
# who removes it.
_HOLD: Final = """
SELECT * FROM payout_address
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND state <> 'removed'
FOR SHARE
"""

_HOLD_DEFAULT: Final = """
SELECT * FROM payout_address
WHERE organization_id = $1 AND environment = $2 AND currency = $3 AND is_default
FOR SHARE
"""

_ALL: Final = """
SELECT * FROM payout_address
WHERE organization_id = $1 AND environment = $2 AND state <> 'removed'
ORDER BY currency, is_default DESC, created_at, id
"""

_ANY_VERIFIED: Final = """
SELECT EXISTS (SELECT FROM payout_address
               WHERE organization_id = $1 AND environment = $2 AND state = 'verified')
"""

_SET_CHALLENGE: Final = """
UPDATE payout_address SET challenge_nonce = $2, challenge_expires_at = $3, wrong_answers = 0
WHERE id = $1 AND state = 'unverified' RETURNING *
"""

_COUNT_WRONG: Final = """
UPDATE payout_address SET wrong_answers = $2 WHERE id = $1 AND state = 'unverified' RETURNING *
"""

# The first one of its currency is the default at once.
_VERIFY: Final = """
UPDATE payout_address AS a
SET state = 'verified', verified_at = $2, verified_by = $3, usable_at = $4,
    challenge_nonce = NULL, challenge_expires_at = NULL, wrong_answers = 0,
    is_default = NOT EXISTS (
        SELECT FROM payout_address AS d
        WHERE d.organization_id = a.organization_id AND d.environment = a.environment
          AND d.currency = a.currency AND d.is_default)
WHERE a.id = $1 AND a.state = 'unverified'
RETURNING *
"""

_DEMOTE: Final = """
UPDATE payout_address SET is_default = false
WHERE organization_id = $1 AND environment = $2 AND currency = $3 AND is_default
RETURNING id
"""

_PROMOTE: Final = """
UPDATE payout_address SET is_default = true WHERE id = $1 AND state = 'verified' RETURNING *
"""

_OTHERS: Final = """
SELECT count(*) FROM payout_address
WHERE organization_id = $1 AND environment = $2 AND currency = $3 AND state = 'verified'
  AND id <> $4
"""

_REMOVE: Final = """
UPDATE payout_address
SET state = 'removed', removed_at = $2, is_default = false, challenge_nonce = NULL,
    challenge_expires_at = NULL, wrong_answers = 0
WHERE id = $1 AND state <> 'removed'
RETURNING *
"""


async def insert_address(
    tx: Transaction,
    *,
    address_id: UUID,
    organization_id: UUID,
    environment: Environment,
    currency: PayoutCurrency,
    address: str,
    label: str,
    created_by: str,
    now: datetime,
) -> AddressRow | None:
    """Add an address; None if the organization has it in this currency already."""
    row = await tx.connection.fetchrow(
        _INSERT,
        address_id,
        organization_id,
        environment.value,
        currency.value,
        address,
        label,
        now,
        created_by[:254],
    )
    return None if row is None else address_row(row)


async def lock_address(
    tx: Transaction, address_id: UUID, organization_id: UUID, environment: Environment
) -> AddressRow | None:
    """An address of the organization that is not removed, locked against every change."""
    row = await tx.connection.fetchrow(_LOCK, address_id, organization_id, environment.value)
    return None if row is None else address_row(row)


async def hold_address(
    tx: Transaction, address_id: UUID, organization_id: UUID, environment: Environment
) -> AddressRow | None:
    """The same, held as it is until the commit."""
    row = await tx.connection.fetchrow(_HOLD, address_id, organization_id, environment.value)
    return None if row is None else address_row(row)


async def hold_default(
    tx: Transaction, organization_id: UUID, environment: Environment, currency: PayoutCurrency
) -> AddressRow | None:
    """The default of the currency, held as it is until the commit."""
    row = await tx.connection.fetchrow(
        _HOLD_DEFAULT, organization_id, environment.value, currency.value
    )
    return None if row is None else address_row(row)


async def addresses_of(
    pool: asyncpg.Pool[asyncpg.Record], organization_id: UUID, environment: Environment
) -> list[AddressRow]:
    """The organization's addresses but removed ones, by currency, each default first."""
    rows = await pool.fetch(_ALL, organization_id, environment.value)
    return [address_row(row) for row in rows]


async def any_verified(
    pool: asyncpg.Pool[asyncpg.Record], organization_id: UUID, environment: Environment
) -> bool:
    """Whether the organization has an address there that is known to be its own."""
    return bool(await pool.fetchval(_ANY_VERIFIED, organization_id, environment.value))


async def set_challenge(
    tx: Transaction, address_id: UUID, nonce: str, expires_at: datetime
) -> AddressRow | None:
    """A new challenge for the owner to sign; an older one is void by it."""
    row = await tx.connection.fetchrow(_SET_CHALLENGE, address_id, nonce, expires_at)
    return None if row is None else address_row(row)


async def count_wrong(tx: Transaction, address_id: UUID, wrong_answers: int) -> AddressRow | None:
    """Note how many wrong signatures the present challenge has got."""
    row = await tx.connection.fetchrow(_COUNT_WRONG, address_id, wrong_answers)
    return None if row is None else address_row(row)


async def verify(
    tx: Transaction, address_id: UUID, by: VerifiedBy, *, now: datetime, usable_at: datetime
) -> AddressRow | None:
    """The address is its owner's; the caller holds the organization's row."""
    row = await tx.connection.fetchrow(_VERIFY, address_id, now, by.value, usable_at)
    return None if row is None else address_row(row)


async def promote(tx: Transaction, address: AddressRow) -> AddressRow | None:
    """Make it the default instead of the present one; the caller holds the organization's row."""
    await tx.connection.fetch(
        _DEMOTE, address.organization_id, address.environment, address.currency
    )
    row = await tx.connection.fetchrow(_PROMOTE, address.id)
    return None if row is None else address_row(row)


async def other_verified(tx: Transaction, address: AddressRow) -> int:
    """How many other verified addresses the organization has in this currency."""
    count: int = await tx.connection.fetchval(
        _OTHERS,
        address.organization_id,
        address.environment,
        address.currency,
        address.id,
    )
    return count


async def remove(tx: Transaction, address_id: UUID, *, now: datetime) -> AddressRow | None:
    """Take it out of use for good."""
    row = await tx.connection.fetchrow(_REMOVE, address_id, now)
    return None if row is None else address_row(row)
