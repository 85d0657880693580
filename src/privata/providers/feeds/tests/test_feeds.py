"""Chainlink and CoinGecko over real HTTP, with everything that they could get wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

import pytest

from privata.core.clock import SystemClock
from privata.core.errors import ProviderUnavailable
from privata.providers.failures import Fault
from privata.providers.fakes.exchange import FakeError
from privata.providers.fakes.traps import HUGE_BYTES, Trap
from privata.providers.feeds import client
from privata.providers.feeds.chainlink import Chainlink
from privata.providers.feeds.coingecko import CoinGecko
from privata.providers.feeds.tests.servers import FakeCoinGecko, FakeNode

BTC_FEED = "0x" + "b1" * 20
ETH_FEED = "0x" + "e2" * 20
STALE = timedelta(minutes=60)
KEY = "key-for-prices-77"

#: Chainlink's answers have 8 decimals.
UNIT = 10**8

Source: TypeAlias = Chainlink | CoinGecko
Fake: TypeAlias = FakeNode | FakeCoinGecko


@asynccontextmanager
async def chainlink() -> AsyncIterator[tuple[FakeNode, Chainlink]]:
    fake = FakeNode({BTC_FEED: 65_000 * UNIT, ETH_FEED: 3_210 * UNIT + 1})
    url = f"{await fake.start()}/v1/node-key"
    source = Chainlink(url, {"BTC": BTC_FEED, "ETH": ETH_FEED}, STALE)
    try:
        yield fake, source
    finally:
        await source.close()
        await fake.stop()


@asynccontextmanager
async def coingecko() -> AsyncIterator[tuple[FakeCoinGecko, CoinGecko]]:
    fake = FakeCoinGecko({"bitcoin": Decimal("65000.5"), "ethereum": Decimal("3210.000000001")})
    ids = {"BTC": "bitcoin", "ETH": "ethereum"}
    source = CoinGecko(await fake.start(), ids, {"x-cg-demo-api-key": KEY}, STALE)
    try:
        yield fake, source
    finally:
        await source.close()
        await fake.stop()


BOTH = pytest.mark.parametrize("opened", [chainlink, coingecko])
Opened = Callable[[], AsyncIterator[tuple[Fake, Source]]]


async def fault_of(source: Source) -> str:
    """Why a round fails."""
    with pytest.raises(ProviderUnavailable) as raised:
        await source.read(SystemClock().now())
    assert KEY not in raised.value.message
    assert "node-key" not in raised.value.message
    return raised.value.reason


async def test_feeds_are_read_with_their_decimals() -> None:
    async with chainlink() as (fake, source):
        fake.decimals[ETH_FEED] = 18
        fake.answers[ETH_FEED] = 3210 * 10**18 + 1
        assert await source.read(SystemClock().now()) == {
            "BTC": Decimal(65_000),
            "ETH": Decimal("3210.000000000000000001"),
        }
        assert {one.path for one in fake.seen} == {"/v1/node-key"}


async def test_all_assets_are_asked_for_with_one_call_and_the_key() -> None:
    async with coingecko() as (fake, source):
        assert await source.read(SystemClock().now()) == {
            "BTC": Decimal("65000.5"),
            "ETH": Decimal("3210.000000001"),
        }
        (seen,) = fake.seen
        assert seen.query["ids"] == "bitcoin,ethereum"
        assert seen.headers["x-cg-demo-api-key"] == KEY


@pytest.mark.parametrize(
    ("trap", "fault"),
    [
        (Trap.HTML, Fault.NOT_JSON),
        (Trap.SERVER_ERROR, Fault.SERVER_ERROR),
        (Trap.RATE_LIMITED, Fault.RATE_LIMITED),
        (Trap.UNAUTHORIZED, Fault.CREDENTIALS),
        (Trap.HUGE, Fault.TOO_LARGE),
        (Trap.HUGE_DECLARED, Fault.TOO_LARGE),
        (Trap.CLOSED, Fault.CONNECTION),
        (Trap.NULL, Fault.SHAPE),
        (Trap.DEEP, Fault.NOT_JSON),
        (Trap.LONG_NUMBER, Fault.NUMBER),
        (Trap.NOT_A_NUMBER, Fault.NUMBER),
        (Trap.REDIRECT, Fault.REDIRECT),
        (Trap.COMPRESSED, Fault.ENCODED),
        (Trap.UNKNOWN_ERROR, Fault.UNKNOWN_ERROR),
    ],
)
@BOTH
async def test_no_answer_that_means_anything(
    opened: Opened, trap: Trap, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened() as (fake, source):  # type: ignore[attr-defined]
        fake.trap = trap
        assert await fault_of(source) == fault
        # 100 MB are not waited for.
        assert fake.sent_bytes < HUGE_BYTES / 2
    assert KEY not in caplog.text
    assert "node-key" not in caplog.text


@pytest.mark.parametrize("trap", [Trap.HANGING, Trap.HANGING_BODY])
@BOTH
async def test_a_source_that_hangs_ends_by_its_deadline(
    opened: Opened, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_CALL_S", 0.2)
    async with opened() as (fake, source):  # type: ignore[attr-defined]
        fake.trap = trap
        assert await fault_of(source) == Fault.TIMEOUT


@BOTH
async def test_a_price_that_was_not_updated_for_long_is_none(opened: Opened) -> None:
    async with opened() as (fake, source):  # type: ignore[attr-defined]
        fake.age_s = int(STALE.total_seconds()) + 5
        assert await fault_of(source) == Fault.STALE
        fake.age_s = -600
        assert await fault_of(source) == Fault.MOMENT
        fake.age_s = 60
        assert len(await source.read(SystemClock().now())) == 2


@pytest.mark.parametrize("answer", [0, -1, -65_000 * UNIT, -(2**255)])
async def test_an_answer_that_is_not_positive_is_refused_and_the_other_feeds_count(
    answer: int,
) -> None:
    async with chainlink() as (fake, source):
        fake.answers[BTC_FEED] = answer
        assert await source.read(SystemClock().now()) == {"ETH": Decimal("3210.00000001")}


async def test_decimals_that_no_feed_has_are_refused() -> None:
    async with chainlink() as (fake, source):
        fake.decimals[BTC_FEED] = 25
        assert (await source.read(SystemClock().now())).keys() == {"ETH"}


@pytest.mark.parametrize(
    "result",
    [b'"0x"', b'"0x00"', b'"' + b"f" * 64 + b'"', b'"0x' + b"g" * 320 + b'"', b"null", b"17"],
)
async def test_what_is_no_feed_has_no_price(result: bytes) -> None:
    async with chainlink() as (fake, source):
        fake.changed = {"rpc": {"result": result}}
        assert await fault_of(source) == Fault.SHAPE
        fake.changed = {"rpc": {"error": json.dumps({"code": -32000, "message": KEY}).encode()}}
        assert await fault_of(source) == Fault.UNKNOWN_ERROR


async def test_an_address_without_a_contract_has_no_price() -> None:
    async with chainlink() as (fake, source):
        del fake.answers[BTC_FEED]
        assert (await source.read(SystemClock().now())).keys() == {"ETH"}


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"1e400", Fault.NUMBER),
        (b'"1e400"', Fault.NUMBER),
        (b"-1", Fault.NUMBER),
        (b"0", Fault.NUMBER),
        (b'"NaN"', Fault.NUMBER),
        (b"null", Fault.SHAPE),
        (b"[1]", Fault.SHAPE),
    ],
)
async def test_a_number_that_is_no_price_spoils_its_asset_only(raw: bytes, fault: Fault) -> None:
    async with coingecko() as (fake, source):
        fake.changed = {"prices": {"bitcoin.usd": raw}}
        assert (await source.read(SystemClock().now())).keys() == {"ETH"}
        fake.changed["prices"]["ethereum.usd"] = raw
        assert await fault_of(source) == fault


async def test_a_coin_that_is_not_listed_has_no_price() -> None:
    async with coingecko() as (fake, source):
        del fake.prices["bitcoin"]
        assert (await source.read(SystemClock().now())).keys() == {"ETH"}
        fake.prices.clear()
        assert await fault_of(source) == Fault.SHAPE
        fake.errors = {"prices": [FakeError(404, {"error": "coin not found"})]}
        assert await fault_of(source) == Fault.UNKNOWN_ERROR
