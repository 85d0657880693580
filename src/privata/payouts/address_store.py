"""SQL of the payout addresses. Locks: the organization's row first, then an address's."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.postgres import Transaction
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.states import VerifiedBy

Row = asyncpg.Record

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
) -> Row | None:
    """Add an address; None if the organization has it in this currency already."""
    return await tx.connection.fetchrow(
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


async def lock_address(
    tx: Transaction, address_id: UUID, organization_id: UUID, environment: Environment
) -> Row | None:
    """An address of the organization that is not removed, locked against every change."""
    return await tx.connection.fetchrow(_LOCK, address_id, organization_id, environment.value)


async def hold_address(
    tx: Transaction, address_id: UUID, organization_id: UUID, environment: Environment
) -> Row | None:
    """The same, held as it is until the commit."""
    return await tx.connection.fetchrow(_HOLD, address_id, organization_id, environment.value)


async def hold_default(
    tx: Transaction, organization_id: UUID, environment: Environment, currency: PayoutCurrency
) -> Row | None:
    """The default of the currency, held as it is until the commit."""
    return await tx.connection.fetchrow(
        _HOLD_DEFAULT, organization_id, environment.value, currency.value
    )


async def addresses_of(
    pool: asyncpg.Pool[Row], organization_id: UUID, environment: Environment
) -> list[Row]:
    """The organization's addresses but removed ones, by currency, each default first."""
    return await pool.fetch(_ALL, organization_id, environment.value)


async def set_challenge(
    tx: Transaction, address_id: UUID, nonce: str, expires_at: datetime
) -> Row | None:
    """A new challenge for the owner to sign; an older one is void by it."""
    return await tx.connection.fetchrow(_SET_CHALLENGE, address_id, nonce, expires_at)


async def count_wrong(tx: Transaction, address_id: UUID, wrong_answers: int) -> Row | None:
    """Note how many wrong signatures the present challenge has got."""
    return await tx.connection.fetchrow(_COUNT_WRONG, address_id, wrong_answers)


async def verify(
    tx: Transaction, address_id: UUID, by: VerifiedBy, *, now: datetime, usable_at: datetime
) -> Row | None:
    """The address is its owner's; the caller holds the organization's row."""
    return await tx.connection.fetchrow(_VERIFY, address_id, now, by.value, usable_at)


async def promote(tx: Transaction, address: Row) -> Row | None:
    """Make it the default instead of the present one; the caller holds the organization's row."""
    await tx.connection.fetch(
        _DEMOTE, address["organization_id"], address["environment"], address["currency"]
    )
    return await tx.connection.fetchrow(_PROMOTE, address["id"])


async def other_verified(tx: Transaction, address: Row) -> int:
    """How many other verified addresses the organization has in this currency."""
    count: int = await tx.connection.fetchval(
        _OTHERS,
        address["organization_id"],
        address["environment"],
        address["currency"],
        address["id"],
    )
    return count


async def remove(tx: Transaction, address_id: UUID, *, now: datetime) -> Row | None:
    """Take it out of use for good."""
    return await tx.connection.fetchrow(_REMOVE, address_id, now)
