"""Making the files of large exports, by whichever worker; and sweeping what has expired.

A file is written in pieces, each in a transaction that also moves the lease on. A worker that dies
leaves its lease to run out: another begins anew, and what the dead one might still write is fenced
off by the lease's number.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from privata.audit import service as audit
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.infra.database.rows import reader
from privata.infra.waking import until_woken
from privata.orders.export.files import EXPORTS_WAKEUP, KEPT, search_as_of, wake_pages
from privata.orders.list import columns
from privata.orders.search import listing
from privata.orders.search.filters import described, filter_of

#: Seconds a worker has for one piece, or to count the rows.
LEASE_S: Final = 120.0

#: Batches of rows in a piece: about a megabyte of CSV, a tenth of it when compressed.
BATCHES: Final = 5

#: A file that could not be made after so many tries is given up.
MOST_ATTEMPTS: Final = 5

#: A file may have so many rows; a longer one would fill the database for one person.
MOST_ROWS: Final = 5_000_000

#: The page lists a file so long after it ended, without its content once it expired.
LISTED_FOR: Final = timedelta(days=30)

#: Seconds to look again without a wake-up, and between sweeps.
NET_S: Final = 60.0

# A worker that lost its lease may be writing at this moment: the new token makes its next piece
# fail, and the pieces it left are removed together with taking the job.
DUE_EXPORTS: Final = DueSql(
    since="w.due_at",
    waiting="order_export AS w WHERE w.state IN ('queued', 'running') AND w.due_at <= now()"
    " AND w.attempts < $4",
    due="""
    SELECT w.id, w.organization_id, w.environment FROM order_export AS w
    WHERE w.organization_id = {organization} AND w.environment = {environment}
      AND w.state IN ('queued', 'running') AND w.due_at <= now() AND w.attempts < $4
    ORDER BY w.due_at LIMIT {most} FOR UPDATE OF w SKIP LOCKED""",
    taken="""
, cleared AS (
    DELETE FROM order_export_chunk AS c USING due
    WHERE c.organization_id = {organization} AND c.environment = due.environment
      AND c.export_id = due.id
)
UPDATE order_export AS e
SET state = 'running', attempts = e.attempts + 1, lease_token = e.lease_token + 1,
    due_at = now() + make_interval(secs => $5), rows = 0, size = 0, total = NULL
FROM due
WHERE e.organization_id = {organization} AND e.environment = due.environment AND e.id = due.id
RETURNING e.*""",
)

_TOTAL: Final = """
UPDATE order_export SET total = $5, due_at = now() + make_interval(secs => $6)
WHERE organization_id = $1 AND environment = $2 AND id = $3 AND lease_token = $4
  AND state = 'running'
RETURNING id
"""

_PIECE: Final = """
WITH mine AS (
    UPDATE order_export
    SET rows = rows + $5, size = size + $6, total = greatest(total, rows + $5),
        due_at = now() + make_interval(secs => $7)
    WHERE organization_id = $1 AND environment = $2 AND id = $3 AND lease_token = $4
      AND state = 'running'
    RETURNING id
)
INSERT INTO order_export_chunk (organization_id, environment, export_id, number, data)
SELECT $1, $2, id, $8, $9 FROM mine
RETURNING export_id
"""

_DONE: Final = """
UPDATE order_export SET state = 'done', total = rows, finished_at = $5, expires_at = $6
WHERE organization_id = $1 AND environment = $2 AND id = $3 AND lease_token = $4
  AND state = 'running'
RETURNING rows
"""

_FAIL: Final = """
UPDATE order_export SET state = 'failed', finished_at = $5, error = $6
WHERE organization_id = $1 AND environment = $2 AND id = $3 AND lease_token = $4
  AND state = 'running'
RETURNING id
"""

_GIVE_UP: Final = """
WITH over AS (
    UPDATE order_export SET state = 'failed', finished_at = now(), error = $2
    WHERE state IN ('queued', 'running') AND due_at <= now() AND attempts >= $1
    RETURNING organization_id, environment, id
)
DELETE FROM order_export_chunk AS c USING over
WHERE c.organization_id = over.organization_id AND c.environment = over.environment
  AND c.export_id = over.id
"""

_EXPIRE: Final = """
WITH over AS (
    UPDATE order_export SET state = 'expired' WHERE state = 'done' AND expires_at <= $1
    RETURNING organization_id, environment, id
)
DELETE FROM order_export_chunk AS c USING over
WHERE c.organization_id = over.organization_id AND c.environment = over.environment
  AND c.export_id = over.id
"""

_FORGET: Final = """
DELETE FROM order_export
WHERE finished_at < $1 AND state IN ('failed', 'expired')
"""

_CLEAR: Final = """
DELETE FROM order_export_chunk WHERE organization_id = $1 AND environment = $2 AND export_id = $3
"""

_NEXT: Final = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM order_export
WHERE state IN ('queued', 'running')
"""


class ExportJob(msgspec.Struct, frozen=True):
    """A file that this worker makes as long as `lease_token` is the row's."""

    id: UUID
    organization_id: UUID
    environment: str
    query: str
    columns: list[str]
    as_of: datetime
    created_by: str
    lease_token: int

    @property
    def its(self) -> tuple[UUID, str, UUID]:
        """Its key."""
        return self.organization_id, self.environment, self.id

    @property
    def leased(self) -> tuple[UUID, str, UUID, int]:
        """The key and the lease: the first parameters of whatever its worker writes."""
        return *self.its, self.lease_token


_job = reader(ExportJob)


async def export_orders(ctx: AppContext) -> None:
    """Make files and sweep until cancelled; any number of workers may."""
    work = due_exports(ctx)
    async with ctx.database.listening(EXPORTS_WAKEUP) as wakeups:
        while True:
            await sweep_exports(ctx)
            if await export_next(ctx, work):
                continue
            wait: float | None = await ctx.database.pool.fetchval(_NEXT)
            await until_woken(wakeups, NET_S if wait is None else min(NET_S, max(wait, 0.01)))


async def sweep_exports(ctx: AppContext) -> None:
    """Give up what failed too often, empty what expired, forget what is long over."""
    now = ctx.clock.now()
    pool = ctx.database.pool
    sentence = f"failed after {MOST_ATTEMPTS} attempts; narrow the filter"
    await pool.execute(_GIVE_UP, MOST_ATTEMPTS, sentence)
    await pool.execute(_EXPIRE, now)
    await pool.execute(_FORGET, now - LISTED_FOR)


def due_exports(ctx: AppContext) -> DueWork:
    """The files that wait, of each organization in turn."""
    return DueWork(DUE_EXPORTS, MOST_ATTEMPTS, apart=ctx.settings.database_distributed)


async def claim_export(ctx: AppContext, work: DueWork | None = None) -> ExportJob | None:
    """A file that waits, for the length of a lease."""
    work = work or due_exports(ctx)
    rows = await work.claim(ctx.database.pool, 1, MOST_ATTEMPTS, LEASE_S)
    return _job(rows[0]) if rows else None


async def export_next(ctx: AppContext, work: DueWork | None = None) -> bool:
    """Make one file that waits; False if none does."""
    job = await claim_export(ctx, work)
    if job is None:
        return False
    actor = system_actor(job.organization_id, Environment(job.environment), "exports")
    search = search_as_of(actor, filter_of(job.query), job.as_of)
    count = await listing.count_of(ctx, search, most=MOST_ROWS)
    if not count.exact:
        await _fail(ctx, job, f"has more than {MOST_ROWS:,} rows; narrow the date range")
        return True
    if not await _tell_total(ctx, job, count.rows):
        return True
    number = 0
    wanted = job.columns
    async for rows, text in _pieces(ctx, job):
        head = columns.header(wanted) if number == 0 else b""
        if not await _keep(ctx, job, number, rows, head + text):
            return True  # another worker has it: this one was too slow
        number += 1
    await _finish(ctx, job)
    return True


async def _pieces(ctx: AppContext, job: ExportJob) -> AsyncIterator[tuple[int, bytes]]:
    """Rows and CSV of one piece after the other; at least one, so that there is a header."""
    actor = system_actor(job.organization_id, Environment(job.environment), "exports")
    search = search_as_of(actor, filter_of(job.query), job.as_of)
    texts: list[bytes] = []
    rows = 0
    async for batch in listing.every(ctx, search, columns=listing.EXPORTED):
        texts.append(columns.lines(batch, job.columns))
        rows += len(batch)
        if len(texts) == BATCHES:
            yield rows, b"".join(texts)
            texts, rows = [], 0
    yield rows, b"".join(texts)


async def _tell_total(ctx: AppContext, job: ExportJob, total: int) -> bool:
    async with ctx.database.transaction() as tx:
        mine = await tx.connection.fetchval(_TOTAL, *job.leased, total, LEASE_S)
        wake_pages(tx, job.organization_id, job.environment)
    return mine is not None


async def _keep(ctx: AppContext, job: ExportJob, number: int, rows: int, text: bytes) -> bool:
    async with ctx.database.transaction() as tx:
        kept = await tx.connection.fetchval(
            _PIECE, *job.leased, rows, len(text), LEASE_S, number, zlib.compress(text)
        )
        wake_pages(tx, job.organization_id, job.environment)
    return kept is not None


async def _finish(ctx: AppContext, job: ExportJob) -> None:
    now = ctx.clock.now()
    environment = Environment(job.environment)
    async with ctx.database.transaction() as tx:
        rows = await tx.connection.fetchval(_DONE, *job.leased, now, now + KEPT)
        if rows is None:
            return
        changes = {"by": job.created_by, "rows": rows}
        await audit.record(
            tx,
            actor=system_actor(job.organization_id, environment, "exports"),
            action="orders.exported",
            target=str(job.id),
            changes=changes | {"filter": audit.terms(described(filter_of(job.query)))},
        )
        wake_pages(tx, job.organization_id, job.environment)


async def _fail(ctx: AppContext, job: ExportJob, sentence: str) -> None:
    async with ctx.database.transaction() as tx:
        mine = await tx.connection.fetchval(_FAIL, *job.leased, ctx.clock.now(), sentence)
        if mine is not None:
            await tx.connection.execute(_CLEAR, *job.its)
            wake_pages(tx, job.organization_id, job.environment)
