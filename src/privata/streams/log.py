"""Reading the event log for streams: where an order stands, and what followed an event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.events.bodies import unpacked
from privata.streams.frames import Frame, frame_of
from privata.streams.rules import LAST_TYPES

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # not generic at run time

# The keys of an order's events lie side by side, in the order's month, and tell the numbers, by
# which the events are found. The whole life of an order is about ten events. The database's clock
# tells their age, so that it does not matter which server is asked.
_LOG: Final = """
SELECT e.order_seq, e.event_id, e.type,
       (extract(epoch FROM clock_timestamp() - e.created_at) * 1000)::bigint AS age_ms
FROM shared_event_key AS k
JOIN shared_event AS e ON e.organization_id = k.organization_id AND e.seq = k.seq
WHERE k.organization_id = $2 AND k.id BETWEEN key_floor($1) AND key_ceiling($1)
  AND e.order_id = $1 AND e.environment = $3 AND e.order_seq IS NOT NULL
ORDER BY e.order_seq
"""

_SINCE: Final = """
SELECT e.order_id, e.order_seq, e.event_id, e.type, e.body
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::int[])
     AS wanted(order_id, organization_id, environment, after)
JOIN shared_event_key AS k
  ON k.organization_id = wanted.organization_id
 AND k.id BETWEEN key_floor(wanted.order_id) AND key_ceiling(wanted.order_id)
JOIN shared_event AS e
  ON e.organization_id = k.organization_id AND e.seq = k.seq
 AND e.order_id = wanted.order_id AND e.order_seq > wanted.after
 AND e.environment = wanted.environment
ORDER BY e.order_id, e.order_seq
"""


@dataclass(frozen=True, slots=True)
class OrderKey:
    """An order and whose it is."""

    order_id: str
    organization_id: UUID
    environment: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of an order without its body."""

    seq: int
    event_id: str
    type: str
    age_ms: int

    @property
    def last(self) -> bool:
        """Whether the order ended with it."""
        return self.type in LAST_TYPES


async def log_of(pool: Pool, order: OrderKey) -> list[LoggedEvent]:
    """The events of the order so far, oldest first; none also for an order of somebody else."""
    rows = await pool.fetch(_LOG, order.order_id, order.organization_id, order.environment)
    return [LoggedEvent(*row) for row in rows]


async def frames_since(
    pool: Pool, wanted: Iterable[tuple[OrderKey, int]]
) -> dict[str, list[Frame]]:
    """For each order the events with a number above the given one, by order id; one query."""
    asked = list(wanted)
    rows = await pool.fetch(
        _SINCE,
        [order.order_id for order, _ in asked],
        [order.organization_id for order, _ in asked],
        [order.environment for order, _ in asked],
        [after for _, after in asked],
    )
    found: dict[str, list[Frame]] = {}
    for order_id, seq, event_id, event_type, body in rows:
        found.setdefault(order_id, []).append(frame_of(seq, event_id, event_type, unpacked(body)))
    return found
