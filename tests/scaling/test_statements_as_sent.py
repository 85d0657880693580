"""Statements that are put together for each call name their organization as well: read as the
database was sent them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from privata.core.cursors import Cursor
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders import reading as orders
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter
from privata.webhooks.deliveries import figures
from privata.webhooks.deliveries import reading as deliveries
from privata.webhooks.deliveries.search_sql import DeliverySearch
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.states import UNDELIVERED_STATES
from tests.scaling.naming import Reading
from tests.scaling.test_statements import named_tables

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLACE = Cursor(NOW, str(uuid.UUID(int=1)))
FILTERS = (
    OrderFilter(),
    OrderFilter(statuses=("completed", "failed"), providers=("changenow",), source="BTC"),
    OrderFilter(statuses=("completed",), target="ETH", span="30d"),
)


async def statements_of(ctx: AppContext) -> set[str]:
    """What the connections of the pool have prepared."""
    pool = ctx.database.pool
    held = [await pool.acquire() for _ in range(pool.get_size())]
    try:
        return {
            row["statement"]
            for one in held
            for row in await one.fetch("SELECT statement FROM pg_prepared_statements")
        }
    finally:
        for one in held:
            await pool.release(one)


async def unnamed(ctx: AppContext, owner: asyncpg.Connection) -> tuple[int, list[str]]:
    """How many statements on distributed tables were sent, and those that do not name it."""
    tables = await named_tables(owner)
    read = {sql: Reading(sql, tables) for sql in await statements_of(ctx)}
    wrong = [sql for sql, reading in read.items() if reading.unnamed]
    return sum(bool(reading.touched) for reading in read.values()), wrong


@pytest.mark.parametrize("chosen", FILTERS)
async def test_a_search_among_orders(
    ctx: AppContext, owner: asyncpg.Connection, organization: UUID, chosen: OrderFilter
) -> None:
    actor = system_actor(organization, Environment.TEST, "tests")
    search = orders.search_of(actor, chosen, NOW)
    await orders.page_of(ctx, search)
    await orders.page_of(ctx, search, before=PLACE)
    await orders.page_of(ctx, search, after=PLACE)
    await orders.segment_counts(ctx, search)
    await listing.count_of(ctx, search, most=10, walk=1)
    assert [rows async for rows in listing.every(ctx, search, columns=listing.EXPORTED)] == []
    touched, wrong = await unnamed(ctx, owner)
    assert touched > 2
    assert not wrong


async def test_a_search_among_deliveries(
    ctx: AppContext, owner: asyncpg.Connection, organization: UUID
) -> None:
    partition = Partition(organization, Environment.TEST)
    one = Partition(organization, Environment.TEST, uuid.uuid4())
    for search in (
        DeliverySearch(partition),
        DeliverySearch(one, undelivered=True, states=UNDELIVERED_STATES),
        DeliverySearch(one, retryable=True, since=NOW - timedelta(days=1), type="order.*"),
        DeliverySearch(partition, text="prv-x", codes=(500, 599), outcomes=("timeout",)),
    ):
        await deliveries.page_of(ctx, search, limit=10)
        await deliveries.neighbours(ctx, search, PLACE)
        await deliveries.oldest_ids(ctx, search, 10)
        await figures.counts_of(ctx, search)
        await figures.slices_of(ctx, search, 60.0)
        await figures.count(ctx, search)
    await endpoints.valid_secrets(ctx, one)
    await endpoints.all_secrets(ctx, one)
    await endpoints.secrets_by_id(ctx, one, [uuid.uuid4()])
    await endpoints.waiting_of(ctx, one, [uuid.uuid4()])
    touched, wrong = await unnamed(ctx, owner)
    assert touched > 20
    assert not wrong
