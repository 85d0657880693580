"""Searches among a million orders read few rows: every statement is explained and counted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from bench.orders import BIG_ID, CONTRARY_ID, OLDEST, SHARED_ADDRESS, fill_orders
from conftest import Cluster
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.rows import ListedOrder
from privata.orders.search import listing
from privata.orders.search.filters import filter_of
from privata.orders.search.sql import SCOUTED, Scope, Search

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = 50

#: A search whose page is found by walking the right index reads no more rows than this.
FEW = 6_000

#: One that has to give up reads each row of its walk twice: for the match, and for its edge.
BOUNDED = 2 * listing.MOST_WALKED + FEW

#: Filters, and what is found in the organization with common values; None: a full page.
QUICK: dict[str, int | None] = {
    "": None,
    "status=completed": None,
    "status=waiting_deposit": 40,
    "status=manual_review": None,
    "status=failed,refunded": None,
    "status=completed,expired,failed,refunded,manual_review,sending": None,
    "refund=needed": None,
    "refund=done&status=failed": 0,
    "provider=changenow": None,
    "provider=letsexchange": None,
    "provider=letsexchange,exolix": None,
    "provider=nobody": 0,
    "from=XMR": None,
    "from=DOGE&to=TRX": 0,
    "to=TRX": None,
    "from=BTC&to=ETH": None,
    "from=BTC&to=DOGE": 0,
    "from=USDT&from_network=TRC20": None,
    "rate_type=float": None,
    "span=24h": None,
    "span=90d&status=failed": None,
    "since=2026-01-01&until=2026-01-31": None,
    "since=2026-01-01&until=2026-02-01&provider=exolix&from=BTC": None,
    "since=2030-01-01&status=completed": 0,
    "usd_min=100000": None,
    "usd_min=20&usd_max=20": None,
    "usd_min=1000": None,
    "usd_min=999999": 0,
    "usd_min=100000&status=completed&from=BTC": None,
    "updated_after=2001-01-01": None,
    "updated_after=2001-01-01&status=failed": None,
    "updated_after=2099-01-01": 0,
    "status=completed&provider=letsexchange": None,
    "status=manual_review&provider=changenow&from=BTC": 0,
    f"q={SHARED_ADDRESS}": None,
    f"q={SHARED_ADDRESS}&status=completed": None,
    "q=user-7": None,
    "q=ref-6": 1,
    "q=deposit-777777": 1,
    "q=in-77": 1,
    "q=out-77": 1,
    "q=nothing-like-this": 0,
    "q=prv-00000005-0000-4000-8000-00000000000a": 1,
    "q=prv-00000005-0000-4000-8000-00000000000b": 0,
    "q=PRV-00000005-0000-4000-8000-00000000000A": 1,
    "q=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF": 0,
}

#: Two common values that never meet, and rare ones that nothing leads to: these give up.
STUBBORN = (
    "provider=sideshift&from=XMR",
    "rate_type=fixed",
    "rate_type=fixed&status=completed&provider=exolix",
    "from=USDT&from_network=SOL",
    f"q={SHARED_ADDRESS}&status=manual_review",
)


class ExplainingPool:
    """Runs each statement, after counting the rows that it reads with both kinds of plan."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection
        self.read = 0
        self.scanned: list[str] = []

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        await self._explain(sql, args)
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        await self._explain(sql, args)
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        await self._explain(sql, args)
        return await self.connection.fetchval(sql, *args)

    async def _explain(self, sql: str, args: tuple[Any, ...]) -> None:
        await self.connection.execute(f"PREPARE looked AS {sql}")
        given = f"({', '.join(map(_literal, args))})" if args else ""
        counts = []
        for mode in ("force_custom_plan", "force_generic_plan"):
            await self.connection.execute(f"SET plan_cache_mode = {mode}")
            (row,) = await self.connection.fetch(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE looked{given}"
            )
            counts.append(self._count(json.loads(row[0])[0]["Plan"]))
        self.read += max(counts)
        await self.connection.execute("DEALLOCATE looked")

    def _count(self, node: dict[str, Any]) -> int:
        read = 0
        if node.get("Relation Name") == "orders":
            self.scanned.append(node["Node Type"])
            dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
            rows = node["Actual Rows"] + sum(node.get(name, 0) for name in dropped)
            read = round(rows * node["Actual Loops"])
        return read + sum(self._count(child) for child in node.get("Plans", ()))


def _literal(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"'{{{','.join(value)}}}'"
    shown = value.isoformat() if isinstance(value, datetime) else str(value)
    assert not re.search(r"['\\]", shown)
    return f"'{shown}'::uuid" if isinstance(value, UUID) else f"'{shown}'"


@pytest.fixture(scope="session")
def million(cluster: Cluster) -> Iterator[str]:
    """A database with a million orders: made once for all tests of a run."""
    name = cluster.copy()
    fill_orders(re.sub(r"/\w+\?", f"/{name}?", cluster.admin_url))
    yield cluster.app(name)
    cluster.drop(name)


@pytest.fixture
async def pool(million: str) -> AsyncIterator[ExplainingPool]:
    connection = await asyncpg.connect(million, server_settings={"jit": "off"})
    yield ExplainingPool(connection)
    await connection.close()


async def found(
    pool: ExplainingPool, query: str, organization_id: UUID
) -> listing.Page[ListedOrder]:
    ctx = cast("AppContext", SimpleNamespace(database=SimpleNamespace(pool=pool)))
    search = Search(Scope(organization_id, Environment.TEST), filter_of(query), NOW)
    page = await listing.page_of(ctx, search, limit=PAGE, columns=listing.LISTED)
    assert "Seq Scan" not in pool.scanned
    return page


@pytest.mark.parametrize("query", QUICK)
async def test_a_search_reads_few_rows(pool: ExplainingPool, query: str) -> None:
    page = await found(pool, query, BIG_ID)
    expected = QUICK[query]
    assert page.looked_back_to is None
    assert len(page.rows) == (PAGE if expected is None else expected)
    assert pool.read <= FEW


@pytest.mark.parametrize("query", STUBBORN)
async def test_a_search_that_finds_nothing_gives_up_in_time(
    pool: ExplainingPool, query: str
) -> None:
    page = await found(pool, query, BIG_ID)
    assert page.looked_back_to is not None
    assert FEW < pool.read <= BOUNDED


async def test_a_rare_condition_is_followed_to_its_end(pool: ExplainingPool) -> None:
    # A hundredth of the orders send DOGE; in this data none of those failed.
    page = await found(pool, "status=failed&from=DOGE", BIG_ID)
    assert (page.rows, page.looked_back_to) == ([], None)
    assert pool.read <= BOUNDED


async def test_statistics_of_others_do_not_mislead(pool: ExplainingPool) -> None:
    for query in QUICK:
        await found(pool, query, CONTRARY_ID)
        assert pool.read <= BOUNDED, query
        pool.read = 0


async def test_what_gave_up_goes_on_to_the_end(million: str) -> None:
    connection = await asyncpg.create_pool(million, min_size=1, max_size=1)
    async with connection, asyncio.timeout(60):
        ctx = cast("AppContext", SimpleNamespace(database=SimpleNamespace(pool=connection)))
        search = Search(Scope(BIG_ID, Environment.TEST), filter_of("rate_type=fixed"), NOW)
        rows = [
            row
            async for batch in listing.every(ctx, search, columns=listing.PLACES)
            for row in batch
        ]
    assert len(rows) == OLDEST
    assert SCOUTED > OLDEST  # or the rare values of this data would not be rare
