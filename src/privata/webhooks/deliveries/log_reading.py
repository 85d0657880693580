"""The delivery log of the pages: what its address asks for, as questions to the read side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from privata.core.cursors import Cursor
from privata.infra.context import AppContext
from privata.ui.components import Bucket
from privata.webhooks.deliveries import figures, reading
from privata.webhooks.deliveries.log_query import (
    PAGE_ROWS,
    RESPONSES,
    SPANS,
    LogQuery,
    Segment,
)
from privata.webhooks.deliveries.reading import DeliverySearch, Page
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.states import DeliveryState

#: The states of the segments that have one; they do not overlap.
_STATES: Final[Mapping[Segment, DeliveryState]] = {
    Segment.DELIVERED: DeliveryState.DELIVERED,
    Segment.QUEUED: DeliveryState.QUEUED,
    Segment.IN_FLIGHT: DeliveryState.IN_FLIGHT,
    Segment.RETRYING: DeliveryState.RETRYING,
    Segment.HELD: DeliveryState.HELD,
    Segment.FAILED: DeliveryState.EXHAUSTED,
    Segment.RETRIED: DeliveryState.RETRIED,
    Segment.CANCELLED: DeliveryState.CANCELLED,
}

#: The program's clock may be a little ahead of the database's, which dates the rows.
_LEEWAY: Final = timedelta(seconds=1)


def search_of(partition: Partition, query: LogQuery, now: datetime) -> DeliverySearch:
    """Every delivery of a view, whatever the page."""
    state = _STATES.get(query.segment)
    found = _unsegmented(partition, query, now)
    return found.having(
        states=None if state is None else frozenset({state}),
        undelivered=query.segment is Segment.UNDELIVERED,
    )


def _unsegmented(partition: Partition, query: LogQuery, now: datetime) -> DeliverySearch:
    response = RESPONSES.get(query.response)
    return DeliverySearch(
        partition,
        since=query.since(now) - _LEEWAY,
        type=query.type,
        codes=None if response is None else response.codes,
        outcomes=() if response is None else tuple(one.value for one in response.outcomes),
        text=query.search,
    )


async def log_page(ctx: AppContext, partition: Partition, query: LogQuery, now: datetime) -> Page:
    """One page of a view."""
    search = search_of(partition, query, now).having(older=query.older, newer=query.newer)
    return await reading.page_of(ctx, search, limit=PAGE_ROWS)


async def neighbours(
    ctx: AppContext, partition: Partition, query: LogQuery, here: Cursor, now: datetime
) -> tuple[UUID | None, UUID | None]:
    """The ids of the next newer and the next older row in the same view."""
    return await reading.neighbours(ctx, search_of(partition, query, now), here)


async def newer_count(
    ctx: AppContext, partition: Partition, query: LogQuery, top: Cursor | None, now: datetime
) -> int:
    """How many rows of this view came after `top`; at most `figures.MOST_NEW`."""
    return await figures.newer_count(ctx, search_of(partition, query, now).having(newer=top))


async def segment_counts(
    ctx: AppContext, partition: Partition, query: LogQuery, now: datetime
) -> dict[Segment, int]:
    """How many rows each segment of this view has."""
    counts = await figures.counts_of(ctx, _unsegmented(partition, query, now))
    every = {Segment.ALL: counts.total, Segment.UNDELIVERED: counts.undelivered}
    return every | {segment: counts.by_state[state] for segment, state in _STATES.items()}


async def histogram_of(
    ctx: AppContext, partition: Partition, query: LogQuery, now: datetime
) -> list[Bucket]:
    """The view's deliveries over time: delivered, failed at least once, not yet attempted."""
    span = SPANS[query.span]
    width_s = span.length.total_seconds() / span.slices
    found = await figures.slices_of(ctx, _unsegmented(partition, query, now), width_s)
    last = int(now.timestamp() // width_s)
    buckets = [Bucket(0, 0, 0)] * span.slices
    for one in found:
        at = span.slices - 1 - (last - one.number)
        # The clocks of database and program differ a little, and the range begins mid-slice.
        at = min(max(at, 0), span.slices - 1)
        old = buckets[at]
        buckets[at] = Bucket(
            old.delivered + one.delivered, old.failed + one.failed, old.queued + one.queued
        )
    return buckets
