"""Quotes over real exchanges: the best of those that answer, whatever the others do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from conftest import wait_for
from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InvalidPair,
    NoProvidersAvailable,
)
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.providers.fakes.traps import Trap
from privata.providers.fixedfloat.tests import case as fixedfloat
from privata.providers.port import Offer, QuoteRequest
from privata.providers.stealthex.fake import FakeStealthEx
from privata.providers.stealthex.tests.case import adapter as stealthex
from privata.quotes import rules, service
from privata.quotes.prices.polling import keep
from privata.quotes.prices.values import STATIC
from privata.quotes.quote import Quote
from privata.quotes.rules import without_relisted
from privata.routing import catalogue, setting, store
from privata.routing.breaker import RULES, BreakerState
from privata.routing.service import routing_of
from privata.routing.tests.market import Market

LIVE = Environment.LIVE

#: All that there are or will be; the bad ones are among the best.
NINE = (
    *("exolix", "godex", "fixedfloat", "changenow", "sideshift"),
    *("simpleswap", "trocador", "stealthex", "letsexchange"),
)


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    yield made
    await made.close()


async def request_for(ctx: AppContext, amount: str = "0.1", **more: Any) -> QuoteRequest:
    source = await catalogue.find_asset(ctx, LIVE, ticker="BTC", network=None, field="from")
    target = await catalogue.find_asset(ctx, LIVE, ticker="XMR", network=None, field="to")
    assert source is not None
    assert target is not None
    asked = {"side": "send", "rate_type": "float"} | more
    return QuoteRequest(source, target, Decimal(amount), **asked)


async def estimate(
    ctx: AppContext,
    organization: uuid.UUID | None = None,
    amount: str = "0.1",
    markup_bps: int | None = None,
    *,
    include_all: bool = True,
    **more: Any,
) -> list[Quote]:
    return await service.estimate(
        ctx,
        organization_id=organization,
        environment=LIVE,
        request=await request_for(ctx, amount, **more),
        markup_bps=markup_bps,
        include_all=include_all,
    )


def names(quotes: list[Quote]) -> list[str]:
    return [quote.offer.provider for quote in quotes]


@pytest.mark.parametrize("side", ["send", "receive"])
@pytest.mark.parametrize("rate_type", ["float", "fixed"])
async def test_the_best_offer_of_all_exchanges_wins(
    ctx: AppContext, market: Market, side: str, rate_type: str
) -> None:
    await market.open("changenow", "0.02")
    await market.open("exolix", "0.01")
    await market.open("godex", "0.03")
    quotes = await estimate(ctx, amount="1", side=side, rate_type=rate_type)
    assert names(quotes) == ["exolix", "changenow", "godex"]
    rows = await ctx.database.pool.fetch("SELECT * FROM quote WHERE environment = 'live'")
    assert len(rows) == 3
    for row in rows:
        assert (row["rate_id"] is not None) == (rate_type == "fixed")
        assert row["usd_value"] > 0
    only = await estimate(ctx, amount="1", side=side, rate_type=rate_type, include_all=False)
    assert names(only) == ["exolix"]
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM quote") == 4


async def test_hanging_and_failing_exchanges_cost_their_deadline_and_nothing_else(
    ctx: AppContext, market: Market
) -> None:
    for place, name in enumerate(NINE):
        await market.open(name, f"0.0{place + 1}")
    market.fakes["exolix"].trap = Trap.HANGING
    market.fakes["godex"].trap = Trap.HANGING_BODY
    market.fakes["fixedfloat"].trap = Trap.SERVER_ERROR
    bad = ("exolix", "godex", "fixedfloat")
    good = [name for name in NINE if name not in bad]
    # Together, so that the test waits for one deadline and not for each.
    for quotes in await asyncio.gather(*(estimate(ctx) for _ in range(RULES.failures))):
        assert names(quotes) == good
    # Now all three rest: nobody waits for them any more.
    asked = {name: len(fake.seen) for name, fake in market.fakes.items()}
    assert names(await estimate(ctx)) == good
    for name in bad:
        assert len(market.fakes[name].seen) == asked[name]
        assert routing_of(ctx).state(name) is BreakerState.OPEN


async def test_an_exchange_that_comes_back_is_probed_once_and_used_again(
    ctx: AppContext, market: Market
) -> None:
    fake = await market.open("changenow")
    routing = routing_of(ctx)
    now = routing._monotonic()
    routing._monotonic = lambda: now
    fake.trap = Trap.SERVER_ERROR
    for _ in range(RULES.failures):
        with pytest.raises(NoProvidersAvailable):
            await estimate(ctx)

    async def outage() -> Any:
        return await ctx.database.pool.fetchrow("SELECT * FROM provider_outage")

    noted = await wait_for(outage)
    assert (noted["provider_id"], noted["fault"], noted["ended_at"]) == (
        "changenow",
        "server_error",
        None,
    )
    fake.trap = None
    seen = len(fake.seen)
    with pytest.raises(NoProvidersAvailable):
        await estimate(ctx)
    assert len(fake.seen) == seen
    now += RULES.rest_s
    assert names(await estimate(ctx)) == ["changenow"]
    assert routing.state("changenow") is BreakerState.CLOSED

    async def ended() -> bool:
        return (await outage())["ended_at"] is not None

    await wait_for(ended)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM provider_outage") == 1


async def test_an_adapter_with_a_defect_costs_no_other_exchange_anything(
    ctx: AppContext,
    market: Market,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A hostile answer that nobody thought of ended every estimate with an error of ours."""
    await market.open("changenow")
    await market.open("exolix")
    (broken,) = (one for one in await routing_of(ctx).enabled(LIVE) if one.name == "exolix")

    async def surprised(*args: object, **more: object) -> Offer:
        raise ZeroDivisionError

    monkeypatch.setattr(type(broken.provider), "quote", surprised)
    assert names(await estimate(ctx)) == ["changenow"]
    assert "its adapter has a defect" in caplog.text


async def test_an_offer_that_is_too_good_is_no_offer(ctx: AppContext, market: Market) -> None:
    """A lie about the amount won every quote: the best for the user, who would get nothing."""
    await market.open("changenow")
    liar = await market.open("exolix", "-1.5")
    # By the table alone, prices may have moved that far.
    assert names(await estimate(ctx)) == ["exolix", "changenow"]
    for ticker in ("BTC", "XMR"):
        for source in ("one", "two"):
            await keep(ctx, source, {ticker: STATIC[ticker]}, ("one", "two"))
    await ctx.state.close()  # a process that has just started
    assert names(await estimate(ctx)) == ["changenow"]
    assert liar.calls("quote")
    liar.spread = Decimal("0.96")
    assert names(await estimate(ctx)) == ["changenow"]
    # One that gives little and no worse than fees can be is the user's to judge.
    liar.spread = Decimal("0.9")
    assert names(await estimate(ctx)) == ["changenow", "exolix"]


async def test_by_the_table_an_offer_may_be_far_off_and_no_further(
    ctx: AppContext, market: Market
) -> None:
    await market.open("changenow")
    await market.open("exolix", "-20")
    assert names(await estimate(ctx)) == ["changenow"]


async def test_equal_offers_go_to_who_completed_more_orders(
    ctx: AppContext, market: Market
) -> None:
    await market.open("changenow")
    await market.open("exolix")
    assert names(await estimate(ctx)) == ["changenow", "exolix"]
    await store.add_scores(ctx.database.pool, [("changenow", 8, 2), ("exolix", 9, 1)])
    routing_of(ctx).believe_no_longer()
    assert names(await estimate(ctx)) == ["exolix", "changenow"]


async def test_a_partner_turns_exchanges_off_and_sets_markups(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    for made, adapter in ((fixedfloat.fake(), fixedfloat.adapter), (FakeStealthEx(), stealthex)):
        one = adapter(await made.start())
        market.others[made.name] = made
        await market.enter(made.name, lambda _, one=one: one)
    actor = system_actor(organization, LIVE, "tests")
    await setting.set_markup(ctx, actor=actor, bps=100)
    await setting.set_markup(ctx, actor=actor, bps=50, provider="stealthex")

    def markups(quotes: list[Quote]) -> dict[str, int]:
        return {quote.offer.provider: quote.markup_bps for quote in quotes}

    # A smaller markup is the better offer.
    both = await estimate(ctx, organization)
    assert list(markups(both).items()) == [("stealthex", 50), ("fixedfloat", 100)]
    assert markups(await estimate(ctx, organization, markup_bps=0)) == {
        "fixedfloat": 0,
        "stealthex": 0,
    }
    assert set(markups(await estimate(ctx)).values()) == {0}
    await setting.turn(ctx, actor=actor, provider="fixedfloat", on=False)
    assert names(await estimate(ctx, organization)) == ["stealthex"]
    assert len(await estimate(ctx)) == 2


async def test_a_markup_that_an_exchange_does_not_collect_is_not_taken_from_the_user(
    ctx: AppContext, market: Market
) -> None:
    """The user got less than the exchange was to send, and the rest was nobody's."""
    await market.open("changenow")
    (plain,) = await estimate(ctx, markup_bps=0)
    (marked,) = await estimate(ctx, markup_bps=300)
    assert marked.markup_bps == 0
    assert marked.offer.amount_to == plain.offer.amount_to


def test_what_an_aggregator_passes_on_from_an_exchange_that_is_asked_is_left_out() -> None:
    one, other = Decimal(1), Decimal(2)
    direct = Offer("changenow", one, one, None)
    relisted = Offer("trocador", one, other, None, through="ChangeNow")
    others = Offer("trocador", one, one, None, through="Majestic Bank")
    unknown = Offer("trocador", one, one, None)
    offers = [direct, relisted, others, unknown]
    assert without_relisted(offers, ["changenow", "trocador"]) == [direct, others, unknown]
    assert without_relisted([relisted], ["trocador"]) == [relisted]
    # The partner wants nothing of it, by whichever way.
    assert without_relisted([relisted, others], ["trocador"], ["changenow"]) == [others]
    simple = Offer("trocador", one, one, None, through="Simple-Swap.io")
    assert without_relisted([simple], ["simpleswap"]) == []


@pytest.mark.parametrize(
    ("amount", "side", "error"),
    [
        ("0.00001", "send", AmountTooLow),
        ("1000", "send", AmountTooHigh),
        ("0.001", "receive", AmountTooLow),
        ("999999", "receive", AmountTooHigh),
    ],
)
async def test_an_amount_outside_of_all_limits_names_them(
    ctx: AppContext, market: Market, amount: str, side: str, error: type[AmountTooLow]
) -> None:
    await market.open("changenow")
    await market.open("exolix")
    market.fakes["exolix"].trap = Trap.SERVER_ERROR
    with pytest.raises(error) as raised:
        await estimate(ctx, amount=amount, side=side)
    assert raised.value.data == {"min": "0.000156", "max": "3.90625"}


async def test_a_pair_that_nobody_lists_is_none(ctx: AppContext, market: Market) -> None:
    await market.open("changenow")
    asked = await request_for(ctx)
    same = QuoteRequest(asked.source, asked.source, asked.amount, "send", "float")
    with pytest.raises(InvalidPair):
        await service.estimate(ctx, organization_id=None, environment=LIVE, request=same)


def test_nearly_as_good_is_half_a_percent() -> None:
    assert rules.good_enough(Decimal("99.5"), Decimal(100))
    assert not rules.good_enough(Decimal("99.49999999"), Decimal(100))
