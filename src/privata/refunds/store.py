"""SQL of the refunds.

Locks are always taken in one order: first the order's row, then its refund's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.postgres import Transaction
from privata.orders.service import holding, noting_change

Row = asyncpg.Record

_COLUMNS: Final = (
    *("order_id", "organization_id", "environment", "action", "to_address", "to_extra_id"),
    *("stable_target", "state", "source", "requested_by", "due_at", "requested_at", "finished_at"),
)

_INSERT: Final = f"""
INSERT INTO refund ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))})
RETURNING *
"""  # noqa: S608  # only our own column names are put together

_GET: Final = "SELECT * FROM refund WHERE order_id = $1"

# A claimed refund is moved out of sight for the lease. A worker that dies in the middle gives it
# back by time, and the next one asks the provider with the same reference. The first claim is seen
# in the order (`processing`), so it changes the order as well. Both rows are locked before either
# is written, and what somebody else holds is left for later: a claim waits for nobody, so it stands
# in no circle of those who wait, whatever order it locks in.
_FIRST_CLAIMED: Final = """
    SELECT due.order_id FROM due JOIN held ON held.id = due.order_id WHERE due.state = 'requested'
"""
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT order_id, state FROM refund
    WHERE due_at <= now() AND environment = $3
    ORDER BY due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    {holding("SELECT order_id FROM due")}
), told AS (
    {noting_change(_FIRST_CLAIMED)}
)
UPDATE refund AS r
SET state = 'processing', due_at = now() + make_interval(secs => $2),
    lease_token = r.lease_token + 1
FROM held JOIN order_facts AS o ON o.id = held.id
WHERE r.order_id = held.id
RETURNING r.*, o.provider, o.provider_order_id, o.quote_id, o.amount_from, o.from_asset,
          o.from_network, o.sandbox_scenario, o.sandbox_ttl
"""  # noqa: S608  # put together out of constants

_NEXT: Final = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM refund WHERE environment = $1
"""

# Only the worker that holds the lease may say how the refund stands.
_SETTLE: Final = """
UPDATE refund SET state = $3, provider_reference = coalesce($4, provider_reference), failure = $5,
       attempts = $6, silent_since = $7, due_at = $8, finished_at = $9
WHERE order_id = $1 AND lease_token = $2 AND state = 'processing'
RETURNING order_id
"""

_IN_REVIEW: Final = """
SELECT o.id, o.organization_id, organization.name AS organization, o.environment, o.provider,
       o.provider_order_id, o.from_asset, o.from_network, o.from_decimals, o.amount_from,
       o.to_asset, o.to_network, o.updated_at, o.failed_reason_code, o.refund_capability,
       o.tx_in_hash, r.action, r.state, r.failure
FROM order_facts AS o
JOIN organization ON organization.id = o.organization_id
LEFT JOIN refund AS r ON r.order_id = o.id
WHERE o.status = 'manual_review'
ORDER BY o.updated_at, o.id
LIMIT $1
"""


async def insert_refund(tx: Transaction, values: dict[str, Any]) -> Row:
    """Note the action of an order that has none yet; the caller holds the order's row."""
    row = await tx.connection.fetchrow(_INSERT, *(values.get(name) for name in _COLUMNS))
    assert row is not None
    return row


async def fetch_refund(tx: Transaction, order_id: str) -> Row | None:
    """The action of an order whose row the caller holds."""
    return await tx.connection.fetchrow(_GET, order_id)


async def claim_refunds(
    pool: asyncpg.Pool[Row], limit: int, lease_s: float, environment: Environment
) -> list[Row]:
    """Refunds whose provider is to be asked now, claimed for `lease_s` seconds."""
    return await pool.fetch(_CLAIM, limit, lease_s, environment.value)


async def seconds_to_next(pool: asyncpg.Pool[Row], environment: Environment) -> float | None:
    """Seconds until the next refund is due; negative if one is; None if there is none."""
    found: float | None = await pool.fetchval(_NEXT, environment.value)
    return found


async def settle_refund(
    tx: Transaction,
    claimed: Row,
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
        _SETTLE,
        claimed["order_id"],
        claimed["lease_token"],
        state,
        provider_reference,
        failure,
        attempts,
        silent_since,
        due_at,
        finished_at,
    )
    return row is not None


async def orders_in_review(pool: asyncpg.Pool[Row], limit: int) -> list[Row]:
    """Orders of every organization that wait for the operator, the oldest first."""
    return await pool.fetch(_IN_REVIEW, limit)
