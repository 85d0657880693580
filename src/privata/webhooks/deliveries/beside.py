"""What stands beside one delivery: its event's bytes, its attempts, what it waits for."""

# What is put together here are constants of `waiting`.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.webhooks.deliveries.reading import DeliveryRow
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.waiting import untried

#: Counting the queue in front of one delivery stops here.
MOST_AHEAD: Final = 10_000


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One request of a delivery, which its `id` tells apart; `stale` ones came after their lease.

    `response_headers` are pairs, as they came: a header may stand there twice.
    """

    id: int
    number: int
    stale: bool
    secret_ids: list[UUID]
    url: str
    address: str | None
    signed_at: int
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    detail: str
    response_headers: list[tuple[str, str]] | None
    response_excerpt: str
    response_truncated: bool


_BODY: Final = """
SELECT t.body FROM shared_event AS t
WHERE t.organization_id = $1 AND t.environment = $2 AND t.seq = $3
"""

# An attempt has no environment; its delivery has. The request that finished it is in its own row.
_ATTEMPTS: Final = """
SELECT a.lease_token AS id, a.number, a.stale, a.secret_ids, a.url, a.address, a.signed_at,
       a.started_at, a.duration_ms, a.outcome, a.status_code, a.detail, a.response_headers,
       a.response_excerpt, a.response_truncated
FROM webhook_attempt AS a
JOIN webhook_every_delivery AS d
  ON d.organization_id = a.organization_id AND d.environment = $2 AND d.id = a.delivery_id
WHERE a.organization_id = $1 AND a.delivery_id = $3
UNION ALL
SELECT d.lease_token, d.attempts, false, d.secret_ids, d.url, d.address,
       floor(extract(epoch FROM d.last_attempt_at))::bigint, d.last_attempt_at, d.last_duration_ms,
       coalesce(d.last_outcome, d.status), d.last_status_code, d.detail, d.response_headers,
       d.response_excerpt, d.response_truncated
FROM webhook_delivery AS d
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = $3 AND d.url IS NOT NULL
ORDER BY started_at DESC, id DESC LIMIT $4
"""

#: It must have its first attempt before; with strict ordering it must be finished.
_WAITED_FOR: Final = """
SELECT t.type FROM webhook_due AS d
JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
JOIN webhook_due AS head ON head.organization_id = d.organization_id
     AND head.endpoint_id = d.endpoint_id AND head.order_id = d.order_id
     AND head.event_seq < d.event_seq AND (head.attempts = 0 OR e.strict_ordering)
JOIN shared_event AS t ON t.organization_id = d.organization_id AND t.seq = head.event_seq
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = $3
  AND (d.attempts = 0 OR e.strict_ordering)
ORDER BY head.event_seq LIMIT 1
"""

_AHEAD: Final = f"""
SELECT count(*)::int FROM (
    SELECT FROM webhook_due AS d
    JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
    WHERE d.organization_id = $1 AND d.environment = $2 AND d.endpoint_id = $3
      AND d.event_seq < $4 AND (d.due_at <= now() OR {untried()})
    ORDER BY d.event_seq LIMIT {MOST_AHEAD}
) AS line
"""


async def body_of(ctx: AppContext, partition: Partition, delivery: DeliveryRow) -> bytes:
    """The bytes of its event."""
    return unpacked(await ctx.database.pool.fetchval(_BODY, *partition.scope, delivery.event.seq))


async def attempts_of(
    ctx: AppContext, partition: Partition, delivery_id: UUID, *, most: int | None = None
) -> list[AttemptRow]:
    """The attempts of a delivery, newest first."""
    rows = await ctx.database.pool.fetch(_ATTEMPTS, *partition.scope, delivery_id, most)
    return [_attempt(row) for row in rows]


async def waited_for(ctx: AppContext, partition: Partition, delivery_id: UUID) -> str | None:
    """The type of the earlier event of the order that keeps this one waiting."""
    found: str | None = await ctx.database.pool.fetchval(_WAITED_FOR, *partition.scope, delivery_id)
    return found


async def ahead_of(ctx: AppContext, partition: Partition, delivery: DeliveryRow) -> int:
    """How many deliveries of its endpoint are sent before it while that one resumes."""
    found: int = await ctx.database.pool.fetchval(
        _AHEAD, *partition.scope, delivery.endpoint.id, delivery.event.seq
    )
    return found


def _attempt(row: asyncpg.Record) -> AttemptRow:
    columns = dict(row)
    stored = columns["response_headers"]
    columns["response_headers"] = None if stored is None else _pairs(msgspec.json.decode(stored))
    return AttemptRow(**columns)


def _pairs(stored: list[list[str]] | dict[str, str]) -> list[tuple[str, str]]:
    pairs = stored.items() if isinstance(stored, dict) else stored
    return [(name, value) for name, value in pairs]
