"""The accepted prices: out of several sources, kept, judged, and grown old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.providers.fakes.exchange import FakeError
from privata.providers.fakes.traps import Trap
from privata.providers.feeds.tests.servers import FakeCoinGecko, FakeNode
from privata.providers.feeds.tests.test_feeds import BTC_FEED, UNIT
from privata.providers.port import Asset
from privata.providers.registry import canonical
from privata.quotes.prices import exchanges, polling
from privata.quotes.prices.commands import prices_command
from privata.quotes.prices.polling import ask_due, keep
from privata.quotes.prices.reading import prices_of
from privata.quotes.prices.values import STATIC, TABLE, Price
from privata.routing.tests.market import Market


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    yield made
    await made.close()


def asset(ticker: str, network: str) -> Asset:
    found = canonical(ticker, network)
    assert found is not None
    return found


BTC = asset("BTC", "BTC")


@asynccontextmanager
async def opened(settings: Settings, **more: Any) -> AsyncIterator[AppContext]:
    """A process with other settings, checked as at the start."""
    made = Settings(**(settings.model_dump() | more))
    assert made.database_url is not None
    ctx = await AppContext.open(made, made.database_url)
    try:
        yield ctx
    finally:
        await ctx.close()


async def due_now(ctx: AppContext) -> None:
    await ctx.database.pool.execute("UPDATE price_source SET ask_at = now()")


async def accepted(ctx: AppContext) -> Price:
    """The price of Bitcoin as a process reads it that has just started."""
    settings = ctx.settings
    assert settings.database_url is not None
    other = await AppContext.open(settings, settings.database_url)
    try:
        found = (await prices_of(other)).price(BTC)
    finally:
        await other.close()
    assert found is not None
    return found


async def test_every_provider_is_a_source_and_the_median_counts(
    ctx: AppContext, market: Market
) -> None:
    for name, spread in (("changenow", "0.01"), ("exolix", "0.02"), ("godex", "0.60")):
        await market.open(name, spread)
    for _ in range(5):
        await ask_due(ctx)
        await due_now(ctx)
    price = await accepted(ctx)
    # One that quotes less than half of it moves nothing.
    assert price.usd == Decimal(64_000) * Decimal("0.98")
    assert (price.source, price.stale) == ("changenow, exolix, godex", False)
    value = (await prices_of(ctx)).value(BTC, Decimal(2))
    assert value == 2 * price.usd


async def test_workers_together_ask_each_source_once(ctx: AppContext, market: Market) -> None:
    fake = await market.open("changenow")
    await ask_due(ctx)
    await due_now(ctx)
    fake.seen.clear()
    assert sum(await asyncio.gather(*(ask_due(ctx) for _ in range(4)))) == 1
    assert len(fake.calls("quote")) == exchanges.A_ROUND


async def test_an_asset_that_a_provider_does_not_price_holds_up_no_other(
    ctx: AppContext, market: Market
) -> None:
    fake = await market.open("changenow")
    no = FakeError(400, {"error": "pair_is_inactive", "message": "no"})
    fake.errors = {"quote": [no] * exchanges.A_ROUND}
    for _ in range(3):
        await ask_due(ctx)
        await due_now(ctx)
    said = await ctx.database.pool.fetch("SELECT usd FROM price_report")
    assert [one["usd"] for one in said].count(None) == exchanges.A_ROUND
    assert any(one["usd"] for one in said)


async def test_a_price_that_cannot_be_meant_is_not_believed(
    ctx: AppContext, market: Market
) -> None:
    await market.open("changenow", "0.96")
    await ask_due(ctx)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM asset_price") == 0
    price = await accepted(ctx)
    assert (price.usd, price.source, price.stale) == (STATIC["BTC"], TABLE, True)


async def test_chainlink_and_coingecko_by_setting(settings: Settings) -> None:
    node, gecko = FakeNode({BTC_FEED: 65_000 * UNIT}), FakeCoinGecko({"bitcoin": Decimal(65_100)})
    chosen = {
        "prices": "chainlink,coingecko",
        "chainlink_url": f"{await node.start()}/v1/node-key",
        "chainlink_feeds": f"BTC={BTC_FEED}",
        "coingecko_url": await gecko.start(),
    }
    try:
        async with opened(settings, **chosen) as ctx:
            assert await ask_due(ctx) == 2
            assert await ask_due(ctx) == 0
            price = await accepted(ctx)
            assert (price.usd, price.source) == (Decimal(65_050), "chainlink, coingecko")
            # One hangs up and the other is alone: what is near the last price goes on.
            node.trap, gecko.prices["bitcoin"] = Trap.CLOSED, Decimal(66_000)
            await due_now(ctx)
            await ask_due(ctx)
            assert (await accepted(ctx)).usd == Decimal(65_500)
            faults = await ctx.database.pool.fetch("SELECT name, fault FROM price_source")
            assert {one["name"]: one["fault"] for one in faults} == {
                "chainlink": "connection",
                "coingecko": None,
            }
    finally:
        await node.stop()
        await gecko.stop()


async def test_the_wrong_decimals_of_a_feed_make_no_price(settings: Settings) -> None:
    node = FakeNode({BTC_FEED: 65_000 * UNIT})
    node.decimals[BTC_FEED] = 18
    chosen = {
        "prices": "chainlink",
        "chainlink_url": f"{await node.start()}/v1/node-key",
        "chainlink_feeds": f"BTC={BTC_FEED}",
    }
    try:
        async with opened(settings, **chosen) as ctx:
            assert await ask_due(ctx) == 1
            assert (await accepted(ctx)).source == TABLE
    finally:
        await node.stop()


async def test_a_jump_without_a_second_source_is_refused_and_said(
    ctx: AppContext, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("one", "two")

    async def said(source: str, usd: int) -> Price:
        await keep(ctx, source, {"BTC": Decimal(usd)}, names)
        return await accepted(ctx)

    assert (await said("one", 64_000)).usd == 64_000
    assert (await said("one", 90_000)).usd == 64_000
    assert "a jump of BTC" in caplog.text
    assert "a jump to 90000 was rejected" in _command(settings).output
    # A second source that agrees makes it the price.
    price = await said("two", 90_200)
    assert (price.usd, price.source) == (Decimal(90_100), "one, two")
    assert "rejected" not in _command(settings).output
    # What a source said before it was turned off counts no more.
    await keep(ctx, "one", {"BTC": Decimal(90_000)}, ("one",))
    assert (await accepted(ctx)).source == "one"


async def test_a_price_grows_old_is_flagged_and_ends(ctx: AppContext, settings: Settings) -> None:
    await keep(ctx, "one", {"BTC": Decimal(60_000)}, ("one",))
    pool = ctx.database.pool

    async def aged(interval: str) -> None:
        await pool.execute(f"UPDATE asset_price SET as_of = as_of - interval '{interval}'")
        await pool.execute(f"UPDATE price_report SET asked_at = asked_at - interval '{interval}'")

    await aged("59 minutes")
    assert not (await accepted(ctx)).stale
    await aged("2 minutes")
    price = await accepted(ctx)
    assert (price.usd, price.stale) == (Decimal(60_000), True)
    assert "stale" in _command(settings).output
    # What it said then is no second source either.
    await keep(ctx, "two", {"BTC": Decimal(90_000)}, ("one", "two"))
    assert (await accepted(ctx)).usd == 60_000
    await aged("24 hours")
    assert (await accepted(ctx)).source == TABLE
    # From nothing there is no jump.
    await keep(ctx, "two", {"BTC": Decimal(90_000)}, ("one", "two"))
    assert (await accepted(ctx)).usd == 90_000


async def test_two_sources_that_report_at_once_are_both_counted(ctx: AppContext) -> None:
    """The race of two judges, each of whom does not see what the other has written."""
    names = [f"source-{number}" for number in range(6)]
    async with ctx.database.pool.acquire() as connection:
        await connection.execute("INSERT INTO price_source SELECT unnest($1::text[])", names)
    await keep(ctx, names[0], {"BTC": Decimal(64_000)}, names)
    await asyncio.gather(*(keep(ctx, name, {"BTC": Decimal(90_000)}, names) for name in names))
    price = await accepted(ctx)
    assert (price.usd, price.source) == (Decimal(90_000), ", ".join(names))


async def test_nothing_is_asked_where_the_table_is_chosen(settings: Settings) -> None:
    async with opened(settings, prices="static") as ctx:
        await keep(ctx, "one", {"BTC": Decimal(60_000)}, ("one",))
        assert (await accepted(ctx)).source == TABLE
        asking = asyncio.create_task(polling.follow_prices(ctx))
        await asyncio.sleep(0)
        assert not asking.done()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    shown = json.loads(_command(settings, "--json", prices="static").output)
    assert all(one["stale"] for one in shown["prices"])


def _command(settings: Settings, *words: str, **more: Any) -> Any:
    async def once(work: Callable[[AppContext], Awaitable[Any]]) -> Any:
        async with opened(settings, **more) as ctx:
            return await work(ctx)

    def run(work: Callable[[AppContext], Awaitable[Any]]) -> Any:
        # Beside the loop of the test.
        import threading

        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(once(work))))
        thread.start()
        thread.join()
        return found[0]

    done = CliRunner().invoke(prices_command(run), words)
    assert done.exception is None, done.exception
    return done
