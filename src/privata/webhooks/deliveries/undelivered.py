"""What an endpoint was owed and has not got: each event once, oldest first.

A replay that arrived resolves its event, and so does the first delivery: what counts is that the
endpoint has the event (`state_sql.UNDELIVERED_LISTED`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.webhooks.state_sql import STATE, UNDELIVERED_LISTED
from privata.webhooks.states import DeliveryState

MAX_LIMIT: Final = 500

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Three walks, each on an index of what is not delivered: how much was delivered does not matter.
_WALK: Final = """
(SELECT d.organization_id, d.event_seq, d.id, d.attempts, d.last_outcome, d.created_at,
        {state} AS state
 FROM webhook_every_delivery AS d
 JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
 WHERE d.organization_id = $1 AND d.environment = $2 AND d.endpoint_id = $3 AND {kind}
   AND d.event_seq > $4 AND d.created_at >= $5 AND {undelivered}
 ORDER BY d.event_seq LIMIT $6)"""

_KINDS: Final = (
    "d.status = 'exhausted' AND NOT d.replay",
    "d.status = 'pending' AND d.attempts > 0",
    "d.status = 'pending' AND d.attempts = 0",
)

_WALKS: Final = "UNION ALL".join(
    _WALK.format(kind=kind, state=STATE, undelivered=UNDELIVERED_LISTED) for kind in _KINDS
)

_UNDELIVERED: Final = f"""
SELECT owed.event_seq, owed.id, t.event_id, t.type, t.order_id, owed.state, owed.attempts,
       owed.last_outcome, owed.created_at
FROM ({_WALKS}) AS owed
JOIN shared_event AS t ON t.organization_id = owed.organization_id AND t.seq = owed.event_seq
ORDER BY owed.event_seq LIMIT $6
"""  # noqa: S608  # put together out of our own constants


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that the endpoint lacks, and how its first delivery stands."""

    seq: int
    delivery_id: UUID
    event_id: str
    type: str
    order_id: str | None
    state: DeliveryState
    attempts: int
    last_outcome: str | None
    created_at: datetime


async def undelivered(
    ctx: AppContext,
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
    rows = await ctx.database.pool.fetch(
        _UNDELIVERED,
        actor.organization_id,
        actor.environment.value,
        endpoint_id,
        after,
        since,
        min(limit, MAX_LIMIT),
    )
    return [
        Undelivered(
            seq=row["event_seq"],
            delivery_id=row["id"],
            event_id=row["event_id"],
            type=row["type"],
            order_id=row["order_id"],
            state=DeliveryState(row["state"]),
            attempts=row["attempts"],
            last_outcome=row["last_outcome"],
            created_at=row["created_at"],
        )
        for row in rows
    ]
