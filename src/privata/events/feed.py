"""Reading the event log forward, so that a partner can prove that it missed nothing.

Numbers are drawn before they are committed: a slow transaction may commit number 5 when 6 has been
read long ago. So the feed has the order of (transaction, number), and it ends before the oldest
transaction that is still open. What commits later belongs to that transaction or to a younger one,
so it stands behind everything that was ever read. See decision 0010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.context import AppContext

MAX_LIMIT: Final = 500

# One row without an event says that `after` is known and nothing follows it yet; no row, that it
# is not. A number that the feed has not reached is unknown too: to go on behind it would skip.
_FEED: Final = """
WITH place AS (
    SELECT xid, seq FROM event
    WHERE seq = $3 AND organization_id = $1 AND environment = $2
      AND xid < pg_snapshot_xmin(pg_current_snapshot())
    UNION ALL
    SELECT '0'::xid8, 0 WHERE $3 = 0
)
SELECT told.*
FROM place
LEFT JOIN LATERAL (
    SELECT e.seq, e.event_id, e.type, e.channel, e.order_id, e.created_at, e.body
    FROM event AS e
    WHERE e.organization_id = $1 AND e.environment = $2
      AND (e.xid, e.seq) > (place.xid, place.seq)
      AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.seq
    LIMIT $4
) AS told ON true
"""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was published; `body` is what webhooks carried, byte for byte."""

    seq: int
    event_id: str
    type: str
    channel: str
    order_id: str | None
    created_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`last` is what to ask for next; with `more` at once, else later."""

    events: Sequence[Told]
    last: int
    more: bool


async def events_after(ctx: AppContext, *, actor: Actor, after: int, limit: int) -> FeedPage:
    """The events of the actor's environment that follow number `after`; 0 is the beginning.

    `ValidationFailed` if `after` was not given out by this feed.
    """
    rows = await ctx.database.pool.fetch(
        _FEED, actor.organization_id, actor.environment.value, after, limit + 1
    )
    if not rows:
        raise ValidationFailed(
            "Invalid cursor.",
            fields=[("after", "must be 0 or the seq of an event from this feed")],
        )
    found = [Told(*row) for row in rows[:limit] if row["seq"] is not None]
    return FeedPage(found, found[-1].seq if found else after, len(rows) > limit)
