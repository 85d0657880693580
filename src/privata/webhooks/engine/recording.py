"""Recording: what became of the attempts of a batch, written by one fenced statement.

A batch in which an attempt failed, or a probe ended, may change the endpoint as well. That, and
the ops event about it, belong to the same transaction; see `judging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from privata.webhooks.engine.judging import Changed, judge_endpoints
from privata.webhooks.engine.reconnecting import Connection, ReconnectingConnection

# The lease token is the fence: whoever lost a lease to another worker finds another token, gets
# the attempt recorded as stale and changes nothing else. One lease has one attempt, so a batch
# whose answer was lost can be sent again: it meets its own rows and does nothing.
#
# A delivery that is finished leaves what is due and enters the log in this statement, with its last
# request; of one that is tried again the request is an attempt. So is a stale one, unless the log
# has that very request: then the batch is repeated.
#
# The log is written in the order of the ids, which keeps the pages of its indexes full.
#
# What is answered for each endpoint and URL is of the attempts that had their lease: stale ones
# say nothing about the endpoint either, and a batch that is repeated says it once.
_RECORD: Final = """
WITH result AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bool[],
        $8::float8[], $9::bool[], $10::int[], $11::text[], $12::text[], $13::text[],
        $14::bigint[], $15::timestamptz[], $16::int[], $17::text[], $18::int[], $19::text[],
        $20::text[], $21::text[], $22::bool[], $23::bool[], $24::bool[], $25::text[]
    ) AS r (delivery_id, lease_token, endpoint_id, organization_id, environment, status, spent,
            wait_s, gone, number, secret_ids, url, address, signed_at, started_at, duration_ms,
            outcome, status_code, detail, response_headers, response_excerpt, response_truncated,
            counts, probing, error)
), finished AS (
    DELETE FROM webhook_due AS d USING result AS r
    WHERE d.organization_id = r.organization_id AND d.environment = r.environment
      AND d.id = r.delivery_id AND d.lease_token = r.lease_token AND d.leased_until IS NOT NULL
      AND r.status <> 'pending'
    RETURNING d.organization_id, d.environment, d.id, d.endpoint_id, d.event_seq, d.order_id,
              d.created_at, d.attempts + r.spent::int AS attempts, d.replay, d.recovery_id,
              d.retry_of_id, r.lease_token AS fence, r.status, r.gone, r.secret_ids, r.url,
              r.address, r.started_at, r.duration_ms, r.outcome, r.status_code, r.detail,
              r.response_headers, r.response_excerpt, r.response_truncated, r.counts, r.probing,
              r.error
), repeated AS (
    UPDATE webhook_due AS d
    SET attempts = d.attempts + r.spent::int, leased_until = NULL,
        due_at = now() + make_interval(secs => r.wait_s),
        first_attempt_at = coalesce(d.first_attempt_at, CASE WHEN r.spent THEN r.started_at END),
        last_attempt_at = r.started_at, last_outcome = r.outcome,
        last_status_code = r.status_code, last_duration_ms = r.duration_ms
    FROM result AS r
    WHERE d.organization_id = r.organization_id AND d.environment = r.environment
      AND d.id = r.delivery_id AND d.lease_token = r.lease_token AND d.leased_until IS NOT NULL
      AND r.status = 'pending'
    RETURNING d.organization_id, d.environment, d.id, d.endpoint_id, d.event_seq, d.order_id,
              r.lease_token AS fence, r.status, r.gone, r.url, r.counts, r.probing, r.error
), logged AS (
    INSERT INTO webhook_delivery (
        organization_id, id, endpoint_id, event_seq, created_at, delivered_at, last_attempt_at,
        lease_token, last_duration_ms, last_status_code, attempts, replay, response_truncated,
        environment, status, last_outcome, secret_ids, url, address, detail, response_headers,
        response_excerpt, recovery_id, retry_of_id)
    SELECT organization_id, id, endpoint_id, event_seq, created_at,
           CASE WHEN status = 'delivered' THEN now() END, started_at, fence, duration_ms,
           status_code, attempts, replay, response_truncated, environment, status,
           CASE WHEN status <> 'delivered' THEN outcome END, secret_ids::uuid[], url, address,
           detail, response_headers::jsonb, response_excerpt, recovery_id, retry_of_id
    FROM finished ORDER BY id
), recorded AS (
    SELECT organization_id, environment, id, endpoint_id, event_seq, order_id, fence, status, gone,
           url, counts, probing, error
    FROM finished
    UNION ALL
    SELECT * FROM repeated
), tried AS MATERIALIZED (
    SELECT r.*, (r.delivery_id, r.lease_token) NOT IN (SELECT id, fence FROM recorded) AS stale
    FROM result AS r
), written AS (
    INSERT INTO webhook_attempt (
        organization_id, delivery_id, lease_token, stale, number, secret_ids, url, address,
        signed_at, started_at, duration_ms, outcome, status_code, detail, response_headers,
        response_excerpt, response_truncated)
    SELECT t.organization_id, t.delivery_id, t.lease_token, t.stale, t.number,
           t.secret_ids::uuid[], t.url, t.address, t.signed_at, t.started_at, t.duration_ms,
           t.outcome, t.status_code, t.detail, t.response_headers::jsonb, t.response_excerpt,
           t.response_truncated
    FROM tried AS t
    WHERE (t.stale OR t.status = 'pending')
      AND (NOT t.stale OR (
          SELECT d.lease_token FROM webhook_delivery AS d
          WHERE d.organization_id = t.organization_id AND d.environment = t.environment
            AND d.id = t.delivery_id AND d.lease_token = t.lease_token AND d.url IS NOT NULL
          LIMIT 1) IS NULL)
    ON CONFLICT (organization_id, delivery_id, lease_token) DO NOTHING
)
SELECT organization_id, environment, endpoint_id, url, count(*)::int AS recorded,
       bool_or((
           SELECT next.event_seq FROM webhook_due AS next
           WHERE next.endpoint_id = s.endpoint_id AND next.order_id = s.order_id
             AND next.event_seq > s.event_seq AND next.order_id IS NOT NULL
           ORDER BY next.event_seq LIMIT 1) IS NOT NULL) AS follower,
       count(*) FILTER (WHERE counts)::int AS failed, bool_or(gone) AS gone,
       bool_or(probing) AS probed, bool_or(probing AND status = 'delivered') AS proved,
       bool_or(probing AND counts) AS refuted, max(error) FILTER (WHERE counts) AS error
FROM recorded AS s
GROUP BY organization_id, environment, endpoint_id, url
"""

#: For the connection that records: with a plan that is kept, what is due is looked up by its key
#: also where the table was empty when the plan was made.
RECORD_SETTINGS: Final = {"enable_hashjoin": "off", "enable_mergejoin": "off"}


class AttemptRecord(NamedTuple):
    """How one attempt ended and what follows for its delivery; the columns of the statement.

    `wait_s` is the time from now to the next attempt, `spent` whether this one counted for the
    delivery, `counts` whether it counts toward pausing the endpoint; `error` is for the latter.
    """

    delivery_id: UUID
    lease_token: int
    endpoint_id: UUID
    organization_id: UUID
    environment: str
    status: str
    spent: bool
    wait_s: float
    gone: bool
    number: int
    secret_ids: str
    url: str
    address: str | None
    signed_at: int
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    detail: str
    response_headers: str | None
    response_excerpt: str
    response_truncated: bool
    counts: bool = False
    probing: bool = False
    error: str = ""

    @property
    def judges(self) -> bool:
        """Whether it says something about the endpoint."""
        return self.counts or self.gone or self.probing

    def bare(self) -> AttemptRecord:
        """Without what the receiver said: for an answer that the database does not take."""
        return self._replace(
            detail="",
            response_headers=None,
            response_excerpt="",
            response_truncated=True,
            error=self.outcome,
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch changed: how many deliveries, whose, and what is to be woken.

    `moved`: an ordering key went on or an endpoint changed, so there may be something to claim.
    `wakeups` are those of the ops events that were published.
    """

    count: int
    partitions: frozenset[tuple[UUID, str]]
    moved: bool
    wakeups: frozenset[tuple[str, str]] = frozenset()


async def record_attempts(db: ReconnectingConnection, batch: Sequence[AttemptRecord]) -> Recorded:
    """Write a batch in one transaction. May be repeated."""
    columns = list(map(list, zip(*batch, strict=True)))
    if not any(one.judges for one in batch):
        return _recorded(await db.fetch(_RECORD, *columns), Changed())

    async def judged(connection: Connection) -> Recorded:
        rows = await connection.fetch(_RECORD, *columns)
        return _recorded(rows, await judge_endpoints(connection, rows))

    return await db.transaction(judged)


def _recorded(rows: Sequence[asyncpg.Record], changed: Changed) -> Recorded:
    return Recorded(
        sum(row["recorded"] for row in rows),
        frozenset((row["organization_id"], row["environment"]) for row in rows),
        changed.any or any(row["follower"] for row in rows),
        changed.wakeups,
    )
