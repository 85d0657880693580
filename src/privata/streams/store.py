"""SQL of the rows of streams and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.apikeys.scopes import Scope
from privata.core.standing import KEYS_WORK
from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.streams.states import Ending

Row = asyncpg.Record
Pool: TypeAlias = "asyncpg.Pool[Row]"  # not generic at run time

#: A node that was not seen for so long is dead, seconds (docs/streaming.md).
DEAD_AFTER_S: Final = 90

# Opening takes turns for each organization and environment, on all nodes; the statement that
# counts comes after this one, so it sees what the one before it has committed. A lost commit is a
# stream that its node finds without a row, so none waits for the disk.
_TURN: Final = """
SELECT set_config('synchronous_commit', 'off', true),
       pg_advisory_xact_lock(hashtextextended('stream:' || $1 || ':' || $2, 0))
"""

# The node is locked against the one who buries it: a row is never opened on a node that is gone.
_OPEN: Final = """
WITH node AS (
    SELECT id FROM stream_node
    WHERE id = $1 AND seen_at > now() - make_interval(secs => $9)
    FOR KEY SHARE
), made AS (
    INSERT INTO stream (node_id, organization_id, environment, order_id, key_id, key_prefix, ip,
                        source)
    SELECT node.id, $2::uuid, $3::text, $4, $5, $6, $7, $8 FROM node
    WHERE (SELECT count(*) FROM stream AS s JOIN stream_node AS n ON n.id = s.node_id
           WHERE s.organization_id = $2 AND s.environment = $3 AND s.closed_at IS NULL
             AND n.seen_at > now() - make_interval(secs => $9)) < $10
    RETURNING id
)
SELECT EXISTS (SELECT FROM node) AS alive, (SELECT id FROM made) AS id
"""

_CLOSE: Final = """
UPDATE stream AS s
SET closed_at = clock_timestamp(), reason = e.reason, last_seq = e.last_seq, node_id = NULL
FROM unnest($1::bigint[], $2::text[], $3::int[]) AS e(id, reason, last_seq)
WHERE s.id = e.id AND s.closed_at IS NULL
RETURNING s.organization_id, s.environment
"""

_NOTE: Final = """
UPDATE stream AS s SET last_seq = e.last_seq
FROM unnest($1::bigint[], $2::int[]) AS e(id, last_seq)
WHERE s.id = e.id AND s.closed_at IS NULL
RETURNING s.organization_id, s.environment
"""

# A key stops being good when it is revoked, expires, loses the scope, or when the secret that
# opened the stream dies; also when the organization comes into a status in which its keys rest.
_TO_END: Final = f"""
SELECT s.id, coalesce(s.ending, 'key_dead') AS reason
FROM stream AS s JOIN shared_api_key AS k ON k.id = s.key_id
JOIN shared_organization AS o ON o.id = k.organization_id
WHERE s.node_id = $1
  AND (s.ending IS NOT NULL OR k.revoked_at IS NOT NULL
       OR NOT ({KEYS_WORK})
       OR k.expires_on <= (now() AT TIME ZONE 'UTC')::date
       OR NOT $2 = ANY (k.scopes)
       OR NOT EXISTS (SELECT FROM shared_api_key_secret AS x
                      WHERE x.key_id = k.id AND x.prefix = s.key_prefix
                        AND (x.dead_at IS NULL OR x.dead_at > now())))
"""  # noqa: S608  # a constant of `standing`

_BEGIN: Final = "INSERT INTO stream_node (id, host) VALUES ($1, $2)"

# Who was given up does not come back: its streams have been counted as gone meanwhile.
_SEEN: Final = """
UPDATE stream_node SET seen_at = now()
WHERE id = $1 AND seen_at > now() - make_interval(secs => $2)
RETURNING true
"""

_OPEN_ON: Final = "SELECT id FROM stream WHERE node_id = $1"

_DEAD: Final = """
SELECT id FROM stream_node WHERE seen_at <= now() - make_interval(secs => $1)
FOR UPDATE SKIP LOCKED
"""

_CLOSE_ON: Final = """
UPDATE stream SET closed_at = clock_timestamp(), reason = $2, node_id = NULL
WHERE node_id = ANY ($1::uuid[])
RETURNING organization_id, environment
"""

_BURY: Final = "DELETE FROM stream_node WHERE id = ANY ($1::uuid[])"

_ASK_TO_END: Final = """
UPDATE stream SET ending = $4
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND closed_at IS NULL
RETURNING order_id, key_prefix
"""

_FORGET: Final = """
DELETE FROM stream WHERE id IN (
    SELECT id FROM stream WHERE closed_at < now() - interval '24 hours' LIMIT $1)
"""

#: An organization and environment whose streams changed.
Partition = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Opening:
    """What is written of a stream when it begins."""

    actor: Actor
    order_id: str
    ip: str
    source: str


async def take_turn(tx: Transaction, actor: Actor) -> None:
    """Wait for the turn to open a stream."""
    await tx.connection.execute(_TURN, str(actor.organization_id), actor.environment.value)


async def insert_stream(tx: Transaction, node: UUID, opening: Opening, cap: int) -> Row:
    """`alive`: whether the node is; `id`: None if the cap is reached or the node is dead."""
    actor = opening.actor
    row = await tx.connection.fetchrow(
        _OPEN,
        node,
        actor.organization_id,
        actor.environment.value,
        opening.order_id,
        UUID(actor.id),
        actor.label,
        opening.ip,
        opening.source,
        DEAD_AFTER_S,
        cap,
    )
    assert row is not None  # the outer row stands in the statement itself
    return row


async def close_streams(pool: Pool, ended: Mapping[int, tuple[Ending, int]]) -> set[Partition]:
    """Close rows, each with its reason and the number of the last event sent."""
    ids = sorted(ended)  # every statement over many rows locks them in the same order
    rows = await pool.fetch(
        _CLOSE, ids, [ended[one][0].value for one in ids], [ended[one][1] for one in ids]
    )
    return {(row[0], row[1]) for row in rows}


async def note_sent(pool: Pool, sent: Mapping[int, int]) -> set[Partition]:
    """Write down the last event of each stream, for the page."""
    ids = sorted(sent)
    rows = await pool.fetch(_NOTE, ids, [sent[one] for one in ids])
    return {(row[0], row[1]) for row in rows}


async def to_end(pool: Pool, node: UUID) -> dict[int, Ending]:
    """The node's streams that have to end, and why."""
    rows = await pool.fetch(_TO_END, node, Scope.ORDERS.value)
    return {row["id"]: Ending(row["reason"]) for row in rows}


async def begin_node(pool: Pool, node: UUID, host: str) -> None:
    """A new process that holds streams."""
    await pool.execute(_BEGIN, node, host[:64])


async def node_seen(pool: Pool, node: UUID) -> bool:
    """Say that the node lives; False if it has been silent for too long and counts as dead."""
    return bool(await pool.fetchval(_SEEN, node, DEAD_AFTER_S))


async def open_on(pool: Pool, node: UUID) -> set[int]:
    """The open rows of the node."""
    return {row["id"] for row in await pool.fetch(_OPEN_ON, node)}


async def bury(tx: Transaction, nodes: Sequence[UUID], reason: Ending) -> set[Partition]:
    """Close what is open on these nodes and forget them."""
    rows = await tx.connection.fetch(_CLOSE_ON, nodes, reason.value)
    await tx.connection.execute(_BURY, nodes)
    return {(row[0], row[1]) for row in rows}


async def dead_nodes(tx: Transaction) -> list[UUID]:
    """Nodes that are dead, locked: nothing is opened on them from now on."""
    return [row["id"] for row in await tx.connection.fetch(_DEAD, DEAD_AFTER_S)]


async def ask_to_end(tx: Transaction, actor: Actor, stream_id: int) -> Row | None:
    """Have the node that holds the actor's stream end it; None if there is no such open stream."""
    return await tx.connection.fetchrow(
        _ASK_TO_END,
        stream_id,
        actor.organization_id,
        actor.environment.value,
        Ending.CLOSED_HERE.value,
    )


async def forget_closed(pool: Pool, limit: int) -> int:
    """Delete streams that were closed a day ago or earlier; how many."""
    done: str = await pool.execute(_FORGET, limit)
    return int(done.rpartition(" ")[2])
