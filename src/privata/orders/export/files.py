"""Exports of orders as CSV (docs/orders.md): small ones at once, large ones as a worker's file.

Every export and every download is in the audit log: who, which filter, how many rows.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.cursors import Cursor
from privata.core.errors import NotFound, ValidationFailed
from privata.core.ids import new_id
from privata.core.tenancy import Actor
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.orders.list import columns
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter, described
from privata.orders.search.sql import Scope, Search
from privata.orders.states import ExportState

#: Up to so many rows are written straight into the answer.
MOST_DIRECT: Final = 10_000

#: Rows walked to find out how many there are, before a person is told "more than".
MOST_COUNTED: Final = 300_000

#: How long a file that a worker made can be fetched.
KEPT: Final = timedelta(hours=24)

#: Files of an organization that may wait or be made at the same time.
MOST_UNFINISHED: Final = 5

#: Files that the page lists.
MOST_LISTED: Final = 20

#: Wakes the workers that make files; no payload.
EXPORTS_WAKEUP: Final = "privata_exports"

_INSERT: Final = """
INSERT INTO order_export (id, organization_id, environment, query, columns, as_of, created_by)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (SELECT count(*) FROM order_export
       WHERE organization_id = $2 AND state IN ('queued', 'running')) < $8
RETURNING id
"""

_SHOWN: Final = """
SELECT id, query, columns, state, as_of, total, rows, size, error, created_by, created_at,
       finished_at, expires_at
FROM order_export WHERE organization_id = $1 AND environment = $2
"""

_LATEST: Final = f"{_SHOWN} ORDER BY created_at DESC, id LIMIT $3"

_READY: Final = f"{_SHOWN} AND id = $3 AND state = 'done' AND expires_at > $4"

_CHUNK: Final = """
SELECT data FROM order_export_chunk
WHERE organization_id = $1 AND environment = $2 AND export_id = $3 AND number = $4
"""


@dataclass(frozen=True, slots=True)
class Export:
    """A file that a worker makes, or has made. `size` is bytes of CSV."""

    id: UUID
    query: str
    columns: Sequence[str]
    state: ExportState
    as_of: datetime
    total: int | None
    rows: int
    size: int
    error: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


def search_as_of(actor: Actor, chosen: OrderFilter, as_of: datetime) -> Search:
    """The orders of an export: none that is made after it began."""
    scope = Scope(actor.organization_id, actor.environment)
    return Search(scope, chosen, as_of, older_than=Cursor(as_of, ""))


async def count_export(ctx: AppContext, *, actor: Actor, chosen: OrderFilter) -> listing.Count:
    """How many rows an export would have; not exact above `MOST_DIRECT`."""
    search = search_as_of(actor, chosen, ctx.clock.now())
    return await listing.count_of(ctx, search, most=MOST_DIRECT, walk=MOST_COUNTED)


async def export_now(
    ctx: AppContext, *, actor: Actor, chosen: OrderFilter, wanted: Sequence[str]
) -> AsyncIterator[bytes]:
    """The file, piece by piece. `ValidationFailed` when it has more than `MOST_DIRECT` rows."""
    search = search_as_of(actor, chosen, ctx.clock.now())
    count = await listing.count_of(ctx, search, most=MOST_DIRECT, walk=MOST_COUNTED)
    if not count.exact:
        raise ValidationFailed(
            f"More than {MOST_DIRECT:,} orders match. Export them in the background."
        )
    async with ctx.database.transaction() as tx:
        await _note(tx, actor, "orders.exported", "direct", chosen, wanted, count.rows)
    return _written(ctx, search, wanted)


async def start_export(
    ctx: AppContext, *, actor: Actor, chosen: OrderFilter, wanted: Sequence[str]
) -> UUID:
    """Have a worker make the file. `ValidationFailed` while too many are unfinished."""
    export_id = new_id()
    async with ctx.database.transaction() as tx:
        # Two at the same moment may both pass the count: one file more than the cap, no harm.
        made = await tx.connection.fetchval(
            _INSERT,
            export_id,
            actor.organization_id,
            actor.environment.value,
            chosen.query(),
            list(wanted),
            ctx.clock.now(),
            actor.label[:254],
            MOST_UNFINISHED,
        )
        if made is None:
            raise ValidationFailed(
                f"{MOST_UNFINISHED} exports are already in progress. Wait for one to finish."
            )
        await _note(tx, actor, "orders.export_started", str(export_id), chosen, wanted, None)
        tx.wake(EXPORTS_WAKEUP)
        wake_pages(tx, actor.organization_id, actor.environment.value)
    return export_id


async def exports_of(ctx: AppContext, *, actor: Actor) -> list[Export]:
    """The latest files of the organization and environment, newest first."""
    rows = await ctx.database.pool.fetch(
        _LATEST, actor.organization_id, actor.environment.value, MOST_LISTED
    )
    return [_export(row) for row in rows]


async def open_export(
    ctx: AppContext, *, actor: Actor, export_id: UUID, fetched: bool = True
) -> tuple[Export, AsyncIterator[bytes]]:
    """A finished file and its pieces. `NotFound` for one that is missing, another's, or expired.

    Without `fetched` it is only looked at, which the audit log does not note.
    """
    async with ctx.database.transaction() as tx:
        row = await tx.connection.fetchrow(
            _READY,
            actor.organization_id,
            actor.environment.value,
            export_id,
            ctx.clock.now(),
        )
        if row is None:
            raise NotFound("Export not found or expired.")
        found = _export(row)
        if fetched:
            await audit.record(
                tx,
                actor=actor,
                action="orders.export_downloaded",
                target=str(export_id),
                changes={"rows": found.rows},
            )
    return found, _stored(ctx, actor, export_id)


def wake_pages(tx: Transaction, organization_id: UUID, environment: str) -> None:
    """Tell pages that show exports to look again."""
    tx.wake(LIVE_WAKEUP, live_payload(organization_id, environment, "exports"))


async def _note(
    tx: Transaction,
    actor: Actor,
    action: str,
    target: str,
    chosen: OrderFilter,
    wanted: Sequence[str],
    rows: int | None,
) -> None:
    changes = {"filter": audit.terms(described(chosen)), "columns": tuple(wanted)}
    await audit.record(
        tx,
        actor=actor,
        action=action,
        target=target,
        changes=changes if rows is None else changes | {"rows": rows},
    )


async def _written(ctx: AppContext, search: Search, wanted: Sequence[str]) -> AsyncIterator[bytes]:
    yield columns.header(wanted)
    async for rows in listing.every(ctx, search, columns=listing.EXPORTED):
        yield columns.lines(rows, wanted)


async def _stored(ctx: AppContext, actor: Actor, export_id: UUID) -> AsyncIterator[bytes]:
    its = (actor.organization_id, actor.environment.value, export_id)
    number = 0
    while (data := await ctx.database.pool.fetchval(_CHUNK, *its, number)) is not None:
        yield zlib.decompress(data)
        number += 1


def _export(row: asyncpg.Record) -> Export:
    return Export(**{**row, "state": ExportState(row["state"])})
