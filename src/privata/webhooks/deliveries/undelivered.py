"""What an endpoint was owed and has not got: each event once, oldest first.

A replay that arrived settles its event, and so does the first delivery: what counts is that the
endpoint has the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from privata.core.tenancy import Actor
from privata.infra.kernel import Kernel

MAX_LIMIT: Final = 500

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Three walks, each on an index of what is not delivered: how much was delivered does not matter.
_UNDELIVERED: Final = """
SELECT owed.event_seq AS seq, owed.id AS delivery_id, e.event_id, e.type, owed.order_id,
       CASE WHEN owed.status = 'pending' AND endpoint.status = 'paused' THEN 'held'
            WHEN owed.status = 'pending' AND endpoint.status = 'disabled' THEN 'cancelled'
            ELSE owed.status END AS status,
       owed.attempts, owed.last_outcome, owed.created_at
FROM (
    (SELECT * FROM webhook_delivery AS d
     WHERE d.endpoint_id = $1 AND d.status = 'exhausted' AND NOT d.replay AND d.event_seq > $4
     ORDER BY d.event_seq LIMIT $6)
    UNION ALL
    (SELECT * FROM webhook_delivery AS d
     WHERE d.endpoint_id = $1 AND d.status = 'pending' AND d.attempts > 0 AND NOT d.replay
       AND d.event_seq > $4
     ORDER BY d.event_seq LIMIT $6)
    UNION ALL
    (SELECT * FROM webhook_delivery AS d
     WHERE d.endpoint_id = $1 AND d.status = 'pending' AND d.attempts = 0 AND NOT d.replay
       AND d.event_seq > $4
     ORDER BY d.event_seq LIMIT $6)
) AS owed
JOIN webhook_endpoint AS endpoint ON endpoint.id = owed.endpoint_id
JOIN shared_event AS e ON e.seq = owed.event_seq
WHERE owed.organization_id = $2 AND owed.environment = $3 AND owed.created_at >= $5
  AND NOT EXISTS (
    SELECT FROM webhook_delivery AS again
    WHERE again.endpoint_id = owed.endpoint_id AND again.event_seq = owed.event_seq
      AND again.replay AND again.status = 'delivered')
ORDER BY owed.event_seq LIMIT $6
"""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that the endpoint lacks, and how its first delivery stands."""

    seq: int
    delivery_id: UUID
    event_id: str
    type: str
    order_id: str | None
    status: str
    attempts: int
    last_outcome: str | None
    created_at: datetime


async def undelivered(
    kernel: Kernel,
    *,
    actor: Actor,
    endpoint_id: UUID,
    since: datetime = BEGINNING,
    after: int = 0,
    limit: int = 100,
) -> list[Undelivered]:
    """Events owed to the actor's endpoint since a time, behind number `after`, oldest first.

    Whose endpoint it is is part of the question: another's has nothing to show.
    """
    rows = await kernel.database.pool.fetch(
        _UNDELIVERED,
        endpoint_id,
        actor.organization_id,
        actor.environment.value,
        after,
        since,
        min(limit, MAX_LIMIT),
    )
    return [Undelivered(*row) for row in rows]
