"""Reading the event log forward, so that a partner can prove that it missed nothing.

Events of an organization in one environment are numbered 1, 2, 3, ... after they were committed
(`numbering`), so the feed is read by its numbers and has no gaps to wait for. A reader that has
come to the end numbers what has arrived since.

All of that is true of one generation of the database. After a restore or a failover the numbers may
be those of other events, so a place in the feed names the generation that it is of (decision 0039),
and the feed, since every feed has a number 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import asyncpg

from privata.core.errors import Resync, ValidationFailed
from privata.core.tenancy import Actor
from privata.events.bodies import unpacked
from privata.events.numbering import number_arrivals
from privata.infra import generation
from privata.infra.context import AppContext

MAX_LIMIT: Final = 500

#: Where a feed begins, whatever the generation.
BEGINNING: Final = "0"

#: A place in a feed: the mark of a generation, the feed, and the number of an event; 0 is before
#: the first. Releases before 0042 named no feed.
CURSOR: Final = re.compile(r"([0-9a-f]{8})(?:\.([0-9a-f]{8}))?\.(0|[1-9][0-9]{0,17})", re.ASCII)

MAX_CURSOR_CHARS: Final = 36

_AGAIN: Final = "Read again from after=0 and skip the event IDs you already have."

_RESYNC: Final = f"Our database was restored after this cursor was issued. {_AGAIN}"

_REMOVED: Final = f"Events that followed this cursor were removed after their time. {_AGAIN}"

_OLD_RELEASE: Final = f"This cursor was issued by an earlier release. {_AGAIN}"

# One row without an event says that `after` is known and nothing that is numbered follows it; no
# row, that it is not. A number that was not given yet is unknown too: to go on behind it would
# skip. The first arrival is asked for, not any: it is found by the key, also where others have a
# million of them.
_FEED: Final = """
SELECT told.*, (
    SELECT event_seq FROM event_arrival WHERE organization_id = $1 AND environment = $2
    ORDER BY event_seq LIMIT 1
) IS NOT NULL AS arrived, known.gone
FROM (
    SELECT coalesce(head.gone, 0) AS gone
    FROM (SELECT 1) AS one
    LEFT JOIN event_head AS head ON head.organization_id = $1 AND head.environment = $2
    WHERE $3::bigint = 0 OR head.last >= $3
) AS known
LEFT JOIN LATERAL (
    SELECT p.number, e.event_id, e.type, e.channel, e.order_id, e.created_at, e.body
    FROM event_position AS p
    JOIN event AS e ON e.organization_id = $1 AND e.seq = p.event_seq
    WHERE p.organization_id = $1 AND p.environment = $2 AND p.number > $3
    ORDER BY p.number
    LIMIT $4
) AS told ON true
"""


#: Columns of `_FEED` that are not of the event.
_BESIDE: Final = 2


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was published; `body` is what webhooks carried, byte for byte.

    `seq` is its number in the feed.
    """

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

    `ValidationFailed` if `after` was not given out by this feed, `Resync` if it was by an earlier
    release, or before the database was restored or taken over by a standby, or if events behind it
    were removed since; `DatabaseSettling` in the moment of a takeover.
    """
    feed = feed_of(actor)
    mark, number = _place(after, feed)
    while True:
        async with ctx.database.pool.acquire() as connection:
            # On one connection, so that all is told by one server.
            here = await generation.look(connection)
            if here.moved is None:
                rows = await _page(connection, actor, number, limit)
                break
        # Before a page is shown the generation has its mark: the page's cursor carries it.
        await generation.settle(ctx.database, ctx.settings)
    if mark is not None and mark != here.mark:
        raise Resync(_RESYNC)
    if not rows:
        raise _invalid()
    if mark is not None and number < rows[0]["gone"]:
        raise Resync(_REMOVED)
    found = [_told(row) for row in rows[:limit] if row["number"] is not None]
    last = f"{here.mark}.{feed}.{found[-1].seq if found else number}"
    return FeedPage(found, last, len(rows) > limit)


def _told(row: asyncpg.Record) -> Told:
    told = Told(*row[:-_BESIDE])
    return replace(told, body=unpacked(told.body))


def feed_of(actor: Actor) -> str:
    """The name of the actor's feed in its cursors, so that no other feed's are taken for them."""
    return sha256(f"{actor.organization_id}:{actor.environment.value}".encode()).hexdigest()[:8]


async def _page(connection: Any, actor: Actor, number: int, limit: int) -> Sequence[Any]:
    """Rows of `_FEED` and, where the page has room, what had arrived when it was asked for."""
    wanted = (actor.organization_id, actor.environment.value, number, limit + 1)
    rows: Sequence[Any] = await connection.fetch(_FEED, *wanted)
    if not rows or len(rows) > limit or not rows[0]["arrived"]:
        return rows
    await number_arrivals(connection, actor.organization_id, actor.environment)
    again: Sequence[Any] = await connection.fetch(_FEED, *wanted)
    return again


def _place(after: str, feed: str) -> tuple[str | None, int]:
    if after == BEGINNING:
        return None, 0
    found = CURSOR.fullmatch(after)
    if found is None:
        raise _invalid()
    mark, named, number = found.groups()
    if named is None:
        raise Resync(_OLD_RELEASE)
    if named != feed:
        raise _invalid()
    return mark, int(number)


def _invalid() -> ValidationFailed:
    return ValidationFailed(
        "Invalid cursor.", fields=[("after", "must be 0 or `last` from a page of this feed")]
    )
