"""SQL of the payouts.

Locks are always taken in one order: organization, payout, payout address, then what the ledger
locks, and the audit chain last. Every read of a partner's rows names the organization.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias, TypedDict, Unpack
from uuid import UUID

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.database.postgres import Transaction
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.rows import (
    DuePayout,
    OperatorsPayout,
    PayoutRow,
    due_payout,
    operators_payout,
    payout_row,
)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# The moment of the newest request but n: while it is recent, there is no room for another one.
_NTH_NEWEST: Final = """
SELECT created_at FROM payout
WHERE organization_id = $1 AND environment = $2 AND created_at > $3
ORDER BY created_at DESC OFFSET $4 LIMIT 1
"""

_CREATED_AT: Final = "SELECT created_at FROM payout WHERE id = $1"

# Environment, currency and address are copied in the statement, so they cannot differ from the
# address's row.
_INSERT: Final = """
INSERT INTO payout (id, organization_id, environment, address_id, currency, address, amount,
                    needs_approval, requested_by, challenge_nonce, challenge_expires_at, created_at,
                    sandbox_scenario, sandbox_ttl)
SELECT $1, a.organization_id, a.environment, a.id, a.currency, a.address, $5, $6, $7, $8, $9, $10,
       $11, $12
FROM payout_address AS a
WHERE a.id = $2 AND a.organization_id = $3 AND a.environment = $4 AND a.state = 'verified'
  AND a.usable_at <= $10
RETURNING *
"""

_LOCK: Final = """
SELECT * FROM payout WHERE id = $1 AND organization_id = $2 AND environment = $3 FOR NO KEY UPDATE
"""

_LOCK_FREE: Final = f"{_LOCK} SKIP LOCKED"

# The operator has to do with live ones alone: those of the sandbox move by themselves.
_LOCK_LIVE: Final = """
SELECT * FROM payout WHERE id = $1 AND environment = 'live' FOR NO KEY UPDATE
"""

# The status is in the condition although the caller holds the row: a step from a state that the row
# is not in changes nothing.
_MOVE: Final = """
UPDATE payout
SET status = $3::text,
    confirmed_at = CASE WHEN $3::text = 'confirmed' THEN $4 ELSE confirmed_at END,
    approved_at = CASE WHEN $3::text = 'approved' THEN $4 ELSE approved_at END,
    approved_by = CASE WHEN $3::text = 'approved' THEN $5 ELSE approved_by END,
    processing_at = CASE WHEN $3::text = 'processing' THEN $4 ELSE processing_at END,
    sent_at = CASE WHEN $3::text = 'sent' THEN $4 ELSE sent_at END,
    tx_hash = coalesce($6, tx_hash),
    finished_at = CASE WHEN $3::text IN ('settled', 'failed', 'cancelled') THEN $4 END,
    failure = $7,
    wrong_answers = coalesce($8, wrong_answers),
    sandbox_due_at = statement_timestamp() + make_interval(secs => $9)
WHERE id = $1 AND status = $2 AND environment = $10
RETURNING *
"""

_COUNT_WRONG: Final = """
UPDATE payout SET wrong_answers = $2 WHERE id = $1 AND status = 'requested' RETURNING *
"""

_ONE: Final = """
SELECT * FROM payout WHERE id = $1 AND organization_id = $2 AND environment = $3
"""

_PAGE: Final = """
SELECT * FROM payout
WHERE organization_id = $1 AND environment = $2
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
  AND ($5::text[] IS NULL OR status = ANY ($5))
ORDER BY created_at DESC, id DESC
LIMIT $6
"""

# What somebody holds is left out before the LIMIT counts: payouts that are locked, however long,
# hold back no other. Each is locked and looked at again on its own afterwards.
_EXPIRED: Final = """
SELECT id, organization_id, environment, sandbox_due_at FROM payout
WHERE status = 'requested' AND challenge_expires_at <= $1 AND (environment = 'test' OR $3)
ORDER BY challenge_expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""

_FOR_OPERATOR: Final = """
SELECT p.*, o.name AS organization FROM payout AS p JOIN shared_organization AS o
  ON o.id = p.organization_id
WHERE p.environment = 'live' AND p.status = ANY ($1::text[])
  AND ($2::uuid IS NULL OR p.organization_id = $2)
ORDER BY p.created_at, p.id
LIMIT $3
"""


async def nth_newest(
    tx: Transaction,
    organization_id: UUID,
    environment: Environment,
    *,
    since: datetime,
    n: int,
) -> datetime | None:
    """When the n-th newest request since then was made, from 1; None if there are fewer."""
    found: datetime | None = await tx.connection.fetchval(
        _NTH_NEWEST, organization_id, environment.value, since, n - 1
    )
    return found


async def created_at(tx: Transaction, payout_id: UUID) -> datetime | None:
    """When the payout of this id was requested, whosever it is; None if there is none."""
    found: datetime | None = await tx.connection.fetchval(_CREATED_AT, payout_id)
    return found


async def insert_payout(
    tx: Transaction,
    *,
    payout_id: UUID,
    address_id: UUID,
    organization_id: UUID,
    environment: Environment,
    amount: Decimal,
    needs_approval: bool,
    requested_by: str,
    challenge_nonce: str,
    challenge_expires_at: datetime,
    now: datetime,
    sandbox: tuple[str, int] | None,
) -> PayoutRow | None:
    """Note a request; None if the address is not a usable one of the organization there.

    `sandbox`: scenario and seconds of the path, for the test environment alone.
    """
    row = await tx.connection.fetchrow(
        _INSERT,
        payout_id,
        address_id,
        organization_id,
        environment.value,
        amount,
        needs_approval,
        requested_by[:254],
        challenge_nonce,
        challenge_expires_at,
        now,
        *(sandbox or (None, None)),
    )
    return None if row is None else payout_row(row)


async def lock_payout(
    tx: Transaction, payout_id: UUID, organization_id: UUID, environment: Environment
) -> PayoutRow | None:
    """A payout of the organization, locked."""
    row = await tx.connection.fetchrow(_LOCK, payout_id, organization_id, environment.value)
    return None if row is None else payout_row(row)


async def lock_free_payout(
    tx: Transaction, payout_id: UUID, organization_id: UUID, environment: Environment
) -> PayoutRow | None:
    """The same without waiting; None also where somebody else holds it."""
    row = await tx.connection.fetchrow(_LOCK_FREE, payout_id, organization_id, environment.value)
    return None if row is None else payout_row(row)


async def lock_live_payout(tx: Transaction, payout_id: UUID) -> PayoutRow | None:
    """A live one whosever it is, for the operator."""
    row = await tx.connection.fetchrow(_LOCK_LIVE, payout_id)
    return None if row is None else payout_row(row)


class Known(TypedDict, total=False):
    """What is known with a step; the rest stays as it is.

    `due_in`: seconds after which the simulator moves the payout on.
    """

    approved_by: str
    tx_hash: str
    failure: str
    wrong_answers: int | None
    due_in: float | None


async def move_payout(
    tx: Transaction, payout: PayoutRow, to: PayoutStatus, *, now: datetime, **known: Unpack[Known]
) -> PayoutRow | None:
    """Enter a state from the one that `payout` was read in; None if it is not in that any more."""
    by = known.get("approved_by")
    row = await tx.connection.fetchrow(
        _MOVE,
        payout.id,
        payout.status,
        to.value,
        now,
        None if by is None else by[:254],
        known.get("tx_hash"),
        known.get("failure"),
        known.get("wrong_answers"),
        known.get("due_in"),
        payout.environment,
    )
    return None if row is None else payout_row(row)


async def count_wrong(tx: Transaction, payout_id: UUID, wrong_answers: int) -> PayoutRow | None:
    """Note how many wrong answers a request has got; None if it is not open any more."""
    row = await tx.connection.fetchrow(_COUNT_WRONG, payout_id, wrong_answers)
    return None if row is None else payout_row(row)


async def payout_of(
    pool: Pool, payout_id: UUID, organization_id: UUID, environment: Environment
) -> PayoutRow | None:
    """A payout of the organization."""
    row = await pool.fetchrow(_ONE, payout_id, organization_id, environment.value)
    return None if row is None else payout_row(row)


async def page_of(
    pool: Pool,
    organization_id: UUID,
    environment: Environment,
    *,
    before: tuple[datetime, UUID] | None,
    statuses: Sequence[PayoutStatus] | None,
    limit: int,
) -> list[PayoutRow]:
    """Payouts of the organization, the newest first."""
    moment, ident = before or (None, None)
    wanted = None if statuses is None else [status.value for status in statuses]
    rows = await pool.fetch(_PAGE, organization_id, environment.value, moment, ident, wanted, limit)
    return [payout_row(row) for row in rows]


async def expired(pool: Pool, now: datetime, limit: int, *, live: bool) -> list[DuePayout]:
    """Requests whose challenge has run out, of every organization; those of the sandbox alone
    unless `live`."""
    return [due_payout(row) for row in await pool.fetch(_EXPIRED, now, limit, live)]


async def for_operator(
    pool: Pool,
    *,
    statuses: Sequence[PayoutStatus],
    organization_id: UUID | None,
    limit: int,
) -> list[OperatorsPayout]:
    """Live payouts in these states with the organization's name, the oldest first."""
    wanted = [status.value for status in statuses]
    rows = await pool.fetch(_FOR_OPERATOR, wanted, organization_id, limit)
    return [operators_payout(row) for row in rows]
