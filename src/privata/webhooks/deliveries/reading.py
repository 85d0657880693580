"""Deliveries as everybody reads them: pages, the partner API, the automation API.

Plain SQL, always of one organization and environment, answered as frozen rows. The state in a row
is that of `state_sql`; nobody works it out again.
"""

# What is put together here are constants of ours and of `search_sql`.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.cursors import Cursor
from privata.core.errors import NotFound
from privata.core.ids import uuid_or_none
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.webhooks.deliveries.search_sql import DeliverySearch, tables, where
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.state_sql import IN_FLIGHT, STATE
from privata.webhooks.states import DeliveryState, EndpointStatus
from privata.webhooks.waiting import untried

__all__ = ["DeliveryRow", "DeliverySearch", "Page", "Partition"]


@dataclass(frozen=True, slots=True)
class EndpointOf:
    """Where a delivery goes."""

    id: UUID
    alias: str
    url: str
    dialect: str
    status: EndpointStatus
    schedule_s: list[int] | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventOf:
    """What a delivery tells; its body is read by itself (`beside.body_of`)."""

    seq: int
    event_id: str
    type: str
    order_seq: int | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as it was at `read_at`, by the clock of the database.

    `retry_of` and `retried_as` are the deliveries that it is, and has, the retry of. `due_at` is
    the end of the lease while it is in flight, and None once it is finished. `in_line`: its
    endpoint is resuming and it has not had its turn.
    """

    id: UUID
    environment: str
    endpoint: EndpointOf
    event: EventOf
    order_id: str | None
    state: DeliveryState
    replay: bool
    recovery_id: UUID | None
    retry_of: UUID | None
    retried_as: UUID | None
    attempts: int
    due_at: datetime | None
    in_line: bool
    last_attempt_at: datetime | None
    last_outcome: str | None
    last_status_code: int | None
    last_duration_ms: int | None
    created_at: datetime
    delivered_at: datetime | None
    read_at: datetime

    @property
    def endpoint_id(self) -> UUID:
        return self.endpoint.id

    @property
    def cursor(self) -> Cursor:
        """Its place in the log."""
        return Cursor(self.created_at, str(self.id))

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried next, if that is known: what is held goes when its endpoint does."""
        waits = self.state in (DeliveryState.QUEUED, DeliveryState.RETRYING)
        return self.due_at if waits else None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of the log, newest first, and whether there are others on either side."""

    rows: list[DeliveryRow]
    has_newer: bool
    has_older: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """The deliveries beside one, of the same event to the same endpoint.

    `others` are the oldest of those that are neither its retry nor what it is the retry of.
    """

    retry_of: DeliveryRow | None
    retried_as: DeliveryRow | None
    others: list[DeliveryRow]


_COLUMNS: Final = f"""
SELECT d.id, d.environment, t.order_id, d.replay, d.recovery_id, d.retry_of_id, d.attempts,
       CASE WHEN {IN_FLIGHT} THEN d.leased_until ELSE d.due_at END AS due_at,
       d.last_attempt_at, d.last_outcome, d.last_status_code, d.last_duration_ms,
       d.created_at, d.delivered_at, now() AS read_at, {STATE} AS state,
       coalesce(e.status = 'resuming' AND {untried()}, false) AS in_line,
       e.id AS endpoint_id, e.alias, e.url, e.dialect, e.status AS endpoint_status, e.schedule_s,
       e.deleted_at, t.seq, t.event_id, t.type, t.order_seq, d.retried_as_id AS retried_as"""

# Ids are in time order.
_DOWN: Final = "ORDER BY d.id DESC"
_UP: Final = "ORDER BY d.id"


async def page_of(ctx: AppContext, search: DeliverySearch, *, limit: int) -> Page:
    """One page of the log: keyset, so deep pages cost what the first one costs."""
    if search.newer is not None and search.older is None:
        rows = await _rows(ctx, search, f"{_UP} LIMIT {limit + 1:d}")
        return Page(rows[:limit][::-1], has_newer=len(rows) > limit, has_older=True)
    rows = await _rows(ctx, search, f"{_DOWN} LIMIT {limit + 1:d}")
    return Page(rows[:limit], has_newer=search.older is not None, has_older=len(rows) > limit)


async def newest(ctx: AppContext, partition: Partition, limit: int) -> list[DeliveryRow]:
    """The latest deliveries of a place."""
    return await _rows(ctx, DeliverySearch(partition), f"{_DOWN} LIMIT {limit:d}")


async def found_by(
    ctx: AppContext, partition: Partition, text: str, *, limit: int
) -> list[DeliveryRow]:
    """The deliveries whose own id, or whose event's id, is `text`, newest first."""
    if uuid_or_none(text) is None and ":" not in text:  # an event's id has one, an order's has none
        return []
    return await _rows(ctx, DeliverySearch(partition, text=text), f"{_DOWN} LIMIT {limit:d}")


async def rows_by_id(
    ctx: AppContext, partition: Partition, ids: Sequence[UUID]
) -> list[DeliveryRow]:
    """These rows as they are now, whatever the filters: a row in view does not vanish."""
    return await _rows(ctx, DeliverySearch(partition, ids=tuple(ids)), _DOWN)


async def of_order(
    ctx: AppContext, partition: Partition, order_id: str, limit: int
) -> list[DeliveryRow]:
    """The deliveries of an order's events, newest event first."""
    order = f"ORDER BY d.event_seq DESC, d.id DESC LIMIT {limit:d}"
    return await _rows(ctx, DeliverySearch(partition, order_id=order_id), order)


async def beside(ctx: AppContext, partition: Partition, delivery: DeliveryRow) -> Beside:
    """The other deliveries of the same event to the same endpoint."""
    mine = Partition(partition.organization_id, partition.environment, delivery.endpoint.id)
    wanted = [one for one in (delivery.retry_of, delivery.retried_as) if one is not None]
    named = {one.id: one for one in await rows_by_id(ctx, mine, wanted)} if wanted else {}
    search = DeliverySearch(mine, event_seq=delivery.event.seq)
    found = await _rows(ctx, search, f"{_UP} LIMIT {_MOST_OF_EVENT:d}")
    return Beside(
        retry_of=named.get(delivery.retry_of) if delivery.retry_of else None,
        retried_as=named.get(delivery.retried_as) if delivery.retried_as else None,
        others=[one for one in found if one.id != delivery.id and one.id not in named],
    )


async def taken_over(ctx: AppContext, partition: Partition, delivery: DeliveryRow) -> bool:
    """Whether a recovery has queued the event of a delivery that was given up."""
    if delivery.state is not DeliveryState.EXHAUSTED or delivery.replay:
        return False
    found: bool = await ctx.database.pool.fetchval(
        _RECOVERED, *partition.scope, delivery.endpoint.id, delivery.event.seq
    )
    return found


#: Deliveries of one event that are listed, the oldest.
_MOST_OF_EVENT: Final = 24

# What a recovery makes is a replay: the index of those finds it.
_RECOVERED: Final = """
SELECT EXISTS (
    SELECT FROM webhook_every_delivery
    WHERE organization_id = $1 AND environment = $2 AND endpoint_id = $3 AND event_seq = $4
      AND replay AND recovery_id IS NOT NULL)
"""


async def delivery(
    ctx: AppContext, partition: Partition, delivery_id: UUID, *, tx: Transaction | None = None
) -> DeliveryRow:
    """One delivery, as it stands in `tx` if given; `NotFound` if it is not the tenant's."""
    rows = await _rows(ctx, DeliverySearch(partition, ids=(delivery_id,)), "", tx)
    if not rows:
        raise NotFound("Delivery not found.")
    return rows[0]


async def neighbours(
    ctx: AppContext, search: DeliverySearch, here: Cursor
) -> tuple[UUID | None, UUID | None]:
    """The ids of the next newer and the next older row in the same view."""
    newer = await _id(ctx, search.having(newer=here, older=None), _UP)
    older = await _id(ctx, search.having(older=here, newer=None), _DOWN)
    return newer, older


async def oldest_ids(ctx: AppContext, search: DeliverySearch, most: int) -> list[UUID]:
    """The ids of the oldest rows of a view."""
    found = where(search)
    statement = f"SELECT d.id {tables(search, page=True)} WHERE {found.sql} {_UP} LIMIT {most:d}"
    rows = await ctx.database.pool.fetch(statement, *found.values)
    return [row["id"] for row in rows]


async def _id(ctx: AppContext, search: DeliverySearch, order: str) -> UUID | None:
    found = where(search)
    statement = f"SELECT d.id {tables(search, page=True)} WHERE {found.sql} {order} LIMIT 1"
    ident: UUID | None = await ctx.database.pool.fetchval(statement, *found.values)
    return ident


async def _rows(
    ctx: AppContext, search: DeliverySearch, order: str, tx: Transaction | None = None
) -> list[DeliveryRow]:
    found = where(search)
    source = ctx.database.pool if tx is None else tx.connection
    statement = f"{_COLUMNS}{tables(search, event=True, page=True)}\nWHERE {found.sql} {order}"
    return [_row(row) for row in await source.fetch(statement, *found.values)]


def _row(row: asyncpg.Record) -> DeliveryRow:
    return DeliveryRow(
        id=row["id"],
        environment=row["environment"],
        endpoint=EndpointOf(
            id=row["endpoint_id"],
            alias=row["alias"],
            url=row["url"],
            dialect=row["dialect"],
            status=EndpointStatus(row["endpoint_status"]),
            schedule_s=row["schedule_s"],
            deleted_at=row["deleted_at"],
        ),
        event=EventOf(row["seq"], row["event_id"], row["type"], row["order_seq"]),
        order_id=row["order_id"],
        state=DeliveryState(row["state"]),
        replay=row["replay"],
        recovery_id=row["recovery_id"],
        retry_of=row["retry_of_id"],
        retried_as=row["retried_as"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        in_line=row["in_line"],
        last_attempt_at=row["last_attempt_at"],
        last_outcome=row["last_outcome"],
        last_status_code=row["last_status_code"],
        last_duration_ms=row["last_duration_ms"],
        created_at=row["created_at"],
        delivered_at=row["delivered_at"],
        read_at=row["read_at"],
    )
