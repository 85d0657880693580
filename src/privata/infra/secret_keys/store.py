"""What the database knows of secret keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from privata.infra.sealing import KeyMark
from privata.infra.secret_keys.rules import LAPSED_S, KnownKey, Process

Executor: TypeAlias = (
    "asyncpg.Pool[Any] | asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
)

_KNOWN: Final = (
    "SELECT name, fingerprint, seen_at, first_at, retired_at FROM secret_key ORDER BY seen_at, name"
)

# Conflicts with itself and with every write: whoever holds it judges and records alone. Readers,
# and so the beats of processes that run, do not wait for it.
_LOCK: Final = "LOCK TABLE secret_key IN SHARE ROW EXCLUSIVE MODE"

_RECORD: Final = """
INSERT INTO secret_key (name, fingerprint)
SELECT * FROM unnest($1::bytea[], $2::bytea[])
ON CONFLICT (name) DO NOTHING
"""

_FIRST: Final = "UPDATE secret_key SET first_at = statement_timestamp() WHERE name = $1"

_RUNNING: Final = """
SELECT label, keys, extract(epoch FROM statement_timestamp() - seen_at)::float8 AS silent_s,
       clock_skew_ms
FROM secret_key_process WHERE seen_at > statement_timestamp() - make_interval(secs => $1)
ORDER BY seen_at DESC
"""

# One that was forgotten and lives writes its row anew.
_FORGET: Final = """
DELETE FROM secret_key_process WHERE seen_at < statement_timestamp() - make_interval(secs => $1)
"""

_BEAT: Final = """
INSERT INTO secret_key_process (id, label, keys, seen_at, clock_skew_ms)
VALUES ($1, $2, $3, statement_timestamp(), $4)
ON CONFLICT (id) DO UPDATE
SET seen_at = excluded.seen_at, clock_skew_ms = excluded.clock_skew_ms
"""


async def known_keys(executor: Executor) -> list[KnownKey]:
    """Every key that a process has had, in the order in which they came."""
    return [
        KnownKey(
            KeyMark(row["name"], row["fingerprint"]),
            row["seen_at"],
            row["first_at"],
            row["retired_at"],
        )
        for row in await executor.fetch(_KNOWN)
    ]


async def lock_keys(executor: Executor) -> None:
    """Let nobody else change what is known until the transaction ends."""
    await executor.execute(_LOCK)


async def record_keys(executor: Executor, marks: Sequence[KeyMark]) -> None:
    """Write down the keys of a process, the first one as the one that seals."""
    await executor.execute(
        _RECORD, [mark.name for mark in marks], [mark.fingerprint for mark in marks]
    )
    await executor.execute(_FIRST, marks[0].name)


def sealing_key(known: Sequence[KnownKey]) -> KnownKey | None:
    """The key that the installation seals with: the one that a process last began with."""
    needed = [(key.first_at, key) for key in known if key.first_at and key.retired_at is None]
    return max(needed, key=lambda one: one[0])[1] if needed else None


async def running_processes(executor: Executor) -> list[Process]:
    """Every process that said lately that it runs."""
    rows = await executor.fetch(_RUNNING, LAPSED_S)
    return [
        Process(row["label"], row["keys"], row["silent_s"], row["clock_skew_ms"]) for row in rows
    ]


async def forget_lapsed(executor: Executor) -> None:
    """Delete the rows of processes that were killed."""
    await executor.execute(_FORGET, LAPSED_S)


async def beat(
    executor: Executor, process: UUID, label: str, marks: Sequence[KeyMark], skew_ms: int | None
) -> None:
    """Say that this process runs, with these keys and this clock."""
    await executor.execute(_BEAT, process, label[:200], [mark.name for mark in marks], skew_ms)


async def leave(executor: Executor, process: UUID) -> None:
    """Say that this process stops."""
    await executor.execute("DELETE FROM secret_key_process WHERE id = $1", process)
