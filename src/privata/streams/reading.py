"""What the page shows of streams: those that are open, and those that closed in the last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from privata.core.errors import NotFound
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.organizations.profile import profile_of
from privata.streams.states import Ending, ResumeSource
from privata.streams.store import DEAD_AFTER_S

#: Rows that are shown of each list.
MOST_OPEN: Final = 100
MOST_CLOSED: Final = 20

#: From this share of the cap on, people should know.
NEARLY_FULL: Final = 0.8

#: Why a stream is over: words, icon, tone.
ENDINGS: Final = {
    Ending.FINISHED: ("Order ended", "check", "ok"),
    Ending.CLIENT_LEFT: ("Client left", "log-out", "plain"),
    Ending.CLOSED_HERE: ("Closed here", "x", "plain"),
    Ending.KEY_DEAD: ("Key expired or revoked", "key-round", "warn"),
    Ending.RESTART: ("Server restarted", "refresh-cw", "plain"),
    Ending.NODE_LOST: ("Server lost", "unplug", "warn"),
    Ending.STALLED: ("Client not reading", "hourglass", "warn"),
}

#: What a stream began with, in a sentence.
SOURCES: Final = {
    ResumeSource.FRESH: "started with the current state of the order",
    ResumeSource.BUFFER: "replayed everything after the client's last event",
    ResumeSource.SNAPSHOT: "the client's last event was too old or unknown, so it started with the"
    " state of the order",
}


# The event that a stream sent last tells where its order stood then.
_ROW: Final = """
SELECT s.id, s.order_id, s.key_prefix, s.ip, s.source, s.opened_at, s.ending, s.closed_at, s.reason,
       split_part(e.type, '.', 2) AS status, e.created_at AS at
FROM stream AS s
LEFT JOIN LATERAL (
    SELECT one.type, one.created_at
    FROM shared_event_key AS k
    JOIN shared_event AS one ON one.organization_id = k.organization_id AND one.seq = k.seq
    WHERE k.organization_id = s.organization_id
      AND k.id BETWEEN key_floor(s.order_id) AND key_ceiling(s.order_id)
      AND one.order_id = s.order_id AND one.order_seq = s.last_seq
      AND one.environment = s.environment
) AS e ON true
"""

_OPEN: Final = """
WHERE s.organization_id = $1 AND s.environment = $2 AND s.closed_at IS NULL
  AND EXISTS (SELECT FROM stream_node AS n WHERE n.id = s.node_id
                AND n.seen_at > now() - make_interval(secs => $3))
"""

_NEWEST_OPEN: Final = f"{_ROW}{_OPEN}ORDER BY s.id DESC LIMIT $4"

_ONE_OPEN: Final = f"{_ROW}{_OPEN}AND s.id = $4"

_COUNT_OPEN: Final = f"SELECT count(*) FROM stream AS s{_OPEN}"  # noqa: S608  # constants

_CLOSED: Final = f"""{_ROW}
WHERE s.organization_id = $1 AND s.environment = $2 AND s.closed_at IS NOT NULL
ORDER BY s.closed_at DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream with the status its order had at the last event it sent, if that is known."""

    id: int
    order_id: str
    key_prefix: str
    ip: str
    source: str
    opened_at: datetime
    ending: str | None
    closed_at: datetime | None
    reason: str | None
    status: str | None
    at: datetime | None

    @property
    def ended(self) -> tuple[str, str, str]:
        """Words, icon and tone of why it is over."""
        return ENDINGS[Ending(self.reason or Ending.CLIENT_LEFT)]

    @property
    def began(self) -> str:
        """What it began with, in a sentence."""
        return SOURCES[ResumeSource(self.source)]

    @property
    def lasted_s(self) -> float | None:
        """Seconds it was open."""
        return None if self.closed_at is None else (self.closed_at - self.opened_at).total_seconds()


async def count_open(ctx: AppContext, *, actor: Actor) -> int:
    """How many streams the actor's environment has open on servers that live."""
    count: int = await ctx.database.pool.fetchval(_COUNT_OPEN, *_open_of(actor))
    return count


async def open_stream(ctx: AppContext, *, actor: Actor, stream_id: int) -> StreamRow:
    """One of them; `NotFound` for any other."""
    row = await ctx.database.pool.fetchrow(_ONE_OPEN, *_open_of(actor), stream_id)
    if row is None:
        raise NotFound("There is no such open stream.")
    return StreamRow(**dict(row))


async def overview(ctx: AppContext, *, actor: Actor) -> dict[str, Any]:
    """The figures and both lists."""
    cap = (await profile_of(ctx, actor=actor)).streams(actor.environment)
    count = await count_open(ctx, actor=actor)
    pool = ctx.database.pool
    opened = await pool.fetch(_NEWEST_OPEN, *_open_of(actor), MOST_OPEN)
    closed = await pool.fetch(_CLOSED, actor.organization_id, actor.environment.value, MOST_CLOSED)
    return {
        "open_count": count,
        "cap": cap,
        "full": count >= cap,
        "nearly_full": count >= NEARLY_FULL * cap,
        "open": [StreamRow(**dict(row)) for row in opened],
        "closed": [StreamRow(**dict(row)) for row in closed],
    }


def _open_of(actor: Actor) -> tuple[Any, ...]:
    return actor.organization_id, actor.environment.value, DEAD_AFTER_S
