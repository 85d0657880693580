"""SQL of the refunds.

Locks are always taken in one order: first the order's row, then its refund's.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from privata.infra.database.postgres import Transaction
from privata.infra.database.rows import reader
from privata.orders.service import WholeOrder

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Refund(msgspec.Struct, frozen=True):
    """A row of `refund`: the one action of an order. Its address never leaves the platform but to
    the provider."""

    order_id: str
    organization_id: UUID
    environment: str
    action: str
    to_address: str | None
    to_extra_id: str | None
    stable_target: str | None
    state: str
    source: str
    requested_by: str
    #: When a worker may take it (again); None: it is over.
    due_at: datetime | None
    requested_at: datetime
    finished_at: datetime | None
    # What a new one begins with.
    provider_reference: str | None = None
    failure: str | None = None
    attempts: int = 0
    silent_since: datetime | None = None
    lease_token: int = 0


class ClaimedRefund(msgspec.Struct, frozen=True):
    """A refund that this worker asks the provider about, with what it asks about the order."""

    order_id: str
    organization_id: UUID
    environment: str
    to_address: str
    to_extra_id: str | None
    stable_target: str | None
    attempts: int
    silent_since: datetime | None
    lease_token: int
    requested_at: datetime
    #: The provider's name for the refund; None until it has taken it on.
    provider_reference: str | None
    provider: str
    provider_order_id: str
    quote_id: str | None
    amount_from: Decimal
    from_asset: str
    from_network: str
    sandbox_scenario: str | None
    sandbox_ttl: int | None
    #: Sealed: see `orders.opened_secret`.
    provider_secret: bytes | None


class InReview(msgspec.Struct, frozen=True):
    """An order that waits for the operator, with the refund that failed, if there is one."""

    id: str
    organization_id: UUID
    #: The organization's name.
    organization: str
    environment: str
    provider: str
    provider_order_id: str
    from_asset: str
    from_network: str
    from_decimals: int
    amount_from: Decimal
    to_asset: str
    to_network: str
    updated_at: datetime
    failed_reason_code: str | None
    refund_capability: str
    tx_in_hash: str | None
    action: str | None
    state: str | None
    failure: str | None


_refund = reader(Refund)
_in_review = reader(InReview)

_COLUMNS: Final = (
    *("order_id", "organization_id", "environment", "action", "to_address", "to_extra_id"),
    *("stable_target", "state", "source", "requested_by", "due_at", "requested_at", "finished_at"),
)

_INSERT: Final = f"""
INSERT INTO refund ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))})
"""  # noqa: S608  # only our own column names are put together

_inserted = attrgetter(*_COLUMNS)

_GET: Final = "SELECT * FROM refund WHERE order_id = $1 AND organization_id = $2"

_GET_OWN: Final = f"{_GET} AND environment = $3"

# Only the worker that holds the lease may say how the refund stands.
_FINISH: Final = """
UPDATE refund SET state = $3, provider_reference = coalesce($4, provider_reference), failure = $5,
       attempts = $6, silent_since = $7, due_at = $8, finished_at = $9
WHERE order_id = $1 AND organization_id = $10 AND lease_token = $2 AND state = 'processing'
RETURNING order_id
"""

_RELEASE: Final = """
UPDATE refund SET due_at = now()
WHERE order_id = $1 AND organization_id = $2 AND environment = $3 AND lease_token = $4
  AND state = 'processing'
"""

_IN_REVIEW: Final = """
SELECT o.id, o.organization_id, organization.name AS organization, o.environment, o.provider,
       o.provider_order_id, o.from_asset, o.from_network, o.from_decimals, o.amount_from,
       o.to_asset, o.to_network, o.updated_at, o.failed_reason_code, o.refund_capability,
       o.tx_in_hash, r.action, r.state, r.failure
FROM order_facts AS o
JOIN shared_organization AS organization ON organization.id = o.organization_id
LEFT JOIN refund AS r ON r.organization_id = o.organization_id AND r.order_id = o.id
WHERE o.status = 'manual_review'
ORDER BY o.updated_at, o.id
LIMIT $1
"""


async def insert_refund(tx: Transaction, refund: Refund) -> None:
    """Note the action of an order that has none yet; the caller holds the order's row."""
    await tx.connection.execute(_INSERT, *_inserted(refund))


async def fetch_refund(tx: Transaction, order: WholeOrder) -> Refund | None:
    """The action of an order whose row the caller holds."""
    row = await tx.connection.fetchrow(_GET, order.id, order.organization_id)
    return None if row is None else _refund(row)


async def refund_of(
    pool: Pool, order_id: str, organization_id: UUID, environment: str
) -> Refund | None:
    """The action of an order of the organization, to be shown."""
    row = await pool.fetchrow(_GET_OWN, order_id, organization_id, environment)
    return None if row is None else _refund(row)


async def release_refund(pool: Pool, claimed: ClaimedRefund) -> None:
    """Give a claimed refund back before its lease ends: it is due at once, for anybody.

    Its provider may have been asked; the next one asks with the same reference.
    """
    await pool.execute(
        _RELEASE,
        claimed.order_id,
        claimed.organization_id,
        claimed.environment,
        claimed.lease_token,
    )


async def finish_refund(
    tx: Transaction,
    claimed: ClaimedRefund,
    *,
    state: str,
    provider_reference: str | None = None,
    failure: str | None = None,
    attempts: int = 0,
    silent_since: datetime | None = None,
    due_at: datetime | None = None,
    finished_at: datetime | None = None,
) -> bool:
    """Write how a claimed refund stands; False if the lease was lost to another worker."""
    row = await tx.connection.fetchval(
        _FINISH,
        claimed.order_id,
        claimed.lease_token,
        state,
        provider_reference,
        failure,
        attempts,
        silent_since,
        due_at,
        finished_at,
        claimed.organization_id,
    )
    return row is not None


async def orders_in_review(pool: Pool, limit: int) -> list[InReview]:
    """Orders of every organization that wait for the operator, the oldest first."""
    return [_in_review(row) for row in await pool.fetch(_IN_REVIEW, limit)]
