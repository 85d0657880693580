"""`privata secrets reseal`: what older keys sealed is sealed again under the first one.

In batches in the order of the primary keys. Each batch is one statement that replaces a value only
where it is still the one that was read: what a running process writes meanwhile stays, under the
key that it used. Nothing is remembered between batches, since each value says which key it needs;
a run that was killed is followed by one that does the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from privata.core.errors import PrivataError
from privata.infra.sealing import NAME_BYTES, KeyMark, Sealer, UnsealError
from privata.infra.secret_keys import store
from privata.infra.secret_keys.columns import SEALED, SealedColumn

#: Values in one statement: some milliseconds of work, and of row locks.
BATCH: Final = 200

#: How often a table is gone through again for values that others held or changed meanwhile.
MOST_PASSES: Final = 5


@dataclass(slots=True)
class Resealed:
    """What became of a table's values: sealed again, left for another run, and not to be opened,
    by the name of the key that is missing or whose bytes are damaged."""

    table: str
    done: int = 0
    left: int = 0
    closed: Counter[str] = field(default_factory=Counter)


async def reseal(
    pool: asyncpg.Pool[Any], sealer: Sealer, tell: Callable[[Resealed], None]
) -> list[Resealed]:
    """Seal everything under the first key; `tell` is called after each batch.

    `PrivataError` unless the first key of this process is the one the installation seals with.
    """
    await _require_sealing(pool, sealer.marks[0])
    return [await _reseal_column(pool, sealer, column, tell) for column in SEALED.value]


async def _require_sealing(pool: asyncpg.Pool[Any], first: KeyMark) -> None:
    sealing = store.sealing_key(await store.known_keys(pool))
    if sealing is not None and sealing.mark != first:
        raise PrivataError(
            f"The installation seals with {sealing.mark.shown}, but {first.shown} is first here."
            " Run this with the settings of the servers."
        )


async def _reseal_column(
    pool: asyncpg.Pool[Any],
    sealer: Sealer,
    column: SealedColumn,
    tell: Callable[[Resealed], None],
) -> Resealed:
    report = Resealed(column.table)
    for _ in range(MOST_PASSES):
        report.left, report.closed = 0, Counter()
        last: list[Any] = [None] * len(column.key)
        while rows := await _batch(pool, sealer, column, last):
            await _reseal_rows(pool, sealer, column, rows, report)
            last = [rows[-1][name] for name in column.key]
            tell(report)
        if not report.left:
            break
    return report


async def _batch(
    pool: asyncpg.Pool[Any], sealer: Sealer, column: SealedColumn, last: list[Any]
) -> list[asyncpg.Record]:
    key = ", ".join(column.key)
    behind = ", ".join(f"${n}::{kind}" for n, kind in enumerate(column.key.values(), 3))
    return await pool.fetch(
        f"SELECT {', '.join((*column.key, *column.needs))}, {column.value} AS row_value"  # noqa: S608
        f" FROM {column.table} WHERE {column.where} AND {column.name} <> $1"
        f" AND ({behind.partition(',')[0]} IS NULL OR ({key}) > ({behind}))"
        f" ORDER BY {key} LIMIT $2",
        sealer.marks[0].name,
        BATCH,
        *last,
    )


async def _reseal_rows(
    pool: asyncpg.Pool[Any],
    sealer: Sealer,
    column: SealedColumn,
    rows: list[asyncpg.Record],
    report: Resealed,
) -> None:
    keys, old, new = [], [], []
    for row in rows:
        context = column.context(row)
        try:
            opened = sealer.unseal(row["row_value"], context)
        except UnsealError:
            report.closed[row["row_value"][1 : 1 + NAME_BYTES].hex()] += 1
            continue
        keys.append(tuple(row[name] for name in column.key))
        old.append(row["row_value"])
        new.append(sealer.seal(opened, context))
    replaced = await put(pool, column, keys, old, new)
    report.done += replaced
    report.left += len(keys) - replaced


async def put(
    pool: asyncpg.Pool[Any],
    column: SealedColumn,
    keys: list[tuple[Any, ...]],
    old: list[bytes],
    new: list[bytes],
) -> int:
    """Replace each old value that is still there; how many were.

    Two writers of a row: the one who comes second would undo what the first one wrote. So a value
    is replaced only where it is the one that was read. Rows are locked in the order of their keys,
    and one that somebody holds is skipped: no page and no delivery waits for this, nor this for
    them.
    """
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(column.key.values(), 3))
    given = ", ".join(f"its_{name}" for name in column.key)
    key = ", ".join(f"t.{name}" for name in column.key)
    same = " AND ".join(f"t.{name} = its_{name}" for name in column.key)
    replaced: int = await pool.fetchval(
        f"""
        WITH held AS (
            SELECT {given}, new_bytes
            FROM {column.table} AS t
            JOIN unnest($1::bytea[], $2::bytea[], {arrays})
                AS n(old_bytes, new_bytes, {given}) ON {same}
            WHERE {column.where} AND {column.value} = old_bytes
            ORDER BY {key} FOR NO KEY UPDATE OF t SKIP LOCKED
        ), replaced AS (
            UPDATE {column.table} AS t SET {column.assignment} FROM held
            WHERE {same} RETURNING 1
        )
        SELECT count(*) FROM replaced
        """,  # noqa: S608 - put together out of the rooms' constants
        old,
        new,
        *([one[n] for one in keys] for n in range(len(column.key))),
    )
    return replaced
