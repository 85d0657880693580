"""Reading the event log forward, so that a partner can prove that it missed nothing.

Numbers are drawn before they are committed: a slow transaction may commit number 5 when 6 has been
read long ago. So the feed has the order of (transaction, number), and it ends before the oldest
transaction that is still open. What commits later belongs to that transaction or to a younger one,
so it stands behind everything that was ever read. See decision 0010.

All of that is true of one generation of the database. After a restore or a failover the numbers may
be those of other events, so a place in the feed names the generation that it is of (decision 0039).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from privata.core.errors import Resync, ValidationFailed
from privata.core.tenancy import Actor
from privata.events.bodies import unpacked
from privata.infra import generation
from privata.infra.context import AppContext

MAX_LIMIT: Final = 500

#: Where the feed begins, whatever the generation.
BEGINNING: Final = "0"

#: A place in the feed: the mark of a generation and the number of an event; 0 is its beginning.
CURSOR: Final = re.compile(r"([0-9a-f]{8})\.(0|[1-9][0-9]{0,17})", re.ASCII)

MAX_CURSOR_CHARS: Final = 27

_RESYNC: Final = (
    "Our database was restored after this cursor was issued. Read again from after=0 and skip the"
    " event IDs you already have."
)

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
    last: str
    more: bool


async def events_after(ctx: AppContext, *, actor: Actor, after: str, limit: int) -> FeedPage:
    """The events of the actor's environment that follow the place `after`.

    `ValidationFailed` if `after` was not given out by this feed, `Resync` if it was before the
    database was restored or taken over by a standby; `DatabaseSettling` in the moment of that.
    """
    mark, seq = _place(after)
    while True:
        async with ctx.database.pool.acquire() as connection:
            # On one connection, so that both are told by one server.
            here = await generation.look(connection)
            if here.moved is None:
                rows = await connection.fetch(
                    _FEED, actor.organization_id, actor.environment.value, seq, limit + 1
                )
                break
        # Before a page is shown the generation has its mark: the page's cursor carries it.
        await generation.settle(ctx.database, ctx.settings)
    if mark is not None and mark != here.mark:
        raise Resync(_RESYNC)
    if not rows:
        raise _invalid()
    found = [_told(row) for row in rows[:limit] if row["seq"] is not None]
    last = f"{here.mark}.{found[-1].seq if found else seq}"
    return FeedPage(found, last, len(rows) > limit)


def _told(row: asyncpg.Record) -> Told:
    return Told(**dict(row) | {"body": unpacked(row["body"])})


def _place(after: str) -> tuple[str | None, int]:
    if after == BEGINNING:
        return None, 0
    found = CURSOR.fullmatch(after)
    if found is None:
        raise _invalid()
    return found[1], int(found[2])


def _invalid() -> ValidationFailed:
    return ValidationFailed(
        "Invalid cursor.", fields=[("after", "must be 0 or `last` from a page of this feed")]
    )
