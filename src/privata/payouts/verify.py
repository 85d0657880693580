"""Holding payouts against the ledger: `privata payouts verify`. One statement, so one snapshot.

Payouts of the sandbox are left out: an entry of one would be found, as an entry without a payout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.infra.context import AppContext
from privata.payouts.lifecycle import RESERVED, PayoutStatus
from privata.payouts.moving import CAUSE

# What each payout has in flight and paid by its status, against what its entries say. An entry
# without a payout stands for money that nobody asked for.
_COMPARE: Final = """
WITH booked AS (
    SELECT organization_id, cause_id,
           coalesce(sum(amount) FILTER (WHERE account = 'payout_in_flight'), 0) AS in_flight,
           coalesce(sum(amount) FILTER (WHERE account = 'paid'), 0) AS paid
    FROM ledger_movement
    WHERE kind = $2 AND ($1::uuid IS NULL OR organization_id = $1)
    GROUP BY 1, 2
), wanted AS (
    SELECT organization_id, id::text AS cause_id, status,
           CASE WHEN status = ANY ($3::text[]) THEN amount ELSE 0 END AS in_flight,
           CASE WHEN status = $4 THEN amount ELSE 0 END AS paid
    FROM payout WHERE environment = 'live' AND ($1::uuid IS NULL OR organization_id = $1)
)
SELECT organization_id, cause_id, coalesce(wanted.status, 'missing') AS status,
       coalesce(booked.in_flight, 0) AS in_flight, coalesce(booked.paid, 0) AS paid
FROM wanted FULL JOIN booked USING (organization_id, cause_id)
WHERE coalesce(booked.in_flight, 0) <> coalesce(wanted.in_flight, 0)
   OR coalesce(booked.paid, 0) <> coalesce(wanted.paid, 0)
   OR wanted.status IS NULL
ORDER BY 1, 2
"""

_COUNT: Final = """
SELECT count(*) FROM payout
WHERE environment = 'live' AND ($1::uuid IS NULL OR organization_id = $1)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """A payout that the ledger has otherwise, and how, in a sentence."""

    organization_id: UUID
    payout_id: str
    how: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How many payouts there are, and those that do not agree."""

    payouts: int
    findings: tuple[Finding, ...]


async def verify(ctx: AppContext, *, organization_id: UUID | None = None) -> Verification:
    """Compare the payouts of one organization, or of all, with what the ledger booked for them."""
    rows = await ctx.database.pool.fetch(
        _COMPARE,
        organization_id,
        CAUSE,
        sorted(status.value for status in RESERVED),
        PayoutStatus.SETTLED.value,
    )
    count: int = await ctx.database.pool.fetchval(_COUNT, organization_id)
    findings = (
        Finding(
            row["organization_id"],
            row["cause_id"],
            f"is {row['status']}, but the ledger has {row['in_flight']:.2f} in flight"
            f" and {row['paid']:.2f} paid",
        )
        for row in rows
    )
    return Verification(count, tuple(findings))
