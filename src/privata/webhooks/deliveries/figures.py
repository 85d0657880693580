"""Counts of deliveries: of a view's segments, over time, of what came since."""

# What is put together here are constants of ours and of `search_sql`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from privata.infra.context import AppContext
from privata.webhooks.deliveries.search_sql import DeliverySearch, tables, where
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.state_sql import STATE, UNDELIVERED
from privata.webhooks.states import DeliveryState

#: Counting new rows stops here; the page then says "100+".
MOST_NEW: Final = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries are in each state, and how many are undelivered."""

    by_state: Mapping[DeliveryState, int] = field(default_factory=dict)
    undelivered: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_state.values())


@dataclass(frozen=True, slots=True)
class Slice:
    """Deliveries that were created in one slice of time; `number` counts slices from 1970."""

    number: int
    delivered: int
    failed: int
    queued: int


@dataclass(frozen=True, slots=True)
class DeliveriesOfHour:
    """Deliveries that were created in one hour, before or after a moment."""

    hour: datetime
    recent: bool
    tried: int
    delivered: int


async def counts_of(ctx: AppContext, search: DeliverySearch) -> Counts:
    """The rows of a search by their state, in one walk."""
    found = where(search)
    rows = await ctx.database.pool.fetch(
        f"""
        SELECT state, count(*)::int AS rows, (count(*) FILTER (WHERE undelivered))::int AS lacking
        FROM (SELECT {STATE} AS state, {UNDELIVERED} AS undelivered
              {tables(search)} WHERE {found.sql}) AS s
        GROUP BY state
        """,
        *found.values,
    )
    by_state = dict.fromkeys(DeliveryState, 0)
    by_state |= {DeliveryState(row["state"]): row["rows"] for row in rows}
    return Counts(by_state, sum(row["lacking"] for row in rows))


async def slices_of(ctx: AppContext, search: DeliverySearch, width_s: float) -> list[Slice]:
    """The rows of a search over time: delivered, failed at least once, not yet attempted."""
    found = where(search)
    found.values.append(width_s)
    rows = await ctx.database.pool.fetch(
        f"""
        SELECT slice, (count(*) FILTER (WHERE state = 'delivered'))::int AS delivered,
               (count(*) FILTER (WHERE state NOT IN ('delivered', 'retried') AND attempts > 0))::int
                   AS failed,
               (count(*) FILTER (WHERE state IN ('queued', 'in_flight', 'held')
                                 AND attempts = 0))::int AS queued
        FROM (SELECT {STATE} AS state, d.attempts,
                     floor(extract(epoch FROM d.created_at) / ${len(found.values)}::float8)::bigint
                         AS slice
              {tables(search)} WHERE {found.sql}) AS s
        GROUP BY slice
        """,
        *found.values,
    )
    return [Slice(row["slice"], row["delivered"], row["failed"], row["queued"]) for row in rows]


_HOURS: Final = """
SELECT date_trunc('hour', created_at, 'UTC') AS hour, created_at >= $4 AS recent,
       (count(*) FILTER (WHERE status <> 'retried' AND (status <> 'pending' OR attempts > 0)))::int
           AS tried,
       (count(*) FILTER (WHERE status = 'delivered'))::int AS delivered
FROM webhook_every_delivery
WHERE organization_id = $1 AND environment = $2 AND created_at >= $3 AND id >= id_floor($3)
GROUP BY 1, 2
"""


async def by_hour(
    ctx: AppContext, partition: Partition, *, since: datetime, recent_since: datetime
) -> list[DeliveriesOfHour]:
    """Deliveries by the hour they were created in, from `since` on; an hour that `recent_since`
    cuts is two rows. What was retried counts as its retry, and what was never tried not at all."""
    rows = await ctx.database.pool.fetch(_HOURS, *partition.scope, since, recent_since)
    return [DeliveriesOfHour(*row) for row in rows]


async def count(ctx: AppContext, search: DeliverySearch, most: int | None = None) -> int:
    """How many rows a search has, counted no further than `most`."""
    found = where(search)
    cap = "" if most is None else f"LIMIT {most:d}"
    rows: int = await ctx.database.pool.fetchval(
        f"SELECT count(*)::int FROM (SELECT {tables(search)} WHERE {found.sql} {cap}) AS s",
        *found.values,
    )
    return rows


async def newer_count(ctx: AppContext, search: DeliverySearch) -> int:
    """How many rows of a view came after the place that it names; at most `MOST_NEW`."""
    return await count(ctx, search, MOST_NEW)


async def any_ever(ctx: AppContext, search: DeliverySearch) -> bool:
    """Whether a search has a row."""
    return await count(ctx, search, 1) > 0
