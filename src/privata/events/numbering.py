"""Numbers for events that are committed, counted for each organization in each environment.

An event cannot be given its place in the feed when it is published: who has the smaller number may
commit later, and a reader that has gone past it would never see it. So the statement that publishes
leaves an **arrival** (`service.publish`), and whoever reads next turns the arrivals that it sees
into **positions**, under the lock of the feed's head. What is numbered was committed before, what
commits later is numbered later: a number that can be seen never gets a smaller one after it.

No transaction of anybody else holds this up, and no order depends on more than the rows of one
organization: no transaction id, no snapshot, no sequence. See decision 0042.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from privata.core.tenancy import Environment

#: Events numbered by one statement: more than a page, so that a page is filled by one, and few
#: enough that a reader does not notice it.
BATCH: Final = 1_000

# The head is locked before anything is taken. Two at once: the second one waits, then takes what
# its own snapshot has and the first one has left. That may be too little, never too much, and what
# it misses the first one has numbered: all that was committed when the second one began.
#
# Within a batch events have the order in which they were inserted, but those of one order that of
# the order: on several nodes of a distributed database a sequence is not one.
_NUMBER: Final = """
WITH head AS MATERIALIZED (
    SELECT last FROM event_head
    WHERE organization_id = $1 AND environment = $2
    FOR NO KEY UPDATE
), taken AS (
    DELETE FROM event_arrival
    WHERE organization_id = $1 AND environment = $2
      AND event_seq = ANY (ARRAY(
          SELECT event_seq FROM event_arrival
          WHERE organization_id = $1 AND environment = $2 AND (SELECT last FROM head) >= 0
          ORDER BY event_seq LIMIT $3))
    RETURNING event_seq, created_at
), placed AS (
    SELECT t.event_seq, t.created_at, e.order_seq,
           max(t.event_seq) OVER (
               PARTITION BY CASE WHEN e.order_seq IS NULL THEN e.event_id ELSE e.order_id END
               ORDER BY e.order_seq) AS after_its_own
    FROM taken AS t
    JOIN event AS e ON e.organization_id = $1 AND e.seq = t.event_seq
), numbered AS (
    INSERT INTO event_position (organization_id, environment, number, event_seq, created_at)
    SELECT $1, $2,
           (SELECT last FROM head)
           + row_number() OVER (ORDER BY after_its_own, order_seq, event_seq),
           event_seq, created_at
    FROM placed
    RETURNING number
)
UPDATE event_head SET last = (SELECT max(number) FROM numbered)
WHERE organization_id = $1 AND environment = $2 AND EXISTS (SELECT FROM numbered)
"""

_BEGIN: Final = """
INSERT INTO event_head (organization_id, environment) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""


async def number_arrivals(
    connection: Any, organization_id: UUID, environment: Environment, batch: int = BATCH
) -> None:
    """Number what had arrived in this feed when it was called, `batch` events at most.

    Each statement is a transaction: one that is cut short has done nothing. Not to be called in a
    transaction of one's own, whose commit would be waited for by every other reader.
    """
    feed = (organization_id, environment.value)
    if await connection.execute(_NUMBER, *feed, batch) == "UPDATE 1":
        return
    # Somebody else has just numbered all of it, or this feed has no head yet. Others may be making
    # it as well, and whoever makes it has not numbered anything yet: so all of them go on.
    await connection.execute(_BEGIN, *feed)
    await connection.execute(_NUMBER, *feed, batch)
