"""Proving the ledger: `privata ledger verify`. Everything is read in one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from privata.infra.context import AppContext
from privata.ledger.accounts import PARTNERS, Account
from privata.ledger.rules import Terms, earned

#: Earnings fetched at once.
PAGE: Final = 2000

#: Orders that a note names.
NAMED: Final = 5

# Each of these answers with the organization, what is wrong (an account or an entry), and how. $1
# is the organization to look at, or null for all of them.
_CHECKS: Final = (
    # A balance is the sum of its postings.
    """
    WITH summed AS (
        SELECT entry.organization_id, posting.account, sum(posting.amount) AS total
        FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.id = posting.entry_id
        WHERE $1::uuid IS NULL OR entry.organization_id = $1
        GROUP BY 1, 2
    ), known AS (
        SELECT organization_id, name AS account, balance FROM ledger_account
        WHERE $1::uuid IS NULL OR organization_id = $1
    )
    SELECT organization_id, account AS what,
           format('has a balance of %s, but its postings sum to %s',
                  coalesce(balance, 0), coalesce(total, 0))
    FROM known FULL JOIN summed USING (organization_id, account)
    WHERE coalesce(balance, 0) IS DISTINCT FROM coalesce(total, 0)
    """,
    # What is a partner's is never below zero.
    """
    SELECT organization_id, name AS what, format('has a negative balance of %s', balance)
    FROM ledger_account
    WHERE ($1::uuid IS NULL OR organization_id = $1) AND balance < 0 AND name = ANY ($2::text[])
    """,
    # What is pending is what holds stand for.
    """
    WITH holds AS (
        SELECT organization_id, sum(amount) AS total FROM ledger_hold
        WHERE $1::uuid IS NULL OR organization_id = $1 GROUP BY 1
    ), known AS (
        SELECT organization_id, balance FROM ledger_account
        WHERE name = 'pending' AND ($1::uuid IS NULL OR organization_id = $1)
    )
    SELECT organization_id, 'pending' AS what,
           format('has a balance of %s, but pending earnings sum to %s',
                  coalesce(balance, 0), coalesce(total, 0))
    FROM known FULL JOIN holds USING (organization_id)
    WHERE coalesce(balance, 0) IS DISTINCT FROM coalesce(total, 0)
    """,
    # An entry has the postings it was announced with, and they sum up to zero.
    """
    SELECT entry.organization_id, format('entry %s', entry.id) AS what,
           format('has %s of %s postings, which sum to %s',
                  count(posting), entry.postings, coalesce(sum(posting.amount), 0))
    FROM ledger_entry AS entry LEFT JOIN ledger_posting AS posting ON posting.entry_id = entry.id
    WHERE $1::uuid IS NULL OR entry.organization_id = $1
    GROUP BY entry.id
    HAVING count(posting) <> entry.postings OR sum(posting.amount) IS DISTINCT FROM 0
    """,
    # What was reserved for a payout left once.
    """
    SELECT entry.organization_id, format('%s %s', entry.kind, entry.cause_id) AS what,
           format('released %s more from payout_in_flight than was reserved', -sum(posting.amount))
    FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.entry_id = entry.id
    WHERE posting.account = 'payout_in_flight'
      AND ($1::uuid IS NULL OR entry.organization_id = $1)
    GROUP BY entry.organization_id, entry.kind, entry.cause_id
    HAVING sum(posting.amount) < 0
    """,
    # An order's entry has its terms.
    """
    SELECT entry.organization_id, format('entry %s', entry.id) AS what,
           'is an earning without recorded terms'
    FROM ledger_entry AS entry LEFT JOIN ledger_earning AS earning ON earning.entry_id = entry.id
    WHERE ($1::uuid IS NULL OR entry.organization_id = $1)
      AND entry.kind = 'order' AND entry.step = 'earn' AND earning.entry_id IS NULL
    """,
)

_EARNINGS: Final = """
SELECT earning.*, entry.organization_id AS booked_for, entry.cause_id,
       ARRAY(SELECT account FROM ledger_posting WHERE entry_id = entry.id ORDER BY account)
           AS accounts,
       ARRAY(SELECT amount FROM ledger_posting WHERE entry_id = entry.id ORDER BY account)
           AS amounts
FROM ledger_earning AS earning JOIN ledger_entry AS entry ON entry.id = earning.entry_id
WHERE $1::uuid IS NULL OR earning.organization_id = $1
"""

_UNPAID: Final = """
SELECT done.organization_id, count(*) AS many,
       (array_agg(done.id ORDER BY done.completed_at DESC))[:$2] AS named
FROM order_facts AS done LEFT JOIN ledger_earning AS earning ON earning.order_id = done.id
WHERE done.environment = 'live' AND done.status = 'completed' AND earning.order_id IS NULL
  AND ($1::uuid IS NULL OR done.organization_id = $1)
GROUP BY done.organization_id
ORDER BY done.organization_id
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: in whose book, at which account or entry, and how."""

    organization_id: UUID
    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Note:
    """Completed live orders of an organization that earned nothing; the latest are named."""

    organization_id: UUID
    many: int
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what was found."""

    entries: int
    books: int
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]


async def verify(ctx: AppContext, *, organization_id: UUID | None = None) -> Verification:
    """Recompute the books of one organization, or all of them, from the postings on.

    Notes are no faults: an order whose value was not known, or too small, earns nothing.
    """
    async with (
        ctx.database.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        findings = [finding async for finding in _findings(connection, organization_id)]
        counted = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM ledger_entry"
            "        WHERE $1::uuid IS NULL OR organization_id = $1)"
            "       AS entries, (SELECT count(DISTINCT organization_id) FROM ledger_account"
            "        WHERE $1::uuid IS NULL OR organization_id = $1) AS books",
            organization_id,
        )
        assert counted is not None
        unpaid = await connection.fetch(_UNPAID, organization_id, NAMED)
    notes = tuple(Note(row["organization_id"], row["many"], tuple(row["named"])) for row in unpaid)
    return Verification(counted["entries"], counted["books"], tuple(findings), notes)


async def _findings(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], organization_id: UUID | None
) -> AsyncIterator[Finding]:
    for check in _CHECKS:
        arguments: list[object] = [organization_id]
        if "$2" in check:
            arguments.append([account.value for account in PARTNERS])
        for row in await connection.fetch(check, *arguments):
            yield Finding(*row)
    async for row in connection.cursor(_EARNINGS, organization_id, prefetch=PAGE):
        wrong = _wrong(row)
        if wrong:
            yield Finding(row["organization_id"], f"order {row['order_id']}", wrong)


def _wrong(row: asyncpg.Record) -> str | None:
    """What an earning is not, by the rules and the terms it was shared by."""
    if (row["booked_for"], row["cause_id"]) != (row["organization_id"], row["order_id"]):
        return "is booked for another organization or order"
    terms = Terms(row["commission_bps"], row["share_percent"], row["markup_bps"])
    parts = earned(row["usd_value"], terms)
    booked = dict(zip(map(Account, row["accounts"]), row["amounts"], strict=True))
    into = booked.get(Account.AVAILABLE, 0) + booked.get(Account.PENDING, 0)
    expected = (parts.share, parts.markup, parts.partner, parts.kept, parts.remainder)
    found = (
        row["share"],
        row["markup"],
        into,
        booked.get(Account.COMMISSION, 0),
        booked.get(Account.ROUNDING, 0),
    )
    if found == expected:
        return None
    return f"does not match its terms: {_listed(found)} instead of {_listed(expected)}"


def _listed(amounts: tuple[object, ...]) -> str:
    words = ("share", "markup", "partner", "commission", "rounding")
    return ", ".join(f"{word} {amount}" for word, amount in zip(words, amounts, strict=True))
