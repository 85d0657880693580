"""Orders as everybody reads them: always of one organization and environment, always bounded.

Pages, the partner API, the automation API and the command line ask here. SQL on the pool, frozen
rows; a new kind of page over orders is one function here, one view and one template.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.cursors import Cursor
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import TERMINAL, OrderStatus
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.orders import store
from privata.orders.presenting import refund_closes
from privata.orders.rows import (
    ListedOrder,
    Order,
    TimelineEntry,
    WholeOrder,
    order_row,
    timeline_entry,
)
from privata.orders.search import listing
from privata.orders.search.filters import GROUPS, OrderFilter
from privata.orders.search.listing import Page
from privata.orders.search.sql import Scope, Search

__all__ = [
    "ListedOrder",
    "Order",
    "Page",
    "TimelineEntry",
    "WholeOrder",
    "any_completed",
    "any_order",
    "count_newer",
    "found_by",
    "newest",
    "newest_moving",
    "order_by_link",
    "order_of",
    "page_of",
    "refund_windows",
    "same_rows",
    "search_of",
    "segment_counts",
    "timeline_of",
    "whole_order_of",
]

#: Rows of a page of the list.
PAGE: Final = 50

#: New orders are counted up to here; beyond, the pill says "99+".
MOST_NEW: Final = 99

#: Segments say how many they hold up to here; counting more is not cheap.
MOST_COUNTED: Final = 999

_MINE: Final = "organization_id = $1 AND environment = $2"

_ONE: Final = f"SELECT * FROM orders WHERE {_MINE} AND id = $3"  # noqa: S608

_BY_LINK: Final = "SELECT * FROM orders WHERE id = $1"

_TIMELINE: Final = """
SELECT status, at, source FROM order_timeline
WHERE organization_id = $2
  AND order_id = (SELECT id FROM orders
                  WHERE id = $1 AND organization_id = $2 AND environment = $3)
ORDER BY seq
"""

_ANY: Final = f"SELECT EXISTS (SELECT FROM orders WHERE {_MINE})"  # noqa: S608

_ANY_DONE: Final = f"SELECT EXISTS (SELECT FROM orders WHERE {_MINE} AND status = 'completed')"  # noqa: S608

_MOVING: Final = f"""
SELECT id FROM orders WHERE {_MINE} AND status <> ALL ($3::text[])
ORDER BY created_at DESC, id DESC LIMIT 1
"""  # noqa: S608

# The window counts from the state's entry; the order itself changes again when an action is chosen.
_REFUND_WINDOWS: Final = f"""
SELECT entered.at, o.refund_window_hours, o.sandbox_ttl
FROM orders AS o
JOIN order_timeline AS entered ON entered.organization_id = o.organization_id
 AND entered.order_id = o.id AND entered.status = o.status
WHERE o.organization_id = $1 AND o.environment = $2
  AND o.status = '{OrderStatus.REFUND_REQUIRED}' AND o.created_at >= $3
ORDER BY o.updated_at LIMIT $4
"""  # noqa: S608


def search_of(actor: Actor, chosen: OrderFilter, now: datetime) -> Search:
    """A search among the actor's orders."""
    return Search(Scope(actor.organization_id, actor.environment), chosen, now)


async def page_of(
    ctx: AppContext, search: Search, *, before: Cursor | None = None, after: Cursor | None = None
) -> Page[ListedOrder]:
    """A page of the list: the newest, or the one older than `before`, or newer than `after`."""
    if after is not None and before is None:
        upward = listing.ranged(search, newer_than=after, upward=True)
        page = await listing.page_of(ctx, upward, limit=PAGE, columns=listing.LISTED)
        if page.rows or page.newer is not None:
            return page
    found = search if before is None else listing.ranged(search, older_than=before)
    return await listing.page_of(ctx, found, limit=PAGE, columns=listing.LISTED)


async def same_rows(
    ctx: AppContext, search: Search, first: Cursor, last: Cursor
) -> list[ListedOrder]:
    """The rows from `first` to `last` as they are now: none comes in, so the list never jumps."""
    ends = (replace(first, included=True), replace(last, included=True))
    within = listing.ranged(search, older_than=ends[0], newer_than=ends[1])
    return await listing.rows_of(ctx, within, limit=PAGE, columns=listing.LISTED)


async def count_newer(ctx: AppContext, search: Search, first: Cursor) -> int:
    """How many matching orders came after `first`, up to `MOST_NEW` and one."""
    newer = listing.ranged(search, newer_than=first, upward=True)
    found = await listing.rows_of(ctx, newer, limit=MOST_NEW + 1, columns=listing.PLACES)
    return len(found)


async def segment_counts(ctx: AppContext, search: Search) -> dict[str, int]:
    """How many orders each segment holds, where that is cheap to say."""
    if search.chosen.having(statuses=()).active:
        return {}
    counted = {}
    for label in ("In progress", "Needs action"):
        narrowed = search.chosen.having(statuses=tuple(s.value for s in GROUPS[label]))
        only = listing.narrowed(search, narrowed)
        found = await listing.count_of(ctx, only, most=MOST_COUNTED, walk=1)
        if found.exact:
            counted[label] = found.rows
    return counted


async def newest(ctx: AppContext, *, actor: Actor, limit: int) -> list[ListedOrder]:
    """The actor's latest orders."""
    search = search_of(actor, OrderFilter(), ctx.clock.now())
    return await listing.rows_of(ctx, search, limit=limit, columns=listing.LISTED)


async def found_by(ctx: AppContext, *, actor: Actor, text: str, limit: int) -> list[ListedOrder]:
    """Orders with exactly this id, reference, deposit address or transaction."""
    search = search_of(actor, OrderFilter(text=text), ctx.clock.now())
    return await listing.rows_of(ctx, search, limit=limit, columns=listing.LISTED)


async def any_order(ctx: AppContext, *, actor: Actor) -> bool:
    """Whether the actor has ever had an order."""
    return bool(await ctx.database.pool.fetchval(_ANY, *_mine(actor)))


async def any_completed(ctx: AppContext, organization_id: UUID, environment: Environment) -> bool:
    """Whether the organization has completed an order there."""
    found = await ctx.database.pool.fetchval(_ANY_DONE, organization_id, environment.value)
    return bool(found)


async def order_of(ctx: AppContext, *, actor: Actor, order_id: str) -> Order | None:
    """One order; another organization's and another environment's are missing like any other."""
    if not ORDER_ID.fullmatch(order_id):
        return None
    return _order(await ctx.database.pool.fetchrow(_ONE, *_mine(actor), order_id))


async def whole_order_of(ctx: AppContext, *, actor: Actor, order_id: str) -> WholeOrder | None:
    """The same with its timeline and the action of its refund."""
    if not ORDER_ID.fullmatch(order_id):
        return None
    return await store.fetch_order(
        ctx.database.pool, order_id, actor.organization_id, actor.environment
    )


async def order_by_link(ctx: AppContext, order_id: str) -> Order | None:
    """The order that a link with a fitting token leads to (`tracking.tracking_token_fits`):
    whoever has it may see this one, whosever it is."""
    return _order(await ctx.database.pool.fetchrow(_BY_LINK, order_id))


async def timeline_of(ctx: AppContext, order: Order) -> list[TimelineEntry]:
    """The states the order entered, oldest first."""
    rows = await ctx.database.pool.fetch(
        _TIMELINE, order.id, order.organization_id, order.environment
    )
    return [timeline_entry(row) for row in rows]


async def newest_moving(ctx: AppContext, *, actor: Actor) -> str | None:
    """The id of the actor's newest order that still moves."""
    over = sorted(status.value for status in TERMINAL)
    found: str | None = await ctx.database.pool.fetchval(_MOVING, *_mine(actor), over)
    return found


async def refund_windows(
    ctx: AppContext, *, actor: Actor, since: timedelta, limit: int
) -> list[datetime | None]:
    """When the windows close of orders that need a refund and were made within `since`; None
    where the provider names no hours. Those that changed longest ago first."""
    rows = await ctx.database.pool.fetch(
        _REFUND_WINDOWS, *_mine(actor), ctx.clock.now() - since, limit
    )
    needed = OrderStatus.REFUND_REQUIRED
    return [refund_closes(needed, *row) for row in rows]


def _mine(actor: Actor) -> tuple[object, str]:
    return actor.organization_id, actor.environment.value


def _order(row: asyncpg.Record | None) -> Order | None:
    return None if row is None else order_row(row)
