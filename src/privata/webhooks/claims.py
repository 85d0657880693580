"""Claiming: which deliveries are to be sent now, and everything needed to send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg

from privata.webhooks.line import Line

# Fairness. Every active endpoint is asked in turn, those with the fewest sends under way first,
# and gives at most what its cap leaves; the outer LIMIT ends the walk. A backlog of one endpoint,
# however long, costs the others nothing but its cap's worth of slots. First attempts go before
# retries of the same endpoint.
#
# Lanes. A first attempt is eligible when no earlier event of the same order still waits for its
# own first attempt at the same endpoint. Two claims at the same moment cannot take two events of
# one lane: the condition is judged on a snapshot, and in every snapshot only one event of a lane
# has no earlier one with attempts = 0. Being claimed does not change that, for attempts rises
# only when the head is settled. So a second claim either sees the head unsettled, and then the
# follower is no head for it, or settled, and then the first receipt has been. Events of an order
# are published under the order's row lock, so none appears in front of another later.
#
# The head is looked up as the first of an ordering, not by NOT EXISTS, because only the index of
# the lanes has that ordering: without statistics the planner else walks the whole backlog.
#
# Rows another claim holds are skipped, rows it has moved meanwhile are judged again on their new
# values (READ COMMITTED) and are then no longer due. NO KEY UPDATE, because the rows of attempts
# that refer to a delivery must not wait for a claim.
_CLAIM: Final = """
WITH claimed AS (
    UPDATE webhook_delivery AS d
    SET due_at = now() + make_interval(secs => $2), lease_token = d.lease_token + 1,
        in_flight = true
    WHERE d.id = ANY (ARRAY(
        SELECT heads.id
        FROM (
            SELECT e.id, $3 - coalesce(busy.sends, 0) AS free
            FROM webhook_endpoint AS e
            LEFT JOIN unnest($4::uuid[], $5::int[]) AS busy (id, sends) ON busy.id = e.id
            WHERE e.status = 'active' AND coalesce(busy.sends, 0) < $3
            ORDER BY coalesce(busy.sends, 0), random()
        ) AS open
        CROSS JOIN LATERAL (
            SELECT first.id FROM (
                SELECT w.id FROM webhook_delivery AS w
                WHERE w.endpoint_id = open.id AND w.status = 'pending' AND w.attempts = 0
                  AND w.due_at <= now()
                  AND (w.order_id IS NULL OR w.event_seq = (
                      SELECT head.event_seq FROM webhook_delivery AS head
                      WHERE head.endpoint_id = w.endpoint_id AND head.order_id = w.order_id
                        AND head.status = 'pending' AND head.attempts = 0
                        AND head.order_id IS NOT NULL
                      ORDER BY head.event_seq LIMIT 1))
                ORDER BY w.due_at, w.event_seq LIMIT open.free
                FOR NO KEY UPDATE OF w SKIP LOCKED
            ) AS first
            UNION ALL
            SELECT late.id FROM (
                SELECT w.id FROM webhook_delivery AS w
                WHERE w.endpoint_id = open.id AND w.status = 'pending' AND w.attempts > 0
                  AND w.due_at <= now()
                ORDER BY w.due_at, w.event_seq LIMIT open.free
                FOR NO KEY UPDATE OF w SKIP LOCKED
            ) AS late
            LIMIT open.free
        ) AS heads
        LIMIT $1))
    RETURNING d.id, d.endpoint_id, d.event_seq, d.attempts, d.first_attempt_at, d.lease_token
)
SELECT claimed.id, claimed.endpoint_id, claimed.event_seq, claimed.attempts,
       claimed.first_attempt_at, claimed.lease_token, now() AS claimed_at,
       endpoint.url, endpoint.dialect, endpoint.environment, event.event_id, event.body,
       secret.ids, secret.sealed, secret.expiries
FROM claimed
JOIN webhook_endpoint AS endpoint ON endpoint.id = claimed.endpoint_id
JOIN event ON event.seq = claimed.event_seq
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(s.id ORDER BY s.created_at), '{}') AS ids,
           coalesce(array_agg(s.sealed ORDER BY s.created_at), '{}') AS sealed,
           coalesce(array_agg(s.expires_at ORDER BY s.created_at), '{}') AS expiries
    FROM webhook_secret AS s
    WHERE s.endpoint_id = claimed.endpoint_id AND (s.expires_at IS NULL OR s.expires_at > now())
) AS secret
"""

# Only what becomes due later: what is due now and was not claimed waits for the head of its lane
# or for a slot, and the settling of those wakes the dispatcher. So this is never zero for long.
_NEXT_DUE: Final = """
SELECT extract(epoch FROM min(next.due_at) - now())::float8 AS seconds
FROM webhook_endpoint AS e
CROSS JOIN LATERAL (
    (SELECT d.due_at FROM webhook_delivery AS d
     WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.attempts = 0 AND d.due_at > now()
     ORDER BY d.due_at LIMIT 1)
    UNION ALL
    (SELECT d.due_at FROM webhook_delivery AS d
     WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.attempts > 0 AND d.due_at > now()
     ORDER BY d.due_at LIMIT 1)
) AS next
WHERE e.status = 'active'
"""

# An endpoint that was just resumed has old deliveries; they are counted from its resumption.
_OLDEST_DUE: Final = """
SELECT extract(epoch FROM now() - min(greatest(waiting.due_at, e.updated_at)))::float8
FROM webhook_endpoint AS e
CROSS JOIN LATERAL (
    (SELECT d.due_at FROM webhook_delivery AS d
     WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.attempts = 0
     ORDER BY d.due_at LIMIT 1)
    UNION ALL
    (SELECT d.due_at FROM webhook_delivery AS d
     WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.attempts > 0
     ORDER BY d.due_at LIMIT 1)
) AS waiting
WHERE e.status = 'active' AND waiting.due_at <= now()
"""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A signing secret as stored; None as its end: until it is replaced."""

    id: UUID
    sealed: bytes
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery leased to us. Times are the database's; `secrets` are oldest first."""

    delivery_id: UUID
    endpoint_id: UUID
    lease_token: int
    attempts: int
    first_attempt_at: datetime | None
    claimed_at: datetime
    url: str
    dialect: str
    environment: str
    event_id: str
    body: bytes
    secrets: tuple[SealedSecret, ...]


async def claim(
    line: Line, *, limit: int, lease_s: float, per_endpoint: int, busy: Mapping[UUID, int]
) -> list[Claim]:
    """Lease up to `limit` due deliveries for `lease_s` seconds, in the order of their events.

    `busy` says how many sends are under way for each endpoint; none gets over `per_endpoint`.
    """
    rows = await line.fetch(
        _CLAIM, limit, lease_s, per_endpoint, list(busy.keys()), list(busy.values())
    )
    return [_claim_of(row) for row in sorted(rows, key=itemgetter("event_seq"))]


async def seconds_to_next_due(line: Line) -> float | None:
    """Seconds until a delivery that waits for its time is due; None when there is none."""
    rows = await line.fetch(_NEXT_DUE)
    found: float | None = rows[0]["seconds"]
    return found


async def oldest_due_age(pool: asyncpg.Pool[asyncpg.Record]) -> float | None:
    """For how many seconds the oldest due delivery of an active endpoint has been waiting."""
    found: float | None = await pool.fetchval(_OLDEST_DUE)
    return found


def _claim_of(row: asyncpg.Record) -> Claim:
    secrets = zip(row["ids"], row["sealed"], row["expiries"], strict=True)
    return Claim(
        delivery_id=row["id"],
        endpoint_id=row["endpoint_id"],
        lease_token=row["lease_token"],
        attempts=row["attempts"],
        first_attempt_at=row["first_attempt_at"],
        claimed_at=row["claimed_at"],
        url=row["url"],
        dialect=row["dialect"],
        environment=row["environment"],
        event_id=row["event_id"],
        body=row["body"],
        secrets=tuple(SealedSecret(*one) for one in secrets),
    )
