"""SQL of the ledger. Balances are moved by the database as postings arrive (migration 0002).

Locks are taken in one order: whatever the caller holds, such as an order's or a payout's row; then
a hold's row; then the organization's turn in the ledger; then the audit log's chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg

from privata.infra.database.postgres import Transaction
from privata.ledger.accounts import Account, Cause
from privata.ledger.rules import Earned, Postings, Terms

Row = asyncpg.Record

_ENTRY: Final = """
entry AS (
    INSERT INTO ledger_entry (organization_id, kind, cause_id, step, reason, postings)
    VALUES ($1, $2, $3, $4, $5, cardinality($6::text[]))
    RETURNING id
)
"""

_POSTINGS: Final = """
INSERT INTO ledger_posting (entry_id, account, amount)
SELECT entry.id, posting.account, posting.amount
FROM entry, unnest($6::text[], $7::numeric[]) AS posting(account, amount)
"""

_BOOK: Final = f"WITH {_ENTRY} {_POSTINGS}"

_EARN: Final = f"""
WITH {_ENTRY}, posted AS ({_POSTINGS}), held AS (
    INSERT INTO ledger_hold (order_id, organization_id, amount, due_at)
    SELECT $3, $1, $8::numeric, now() + make_interval(days => $9::int)
    WHERE $8::numeric > 0 AND $9::int > 0
)
INSERT INTO ledger_earning (order_id, organization_id, entry_id, usd_value, commission_bps,
                            share_percent, markup_bps, share, markup)
SELECT $3, $1, entry.id, $10, $11, $12, $13, $14, $15 FROM entry
"""  # noqa: S608  # only our own statements are put together

# Holds that another worker is maturing, or that an operator takes back, are left to them. The row
# goes together with the entry: what died in the middle is found again as it was.
_MATURE: Final = """
WITH due AS (
    DELETE FROM ledger_hold WHERE order_id = ANY (ARRAY(
        SELECT order_id FROM ledger_hold WHERE due_at <= now()
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING order_id, organization_id, amount
), entry AS (
    INSERT INTO ledger_entry (organization_id, kind, cause_id, step, postings)
    SELECT organization_id, 'order', order_id, 'mature', 2 FROM due
    RETURNING id, cause_id
), posted AS (
    INSERT INTO ledger_posting (entry_id, account, amount)
    SELECT entry.id, side.account, side.sign * due.amount
    FROM entry JOIN due ON due.order_id = entry.cause_id
    CROSS JOIN (VALUES ('pending', -1), ('available', 1)) AS side(account, sign)
)
SELECT count(*) FROM due
"""

_EARNED: Final = """
SELECT earning.organization_id, posting.account, posting.amount
FROM ledger_earning AS earning JOIN ledger_posting AS posting USING (entry_id)
WHERE earning.order_id = $1
"""


async def book(
    tx: Transaction, organization_id: UUID, cause: Cause, postings: Postings, *, reason: str = ""
) -> None:
    """Make one entry with its postings."""
    await tx.connection.execute(_BOOK, *_entry(organization_id, cause, postings, reason))


async def book_earning(
    tx: Transaction,
    organization_id: UUID,
    cause: Cause,
    postings: Postings,
    *,
    parts: Earned,
    usd_value: Decimal,
    terms: Terms,
    hold_days: int,
) -> None:
    """Make the entry of an order, with what it was shared by, and hold it for `hold_days`."""
    await tx.connection.execute(
        _EARN,
        *_entry(organization_id, cause, postings, ""),
        parts.partner,
        hold_days,
        usd_value,
        terms.commission_bps,
        terms.share_percent,
        terms.markup_bps,
        parts.share,
        parts.markup,
    )


async def balances(
    connection: asyncpg.Pool[Row] | asyncpg.pool.PoolConnectionProxy[Row] | asyncpg.Connection[Row],
    organization_id: UUID,
) -> dict[Account, Decimal]:
    """What each account holds; none at all of an organization whose book was never opened."""
    rows = await connection.fetch(
        "SELECT name, balance FROM ledger_account WHERE organization_id = $1", organization_id
    )
    return {Account(row["name"]): row["balance"] for row in rows}


async def mature(pool: asyncpg.Pool[Row], limit: int) -> int:
    """Move holds that are due into `available`, `limit` at the most; how many there were."""
    found: int = await pool.fetchval(_MATURE, limit)
    return found


async def held_earnings(tx: Transaction, order_ids: Sequence[str]) -> set[str]:
    """Those of the orders whose earning is on hold."""
    rows = await tx.connection.fetch(
        "SELECT order_id FROM ledger_hold WHERE order_id = ANY ($1::text[])", order_ids
    )
    return {row["order_id"] for row in rows}


async def drop_hold(tx: Transaction, order_id: str) -> bool:
    """End the hold of an order's earning; False if it is available already."""
    found = await tx.connection.fetchval(
        "DELETE FROM ledger_hold WHERE order_id = $1 RETURNING order_id", order_id
    )
    return found is not None


async def earned_postings(
    tx: Transaction, order_id: str
) -> tuple[UUID, dict[Account, Decimal]] | None:
    """Whose an order's earning is, and what it booked; None if it earned nothing."""
    rows = await tx.connection.fetch(_EARNED, order_id)
    if not rows:
        return None
    return rows[0]["organization_id"], {Account(row["account"]): row["amount"] for row in rows}


def _entry(organization_id: UUID, cause: Cause, postings: Postings, reason: str) -> tuple[Any, ...]:
    return (
        organization_id,
        cause.kind,
        cause.id,
        cause.step,
        reason,
        [account.value for account in postings],
        list(postings.values()),
    )
