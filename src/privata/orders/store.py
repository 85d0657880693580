"""SQL of the orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.database.postgres import Transaction
from privata.orders.rows import Order, WholeOrder, whole_order
from privata.quotes.quote import UsableQuote, usable_quote
from privata.quotes.spending import spending

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

COLUMNS = (
    "id",
    "organization_id",
    "environment",
    "quote_id",
    "provider",
    "provider_order_id",
    "partner_order_ref",
    "from_asset",
    "from_network",
    "from_decimals",
    "to_asset",
    "to_network",
    "to_decimals",
    "amount_from",
    "amount_to_expected",
    "usd_value",
    "markup_bps",
    "rate_type",
    "deposit_address",
    "deposit_extra_id",
    "payout_address",
    "payout_extra_id",
    "refund_address",
    "refund_extra_id",
    "refund_preference",
    "refund_capability",
    "refund_window_hours",
    "refund_sla_hours",
    "sandbox_scenario",
    "sandbox_ttl",
    "expires_at",
    "poll_at",
    "created_at",
    "updated_at",
    "provider_secret",
)

# The quote is spent, the order made and its timeline begun by one statement. Two creates from one
# quote race for the quote's row: the second finds `used_at` set, inserts nothing and returns none.
_INSERT = f"""
WITH spent AS (
    {spending("$4", "$33")}
), made AS (
    INSERT INTO orders ({", ".join(COLUMNS)})
    SELECT {", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))} FROM spent
    RETURNING organization_id, id
), begun AS (
    INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)
    SELECT organization_id, id, 1, 'waiting_deposit', $33, 'api' FROM made
)
SELECT id FROM made
"""  # noqa: S608  # only our own column names are put together

#: The action that was chosen for an order's refund, without the address that it goes to.
REFUND = """
    (SELECT json_build_object(
         'state', r.state, 'action', r.action, 'stable_target', r.stable_target,
         'source', r.source, 'requested_at', r.requested_at, 'finished_at', r.finished_at,
         'failure', r.failure)
     FROM refund_facts r
     WHERE r.organization_id = o.organization_id AND r.order_id = o.id) AS refund
"""

#: What makes an order's row the whole order.
TIMELINE = f"""
    ARRAY(SELECT t.status FROM order_timeline t
          WHERE t.organization_id = o.organization_id AND t.order_id = o.id ORDER BY t.seq)
        AS timeline_status,
    ARRAY(SELECT t.at FROM order_timeline t
          WHERE t.organization_id = o.organization_id AND t.order_id = o.id ORDER BY t.seq)
        AS timeline_at,
    {REFUND}
"""  # noqa: S608  # put together out of constants

_REFUND_NOW = f"""
SELECT {REFUND} FROM orders o WHERE o.id = $1 AND o.organization_id = $2
"""  # noqa: S608

_GET = f"""
SELECT o.*, {TIMELINE} FROM orders o
WHERE o.id = $1 AND o.organization_id = $2 AND o.environment = $3
"""  # noqa: S608

#: `_GET` as a companion of the admission.
GET_ALONG = f"""
SELECT o.*, {TIMELINE} FROM orders o
WHERE o.id = call.about AND o.organization_id = found.organization_id
  AND o.environment = found.environment
"""  # noqa: S608

# For an operator, who names an order by its id alone.
_LOCK = f"SELECT o.*, {TIMELINE} FROM orders o WHERE o.id = $1 FOR UPDATE OF o"  # noqa: S608

_LOCK_OWN = f"""
SELECT o.*, {TIMELINE} FROM orders o
WHERE o.id = $1 AND o.organization_id = $2 AND o.environment = $3 FOR UPDATE OF o
"""  # noqa: S608

# The reference is hidden from the planner: where it is null, a plan made for the call looks so
# cheap that PostgreSQL would plan every call anew, which costs more than to run it.
_QUOTE = """
SELECT q.*, (
    SELECT o.id FROM orders o
    WHERE o.organization_id = $2 AND o.environment = $3
      AND o.partner_order_ref = (SELECT $4::text)
      AND o.status IN ('waiting_deposit', 'confirming', 'exchanging', 'sending')
) AS duplicate_of
FROM quote_facts q
WHERE q.id = $1 AND q.environment = $3 AND (q.organization_id = $2 OR q.organization_id IS NULL)
"""

_OPEN_WITH_REF = """
SELECT id FROM orders
WHERE organization_id = $1 AND environment = $2 AND partner_order_ref = $3
  AND status IN ('waiting_deposit', 'confirming', 'exchanging', 'sending')
"""

_ADVANCE = """
WITH moved AS (
    UPDATE orders SET status = $2, last_seq = $3, updated_at = $4, completed_at = $5, poll_at = $6,
           amount_to_actual = coalesce($7, amount_to_actual),
           tx_in_hash = coalesce($8, tx_in_hash), tx_out_hash = coalesce($9, tx_out_hash),
           failed_reason_code = coalesce($10, failed_reason_code),
           failed_reason_message = coalesce($11, failed_reason_message)
    WHERE id = $1 AND organization_id = $15
    RETURNING organization_id, id
)
INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)
SELECT moved.organization_id, moved.id, step.seq, step.status, $4, $12
FROM moved, unnest($13::int[], $14::text[]) AS step(seq, status)
"""

_IGNORE = """
INSERT INTO order_ignored_report (organization_id, order_id, status, reported)
VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, order_id, status, reported)
DO UPDATE SET times = order_ignored_report.times + 1, last_at = now()
"""

# Another server's clock may have been ahead: no change is older than the one before.
_NOTE_REFUND = """
UPDATE orders SET updated_at = greatest(updated_at, $2) WHERE id = $1 AND organization_id = $3
"""

_SET_POLL = "UPDATE orders SET poll_at = $2 WHERE id = $1 AND organization_id = $3"

# The lease's end tells whose claim it is: a later one is left alone.
_RELEASE_POLL = """
UPDATE orders SET poll_at = now()
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND poll_at = $4
"""

_DEFER_POLL = """
UPDATE orders SET poll_at = now() + make_interval(secs => $5)
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND poll_at = $4
"""


_inserted = attrgetter(*COLUMNS)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The states that an order enters at once, and what is known with the last of them.

    None leaves amount, hashes and reason as they are. `poll_at` None: not asked about again.
    """

    entered: tuple[OrderStatus, ...]
    seqs: list[int]
    at: datetime
    source: str
    poll_at: datetime | None
    completed_at: datetime | None
    amount_to_actual: Decimal | None
    tx_in_hash: str | None
    tx_out_hash: str | None
    failed_reason_code: str | None
    failed_reason_message: str | None


def joining_order(row: str, order: str) -> str:
    """The SQL that joins, as `order`, the order of a row of another room, so that one SELECT locks
    both: a LIMIT then counts only what it got. `row` is the name of that row."""
    return (
        f"JOIN orders AS {order} ON {order}.organization_id = {row}.organization_id"
        f" AND {order}.id = {row}.order_id"
    )


def noting_change(claimed: str, organization: str, where: str) -> str:
    """The SQL of `note_refund` for a WITH of another room, for orders that it holds: the rows of
    `claimed` with `where`, by their `order_id`. `organization` is the expression that names
    theirs."""
    return (
        "UPDATE orders AS noted SET updated_at = greatest(noted.updated_at, now())"  # noqa: S608
        f" FROM {claimed} WHERE noted.organization_id = {organization}"
        f" AND noted.id = {claimed}.order_id AND {where}"
    )


async def insert_order(tx: Transaction, order: WholeOrder) -> bool:
    """Spend the quote and make the order; False if the quote was used or ran out meanwhile."""
    made = await tx.connection.fetchval(_INSERT, *_inserted(order))
    return made is not None


async def fetch_order(
    pool: Pool, order_id: str, organization_id: UUID, environment: Environment
) -> WholeOrder | None:
    """An order of the organization with its timeline."""
    row = await pool.fetchrow(_GET, order_id, organization_id, environment.value)
    return None if row is None else whole_order(row)


async def refund_now(tx: Transaction, order: WholeOrder) -> str | None:
    """The action of an order's refund as the transaction has left it, as JSON."""
    found: str | None = await tx.connection.fetchval(_REFUND_NOW, order.id, order.organization_id)
    return found


async def lock_order(tx: Transaction, order_id: str) -> WholeOrder | None:
    """The order with its timeline, locked: whoever moves it next waits here. For who does not know
    whose it is."""
    row = await tx.connection.fetchrow(_LOCK, order_id)
    return None if row is None else whole_order(row)


async def lock_own_order(
    tx: Transaction, order_id: str, organization_id: UUID, environment: Environment
) -> WholeOrder | None:
    """The same for an order of the organization; another's is none."""
    row = await tx.connection.fetchrow(_LOCK_OWN, order_id, organization_id, environment.value)
    return None if row is None else whole_order(row)


async def fetch_quote(
    pool: Pool,
    quote_id: str,
    organization_id: UUID,
    environment: Environment,
    partner_order_ref: str | None,
) -> UsableQuote | None:
    """A quote the organization may use, and the open order that has the reference already."""
    row = await pool.fetchrow(
        _QUOTE, quote_id, organization_id, environment.value, partner_order_ref
    )
    return None if row is None else usable_quote(row)


async def open_order_with_ref(
    pool: Pool, organization_id: UUID, environment: Environment, ref: str
) -> str | None:
    """The id of the open order with this reference."""
    found: str | None = await pool.fetchval(_OPEN_WITH_REF, organization_id, environment.value, ref)
    return found


async def move_order(tx: Transaction, order: WholeOrder, move: Move) -> None:
    """Write the new state and its timeline entries; the caller holds the order's row."""
    await tx.connection.execute(
        _ADVANCE,
        order.id,
        move.entered[-1].value,
        move.seqs[-1],
        move.at,
        move.completed_at,
        move.poll_at,
        move.amount_to_actual,
        move.tx_in_hash,
        move.tx_out_hash,
        move.failed_reason_code,
        move.failed_reason_message,
        move.source,
        move.seqs,
        [status.value for status in move.entered],
        order.organization_id,
    )


async def count_ignored(tx: Transaction, order: Order, reported: str) -> None:
    """Note a report that was not applied, in the state that the order is in."""
    await tx.connection.execute(_IGNORE, order.organization_id, order.id, order.status, reported)


async def set_poll(tx: Transaction, order: WholeOrder, poll_at: datetime | None) -> None:
    """Ask the provider again at `poll_at`, or never."""
    await tx.connection.execute(_SET_POLL, order.id, poll_at, order.organization_id)


async def note_refund(tx: Transaction, order: WholeOrder, at: datetime) -> None:
    """The refund of an order whose row the caller holds looks otherwise than before: so does the
    order, and whoever polls by `updated_after` has to see it."""
    await tx.connection.execute(_NOTE_REFUND, order.id, at, order.organization_id)


async def release_poll(pool: Pool, claimed: Order) -> None:
    """Give a claimed order back before its lease ends: it is due at once, for anybody."""
    await pool.execute(
        _RELEASE_POLL, claimed.id, claimed.organization_id, claimed.environment, claimed.poll_at
    )


async def defer_polls(pool: Pool, claimed: Sequence[Order], seconds: Sequence[float]) -> None:
    """Give claimed orders back without having asked: each is due after so many seconds."""
    await pool.executemany(
        _DEFER_POLL,
        [
            (one.id, one.organization_id, one.environment, one.poll_at, wait)
            for one, wait in zip(claimed, seconds, strict=True)
        ],
    )
