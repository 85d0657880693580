"""Finding orders: pages, counts, and everything that matches, always of one scope.

Used by the list, the API and exports. Plain SQL on the pool, no ORM.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Final, Generic

from privata.core.cursors import Cursor
from privata.infra.context import AppContext
from privata.orders.rows import (
    Columns,
    ExportedOrder,
    ListedOrder,
    Placed,
    R,
    columns_of,
    whole_order,
)
from privata.orders.search import sql as search_sql
from privata.orders.search.filters import OrderFilter
from privata.orders.search.sql import Guide, Search, Statement
from privata.orders.store import TIMELINE

#: Rows that one step walks: few at first, since most searches find their page there.
STEPS: Final = (500, 2_500, 10_000)
LONG_STEP: Final = 20_000

#: After walking so many rows a page is answered as far as it got, with where to go on.
MOST_WALKED: Final = 33_000

#: What lists show, what a file says, and just where an order stands.
LISTED: Final = columns_of(ListedOrder)
EXPORTED: Final = columns_of(ExportedOrder)
PLACES: Final = columns_of(Placed)

#: An order with its timeline, as `moving.order_of` takes it.
WHOLE: Final = Columns(f"o.*, {TIMELINE}", whole_order)

#: Rows of an export that are read at once.
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows from the newest to the oldest, and the cursors of the pages beside them.

    `looked_back_to` is set when the search stopped before the page was full; then `older` goes on.
    """

    rows: Sequence[R]
    newer: Cursor | None = None
    older: Cursor | None = None
    looked_back_to: Cursor | None = None

    @property
    def first(self) -> Cursor | None:
        return cursor_of(self.rows[0]) if self.rows else None

    @property
    def last(self) -> Cursor | None:
        return cursor_of(self.rows[-1]) if self.rows else None


@dataclass(frozen=True, slots=True)
class Count:
    """How many match; `exact` is False when there are more than were counted."""

    rows: int
    exact: bool


def cursor_of(row: Placed) -> Cursor:
    """The place of an order in the list."""
    return Cursor(row.created_at, row.id)


def ranged(
    search: Search,
    *,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
    upward: bool = False,
) -> Search:
    """The same search between two places."""
    return replace(search, older_than=older_than, newer_than=newer_than, upward=upward)


def narrowed(search: Search, chosen: OrderFilter) -> Search:
    """The same search with another filter."""
    return replace(search, chosen=chosen)


async def page_of(ctx: AppContext, search: Search, *, limit: int, columns: Columns[R]) -> Page[R]:
    """A page: the newest rows of the range, or with `upward` the oldest ones."""
    rows, stopped = await _found(ctx, search, columns, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    beyond = cursor_of(rows[-1]) if more else stopped
    if search.upward:
        rows = rows[::-1]
        return Page(rows, newer=beyond, older=cursor_of(rows[-1]) if rows else None)
    newer = cursor_of(rows[0]) if rows and search.older_than is not None else None
    return Page(rows, newer, beyond, None if more else stopped)


async def rows_of(ctx: AppContext, search: Search, *, limit: int, columns: Columns[R]) -> list[R]:
    """At most `limit` matching rows of a range, in the order of the search."""
    rows, _ = await _found(ctx, search, columns, limit)
    return rows


async def count_of(ctx: AppContext, search: Search, *, most: int, walk: int | None = None) -> Count:
    """How many match, counting up to `most`; after `walk` rows it gives up (None: never)."""
    guide = await _guide(ctx, search)
    counted, walked = 0, 0
    if guide is None:
        return Count(0, exact=True)
    for size in chain(STEPS, repeat(LONG_STEP)):
        counted += await _value(ctx, search_sql.count(search, guide, walk=size))
        walked += size
        end = await _edge(ctx, search, guide, size)
        if end is None:
            return Count(min(counted, most), exact=counted <= most)
        if counted > most or (walk is not None and walked >= walk):
            return Count(min(counted, most), exact=False)
        search = _beyond(search, end)
    raise AssertionError("the steps never end")


async def every(
    ctx: AppContext, search: Search, *, columns: Columns[R], batch: int = BATCH
) -> AsyncIterator[list[R]]:
    """All matching rows, in batches, however long the walk; each batch is a statement of its own,
    so nothing is locked or held open between them."""
    guide = await _guide(ctx, search)
    while guide is not None:
        size = max(batch, LONG_STEP)
        statement = search_sql.step(search, guide, columns.sql, walk=size, limit=batch)
        rows = await _rows(ctx, statement, columns)
        if rows:
            yield rows
        if len(rows) == batch:
            search = _beyond(search, cursor_of(rows[-1]))
            continue
        end = await _edge(ctx, search, guide, size)
        if end is None:
            return
        search = _beyond(search, end)


async def _found(
    ctx: AppContext, search: Search, columns: Columns[R], wanted: int
) -> tuple[list[R], Cursor | None]:
    """Up to `wanted` rows; and where the search stopped, if it did before the end."""
    guide = await _guide(ctx, search)
    rows: list[R] = []
    walked = 0
    if guide is None:
        return rows, None
    for size in chain(STEPS, repeat(LONG_STEP)):
        statement = search_sql.step(search, guide, columns.sql, walk=size, limit=wanted - len(rows))
        rows += await _rows(ctx, statement, columns)
        walked += size
        if len(rows) >= wanted:
            return rows, None
        end = await _edge(ctx, search, guide, size)
        if end is None or walked >= MOST_WALKED:
            return rows, end
        search = _beyond(search, end)
    raise AssertionError("the steps never end")


async def _guide(ctx: AppContext, search: Search) -> Guide | None:
    """The guide to follow; None when the filters exclude each other."""
    among = search_sql.guides(search.chosen)
    if not all(guide.arms for guide in among):
        return None
    if len(among) == 1:
        return among[0]
    looked = search_sql.scouting(search, among)
    seen = await ctx.database.pool.fetchrow(looked.sql, *looked.args)
    assert seen is not None
    return search_sql.sparsest(search, among, list(seen))


async def _edge(ctx: AppContext, search: Search, guide: Guide, walk: int) -> Cursor | None:
    if not guide.ordered:
        return None
    statement = search_sql.edge(search, guide, walk=walk)
    found = await ctx.database.pool.fetchrow(statement.sql, *statement.args)
    return None if found is None else Cursor(found["created_at"], found["id"])


def _beyond(search: Search, cursor: Cursor) -> Search:
    """The rest of a search that has come to `cursor`."""
    if search.upward:
        return replace(search, newer_than=cursor)
    return replace(search, older_than=cursor)


async def _rows(ctx: AppContext, statement: Statement, columns: Columns[R]) -> list[R]:
    found = await ctx.database.pool.fetch(statement.sql, *statement.args)
    return [columns.read(row) for row in found]


async def _value(ctx: AppContext, statement: Statement) -> int:
    return int(await ctx.database.pool.fetchval(statement.sql, *statement.args))
