"""The only way to notify anyone.

`publish` runs in the caller's transaction: the fact, the event about it, and one delivery for each
endpoint that wants it are committed together or not at all. Streams and pages learn of it by
wake-ups.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.hooks import Hook
from privata.core.tenancy import Environment
from privata.events.bodies import packed
from privata.infra.database.postgres import Transaction

#: Wakes the dispatchers; no payload.
DELIVERIES_WAKEUP = "privata_deliveries"

#: Tells the servers that hold streams which order has news: its id. Empty: a stream has to end.
STREAMS_WAKEUP = "privata_streams"

#: Tells pages that something of an organization changed: `<organization>:<environment>:<topic>`.
LIVE_WAKEUP = "privata_live"

#: The channel of what concerns the integration as a whole; the other is `order`.
OPS_CHANNEL: Final = "ops"

#: What the facts of a publication are owed as: the end of its statement, by the room that delivers.
#: It may use `fact` (`seq`, `type`), `$1` the organization, `$2` the environment, `$3` the channel,
#: `$4` the order and `$9` the only endpoint, and no further parameter.
FAN_OUT: Final[Hook[str]] = Hook("the deliveries of an event")

# The key holds that nothing is told twice: an event itself lies in the month of its number.
# With a transaction id, which is the default, the table sees to the arrival (migration 0004).
_FACT: Final = """
WITH fact AS (
    INSERT INTO event (event_id, organization_id, environment, channel, type,
                       order_id, order_seq, body, xid)
    SELECT f.event_id, $1, $2, $3, f.type, $4, f.order_seq, f.body, NULL
    FROM unnest($5::text[], $6::text[], $7::int[], $8::bytea[])
         WITH ORDINALITY AS f(event_id, type, order_seq, body, position)
    ORDER BY f.position
    RETURNING seq, event_id, type, created_at
), named AS (
    INSERT INTO event_key (organization_id, id, seq)
    SELECT $1, key_of_event(coalesce($4, event_id), event_id), seq FROM fact
), arrived AS (
    INSERT INTO event_arrival (organization_id, environment, event_seq, created_at)
    SELECT $1, $2, seq, created_at FROM fact
)
"""


_KNOWN: Final = """
SELECT EXISTS (SELECT FROM event_key WHERE organization_id = $1 AND id = key_of_event($2, $2))
"""


@functools.cache
def _publish_sql() -> str:
    return _FACT + FAN_OUT.value


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to tell. `body` is what every endpoint gets, byte for byte, on every attempt."""

    event_id: str
    type: str
    body: bytes
    order_seq: int | None = None


async def publish(
    tx: Transaction,
    *,
    organization_id: UUID,
    environment: Environment,
    channel: str,
    events: Sequence[NewEvent],
    order_id: str | None = None,
    only: UUID | None = None,
) -> None:
    """Append `events`, in their order, and owe each to every endpoint that wants it.

    With `only`, to that endpoint alone, whatever its filter: an answer to somebody who asked.
    """
    await tx.connection.execute(
        _publish_sql(),
        organization_id,
        environment.value,
        channel,
        order_id,
        [event.event_id for event in events],
        [event.type for event in events],
        [event.order_seq for event in events],
        [packed(event.body) for event in events],
        only,
    )
    tx.wake(DELIVERIES_WAKEUP)
    if order_id:
        tx.wake(STREAMS_WAKEUP, order_id)
    for topic in ("orders", "deliveries") if order_id else ("deliveries",):
        tx.wake(LIVE_WAKEUP, live_payload(organization_id, environment, topic))


async def is_published(tx: Transaction, organization_id: UUID, event_id: str) -> bool:
    """Whether the organization's log has an event of this id that is about no order."""
    found: bool = await tx.connection.fetchval(_KNOWN, organization_id, event_id)
    return found


def live_payload(organization_id: UUID, environment: Environment | str, topic: str) -> str:
    """What `LIVE_WAKEUP` carries."""
    return f"{organization_id}:{environment}:{topic}"
