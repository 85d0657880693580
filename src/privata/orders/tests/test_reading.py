"""Finding orders on a real database: filters, pages, counts, tenants."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from privata.core.cursors import Cursor
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.search import listing
from privata.orders.search.filters import filter_of
from privata.orders.search.sql import Scope, Search

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = 10

_COLUMNS = (
    *("id", "organization_id", "environment", "provider", "provider_order_id"),
    *("partner_order_ref", "from_asset", "from_network", "from_decimals"),
    *("to_asset", "to_network", "to_decimals", "amount_from", "amount_to_expected", "rate_type"),
    *("deposit_address", "payout_address", "status", "tx_in_hash", "tx_out_hash", "usd_value"),
    *("sandbox_scenario", "expires_at", "completed_at", "created_at"),
)


class Shop:
    """A tenant and its orders."""

    def __init__(self, ctx: AppContext, environment: Environment = Environment.TEST) -> None:
        self.ctx = ctx
        self.scope = Scope(uuid.uuid4(), environment)

    async def open(self) -> Shop:
        await self.ctx.database.pool.execute(
            "INSERT INTO organization (id, name) VALUES ($1, 'Shop')", self.scope.organization_id
        )
        return self

    async def add(self, number: int, *, minutes: float | None = None, **changes: Any) -> str:
        """Order `number`, made that many minutes ago."""
        age = timedelta(minutes=number if minutes is None else minutes)
        test = self.scope.environment is Environment.TEST
        values = {
            "id": f"prv-{uuid.uuid4()}",
            "organization_id": self.scope.organization_id,
            "environment": self.scope.environment.value,
            "provider": "simulator",
            "provider_order_id": "p",
            "partner_order_ref": f"ref-{number}",
            "from_asset": "BTC",
            "from_network": "BTC",
            "from_decimals": 8,
            "to_asset": "ETH",
            "to_network": "ETH",
            "to_decimals": 18,
            "amount_from": 1,
            "amount_to_expected": 2,
            "rate_type": "float",
            "deposit_address": f"deposit-{number}",
            "payout_address": "payout",
            "status": "waiting_deposit",
            "tx_in_hash": None,
            "tx_out_hash": None,
            "usd_value": 100,
            "sandbox_scenario": "success" if test else None,
            "expires_at": NOW,
            "completed_at": NOW if changes.get("status") == "completed" else None,
            "created_at": NOW - age,
        } | changes
        places = ", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))
        await self.ctx.database.pool.execute(
            f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES ({places})",
            *(values[name] for name in _COLUMNS),
        )
        return str(values["id"])

    def search(self, query: str = "", **ends: Any) -> Search:
        return Search(self.scope, filter_of(query), NOW, **ends)

    async def ids(self, query: str = "", **ends: Any) -> list[str]:
        page = await listing.page_of(
            self.ctx, self.search(query, **ends), limit=PAGE, columns=listing.LISTED
        )
        return [row.id for row in page.rows]


@pytest.fixture
async def shop(ctx: AppContext) -> Shop:
    return await Shop(ctx).open()


async def test_each_filter_narrows_and_they_narrow_together(shop: Shop) -> None:
    first = await shop.add(1, status="completed", usd_value=5000)
    second = await shop.add(2, from_asset="LTC", from_network="LTC", provider="exolix")
    third = await shop.add(3, minutes=60 * 24 * 8, status="expired", to_asset="XMR")
    fourth = await shop.add(4, minutes=60 * 24 * 9, status="refund_required", rate_type="fixed")
    every = [first, second, third, fourth]
    expected = {
        "": every,
        "status=completed&status=expired": [first, third],
        "from=ltc": [second],
        "from=LTC&from_network=LTC": [second],
        "from=LTC&from_network=BTC": [],
        "to=XMR": [third],
        "from=BTC&to=XMR": [third],
        "provider=exolix": [second],
        "provider=exolix,simulator": every,
        "span=7d": [first, second],
        "since=2026-11-12&until=2026-11-13": [third, fourth],
        "until=2026-11-12": [fourth],
        "usd_min=100.01": [first],
        "usd_max=100": [second, third, fourth],
        "usd_min=100&usd_max=100": [second, third, fourth],
        "rate_type=fixed": [fourth],
        "refund=needed": [fourth],
        "refund=any&status=completed": [],
        "status=completed&from=LTC": [],
        "status=expired,refund_required&provider=simulator&usd_max=200": [third, fourth],
    }
    for query, wanted in expected.items():
        assert await shop.ids(query) == wanted, query


async def test_search_is_exact_in_five_fields(shop: Shop) -> None:
    wanted = await shop.add(1, status="completed", tx_in_hash="in-1", tx_out_hash="out-1")
    await shop.add(2)
    for text in (wanted, wanted.upper(), "ref-1", "deposit-1", "in-1", "out-1"):
        assert await shop.ids(f"q={text}") == [wanted], text
    assert await shop.ids("q=ref") == []
    assert await shop.ids("q=ref-1&status=expired") == []


async def test_an_order_that_fits_a_text_twice_is_found_once(shop: Shop) -> None:
    twice = await shop.add(1, partner_order_ref="memo", deposit_address="memo", tx_in_hash="memo")
    other = await shop.add(2, partner_order_ref=None, tx_out_hash="memo", tx_in_hash=None)
    assert await shop.ids("q=memo") == [twice, other]


@pytest.mark.parametrize("query", ["", "status=waiting_deposit,expired&provider=simulator"])
async def test_pages_go_there_and_back_without_gap_or_repetition(shop: Shop, query: str) -> None:
    # Several orders of one microsecond: the id decides, or some would be lost between pages.
    every = [
        await shop.add(n, minutes=n // 7, status="expired" if n % 2 else "waiting_deposit")
        for n in range(2 * PAGE + 9)
    ]
    pages, page = (
        [],
        await listing.page_of(shop.ctx, shop.search(query), limit=PAGE, columns=listing.LISTED),
    )
    assert page.newer is None
    while True:
        pages.append(page)
        if page.older is None:
            break
        search = shop.search(query, older_than=page.older)
        page = await listing.page_of(shop.ctx, search, limit=PAGE, columns=listing.LISTED)
    assert [len(one.rows) for one in pages] == [PAGE, PAGE, 9]
    seen = [row.id for one in pages for row in one.rows]
    assert sorted(seen) == sorted(every)
    for number in (1, 0):
        search = shop.search(query, newer_than=pages[number + 1].newer, upward=True)
        back = await listing.page_of(shop.ctx, search, limit=PAGE, columns=listing.LISTED)
        assert [row.id for row in back.rows] == [row.id for row in pages[number].rows]
        assert (back.newer is None) == (number == 0)


async def test_a_range_can_include_its_ends(shop: Shop) -> None:
    shown = [await shop.add(n, minutes=5) for n in range(4)]
    page = await listing.page_of(shop.ctx, shop.search(), limit=PAGE, columns=listing.LISTED)
    await shop.add(9, minutes=1)
    assert page.first is not None
    assert page.last is not None
    ends = {
        "older_than": replace(page.first, included=True),
        "newer_than": replace(page.last, included=True),
    }
    assert sorted(await shop.ids("", **ends)) == sorted(shown)
    assert len(await shop.ids(older_than=page.first, newer_than=page.last)) == 2


async def test_a_rare_match_behind_many_steps_is_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STEPS", (2, 3))
    monkeypatch.setattr(listing, "LONG_STEP", 4)
    rare = [await shop.add(n, rate_type="fixed") for n in (11, 30)]
    common = [await shop.add(n) for n in range(30) if n != 11]
    assert await shop.ids("rate_type=fixed") == rare
    upward = shop.search("rate_type=fixed", newer_than=Cursor(NOW - timedelta(1), ""), upward=True)
    found = await listing.rows_of(shop.ctx, upward, limit=9, columns=listing.PLACES)
    assert [row.id for row in found] == rare[::-1]
    batches = [
        one async for one in listing.every(shop.ctx, shop.search(), columns=listing.PLACES, batch=3)
    ]
    assert [row.id for one in batches for row in one] == sorted(
        [*rare, *common], key=[row.id for one in batches for row in one].index
    )
    assert sum(len(one) for one in batches) == 31
    assert await listing.count_of(shop.ctx, shop.search(), most=99) == listing.Count(31, True)
    assert await listing.count_of(shop.ctx, shop.search(), most=30) == listing.Count(30, False)


async def test_a_search_that_takes_too_long_says_where_to_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STEPS", (4,))
    monkeypatch.setattr(listing, "LONG_STEP", 4)
    monkeypatch.setattr(listing, "MOST_WALKED", 8)
    for n in range(18):
        await shop.add(n)
    rare = await shop.add(18, rate_type="fixed")
    found, older, answers = [], None, 0
    while True:
        search = shop.search("rate_type=fixed", older_than=older)
        page = await listing.page_of(shop.ctx, search, limit=PAGE, columns=listing.LISTED)
        found += [row.id for row in page.rows]
        answers += 1
        if page.older is None:
            break
        assert page.looked_back_to == page.older
        older = page.older
    assert (found, answers) == ([rare], 3)
    search = shop.search("rate_type=fixed")
    assert await listing.count_of(shop.ctx, search, most=5, walk=8) == listing.Count(0, False)


async def test_nothing_of_another_tenant_is_seen(ctx: AppContext, shop: Shop) -> None:
    mine = await shop.add(1)
    other, live = await Shop(ctx).open(), await Shop(ctx, Environment.LIVE).open()
    theirs, real = await other.add(1), await live.add(1)
    live.scope = Scope(shop.scope.organization_id, Environment.LIVE)
    assert await shop.ids() == [mine]
    for order_id in (theirs, real):
        assert await shop.ids(f"q={order_id}") == []
    assert await shop.ids("q=ref-1") == [mine]
    assert await live.ids() == []
