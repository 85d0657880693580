"""Live orders at real exchanges, over HTTP: made once, followed to their end, nothing lost."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from privata.core.errors import ProviderFailed, ProviderUnavailable, QuoteExpired
from privata.core.ids import new_quote_id
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders import create
from privata.orders.claims import Polls
from privata.orders.following import outages
from privata.orders.following.pacing import PER_PROVIDER, Places
from privata.orders.following.poller import follow_once
from privata.orders.following.rates import PollRates
from privata.orders.rows import order_row
from privata.providers.changenow.adapter import ChangeNow
from privata.providers.failures import Fault
from privata.providers.fakes.traps import Trap
from privata.providers.fixedfloat.tests import case as fixedfloat
from privata.providers.port import OpenedOrder, QuoteRequest
from privata.quotes import service as quotes
from privata.routing import catalogue, setting
from privata.routing.breaker import RULES
from privata.routing.outages import note_down, note_up
from privata.routing.service import routing_of
from privata.routing.tests.market import Market

LIVE = Environment.LIVE
ETH = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
async def market(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    made = Market(ctx, monkeypatch)
    yield made
    await made.close()


async def quote_of(ctx: AppContext, organization: uuid.UUID, **more: Any) -> str:
    """A stored quote of the best exchange."""
    source = await catalogue.find_asset(ctx, LIVE, ticker="BTC", network=None, field="from")
    target = await catalogue.find_asset(ctx, LIVE, ticker="ETH", network="ETH", field="to")
    assert source is not None
    assert target is not None
    markup_bps = more.pop("markup_bps", None)
    asked: dict[str, Any] = {"amount": Decimal("0.1"), "side": "send", "rate_type": "float"} | more
    found = await quotes.estimate(
        ctx,
        organization_id=organization,
        environment=LIVE,
        request=QuoteRequest(source, target, **asked),
        markup_bps=markup_bps,
    )
    return found[0].id


async def order_of(ctx: AppContext, organization: uuid.UUID, quote_id: str) -> dict[str, Any]:
    """Create the order of a quote; the order object."""
    actor = system_actor(organization, LIVE, "tests")
    wanted = create.NewOrder(quote_id=quote_id, address=ETH)
    answer: dict[str, Any] = json.loads(await create.create_order(ctx, actor=actor, wanted=wanted))
    return answer


async def attempts(ctx: AppContext) -> list[tuple[str, str, str | None]]:
    rows = await ctx.database.pool.fetch(
        "SELECT provider, fate, fault FROM order_attempt ORDER BY begun_at"
    )
    return [tuple(row) for row in rows]


async def look(ctx: AppContext) -> None:
    """Follow every live order now."""
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now() WHERE poll_at IS NOT NULL")
    await follow_once(ctx)


async def states(ctx: AppContext, order_id: str) -> list[str]:
    rows = await ctx.database.pool.fetch(
        "SELECT status FROM order_timeline WHERE order_id = $1 ORDER BY seq", order_id
    )
    return [row["status"] for row in rows]


@pytest.mark.parametrize("rate_type", ["float", "fixed"])
@pytest.mark.parametrize("side", ["send", "receive"])
async def test_an_order_is_made_at_the_quoted_exchange_and_followed_to_its_end(
    ctx: AppContext, market: Market, organization: uuid.UUID, rate_type: str, side: str
) -> None:
    fake = await market.open("changenow")
    await market.open("exolix", "0.05")
    order = await order_of(
        ctx, organization, await quote_of(ctx, organization, rate_type=rate_type, side=side)
    )
    there = fake.book[order["provider_order_id"]]
    assert order["provider"] == "changenow"
    assert order["deposit_address"] == there.deposit_address
    assert (there.payout_address, there.fixed) == (ETH, rate_type == "fixed")
    assert order["sandbox"] is False
    for word in ("confirming", "exchanging", "sending", "finished"):
        fake.move(there.id, word)
        await look(ctx)
    assert await states(ctx, order["order_id"]) == [
        *("waiting_deposit", "confirming", "exchanging", "sending", "completed")
    ]
    assert await attempts(ctx) == [("changenow", "made", None)]
    await routing_of(ctx).write_counts()
    scores = await ctx.database.pool.fetch("SELECT completed, failed FROM provider_score")
    assert [tuple(one) for one in scores] == [(1, 0)]


async def test_a_markup_that_the_exchange_does_not_collect_earns_nothing(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    """The ledger booked it for the partner, and nobody had received it."""
    fake = await market.open("changenow")
    actor = system_actor(organization, LIVE, "tests")
    await setting.set_markup(ctx, actor=actor, bps=300)
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    there = fake.book[order["provider_order_id"]]
    assert order["markup_bps"] == 0
    assert Decimal(order["amount_to_expected"]) == there.amount_to
    fake.move(there.id, "finished")
    await look(ctx)
    (earned,) = await ctx.database.pool.fetch(
        "SELECT markup, markup_bps, share FROM ledger_earning"
    )
    assert (earned["markup"], earned["markup_bps"]) == (0, 0)
    assert earned["share"] > 0


async def test_a_tenth_of_the_deposit_earns_a_tenth(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    """It earned as if all had been swapped: money for an order that hardly was one."""
    fake = await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    there = fake.book[order["provider_order_id"]]
    there.deposited = there.amount_from / 10
    fake.move(there.id, "finished")
    there.sent = there.amount_to / 10
    await look(ctx)
    assert (await states(ctx, order["order_id"]))[-1] == "completed"
    worth = await ctx.database.pool.fetchval("SELECT usd_value FROM orders")
    earned = await ctx.database.pool.fetchval("SELECT usd_value FROM ledger_earning")
    assert abs(earned - worth / 10) < Decimal("0.01")


async def test_the_next_best_collects_its_own_markup(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    """The first one would have collected it, the one that takes the order does not."""
    first = fixedfloat.fake()
    one = fixedfloat.adapter(await first.start())
    market.others["fixedfloat"] = first
    await market.enter("fixedfloat", lambda _: one)
    quote_id = await quote_of(ctx, organization, markup_bps=100)
    second = await market.open("changenow", "0.0199")
    first.changed = {"create": {"data.from.address": b'"0xnot"'}}
    order = await order_of(ctx, organization, quote_id)
    assert (order["provider"], order["markup_bps"]) == ("changenow", 0)
    there = second.book[order["provider_order_id"]]
    assert Decimal(order["amount_to_expected"]) == there.amount_to


async def test_the_next_best_takes_an_order_if_it_gives_nearly_as_much(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    first = await market.open("changenow", "0.010")
    second = await market.open("exolix", "0.014")
    third = await market.open("godex", "0.012")
    quote_id = await quote_of(ctx, organization)
    for fake in (first, third):
        fake.changed = {"create": {"payinAddress": b'"0xnot"'}}
    third.trap = Trap.SERVER_ERROR
    order = await order_of(ctx, organization, quote_id)
    assert order["provider"] == "exolix"
    assert order["provider_order_id"] in second.book
    assert await attempts(ctx) == [
        ("changenow", "unknown", "deposit_address"),
        ("exolix", "made", None),
    ]
    quoted = await ctx.database.pool.fetchval("SELECT amount_to FROM quote WHERE id = $1", quote_id)
    assert quoted * Decimal("0.995") <= Decimal(order["amount_to_expected"]) < quoted


async def test_no_other_takes_it_for_less_and_only_one_other_is_tried(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    first = await market.open("changenow", "0.010")
    second = await market.open("exolix", "0.0155")
    for fake in (first, second):
        fake.changed = {"create": {"payinAddress": b'"0xnot"'}}
    with pytest.raises(ProviderFailed):
        await order_of(ctx, organization, await quote_of(ctx, organization))
    assert second.calls("create") == []
    close = [await market.open(name, "0.011") for name in ("godex", "fixedfloat")]
    for fake in close:
        fake.changed = {"create": {"payinAddress": b'"0xnot"'}}
    with pytest.raises(ProviderFailed):
        await order_of(ctx, organization, await quote_of(ctx, organization))
    assert sum(len(fake.calls("create")) for fake in close) == 1


async def test_a_create_of_unknown_fate_is_never_repeated_at_the_same_exchange(
    ctx: AppContext,
    market: Market,
    organization: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exchange made the order and did not say so in time; the partner calls again."""
    fake = await market.open("changenow")
    quote_id = await quote_of(ctx, organization)
    made = ChangeNow.create_order

    async def late(*args: Any, **more: Any) -> OpenedOrder:
        await made(*args, **more)
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(ChangeNow, "create_order", late)
    monkeypatch.setattr("privata.orders.opening.opening.PROVIDER_DEADLINE_S", 0.5)
    with pytest.raises(ProviderFailed):
        await order_of(ctx, organization, quote_id)
    for _ in range(2):
        with pytest.raises(QuoteExpired):
            await order_of(ctx, organization, quote_id)
    assert len(fake.calls("create")) == len(fake.book) == 1
    assert await attempts(ctx) == [("changenow", "unknown", "timeout")]
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_two_creates_of_one_quote_together_call_the_exchange_once(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    quote_id = await quote_of(ctx, organization)
    ended = await asyncio.gather(
        *(order_of(ctx, organization, quote_id) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in ended) == ["QuoteExpired"] * 3 + ["dict"]
    assert len(fake.calls("create")) == 1


async def test_a_killed_create_is_not_begun_again(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    quote_id = await quote_of(ctx, organization)
    fake.trap = Trap.HANGING
    task = asyncio.create_task(order_of(ctx, organization, quote_id))
    while not fake.calls("create"):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    fake.trap = None
    with pytest.raises(QuoteExpired):
        await order_of(ctx, organization, quote_id)
    assert await attempts(ctx) == [("changenow", "asked", None)]


async def test_an_exchange_that_knows_a_paid_order_no_more_needs_a_person(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    fake.move(order["provider_order_id"], "confirming")
    await look(ctx)
    fake.book.clear()
    await look(ctx)
    assert (await states(ctx, order["order_id"]))[-1] == "confirming"
    await ctx.database.pool.execute("UPDATE orders SET updated_at = now() - interval '61 minutes'")
    await look(ctx)
    assert (await states(ctx, order["order_id"]))[-1] == "manual_review"


async def test_an_unknown_word_needs_a_person(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    fake.move(order["provider_order_id"], "on_holiday")
    await look(ctx)
    assert (await states(ctx, order["order_id"]))[-1] == "manual_review"


async def test_an_outage_is_told_once_to_those_with_orders_there(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    await market.open("exolix", "0.05")
    await order_of(ctx, organization, await quote_of(ctx, organization))
    other = uuid.uuid4()
    await ctx.database.pool.execute("INSERT INTO organization (id, name) VALUES ($1, 'B')", other)
    fake.trap = Trap.SERVER_ERROR
    for _ in range(RULES.failures):
        await quote_of(ctx, organization)
    for _ in range(3):
        # Several processes find out, and it flaps: all of that is one outage.
        await note_down(ctx, "changenow", "timeout")
        while await outages.tell_once(ctx):
            pass
        await note_up(ctx, "changenow")
    told = await ctx.database.pool.fetch(
        "SELECT organization_id, type FROM event WHERE channel = 'ops'"
    )
    assert [tuple(row) for row in told] == [(organization, "provider_outage_affecting_partner")]
    await ctx.database.pool.execute(
        "UPDATE provider_outage SET ended_at = ended_at - interval '6 minutes'"
    )
    await note_down(ctx, "changenow", "timeout")
    assert await outages.tell_once(ctx)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM event WHERE channel = 'ops'") == 2


async def test_the_simulator_gets_no_live_order_and_an_exchange_no_test_order(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    """Rows that nobody should be able to write: a quote of the other environment's provider."""
    fake = await market.open("changenow")
    for environment, provider in ((LIVE, "simulator"), (Environment.TEST, "changenow")):
        quote_id = new_quote_id()
        await ctx.database.pool.execute(
            "INSERT INTO quote (id, organization_id, environment, provider, from_asset,"
            " from_network, to_asset, to_network, amount_from, amount_to, side, rate_type,"
            " expires_at) VALUES ($1, $2, $3, $4, 'BTC', 'BTC', 'ETH', 'ETH', 1, 20000, 'send',"
            " 'float', now() + interval '5 minutes')",
            quote_id,
            organization,
            environment.value,
            provider,
        )
        actor = system_actor(organization, environment, "tests")
        wanted = create.NewOrder(quote_id=quote_id, address=ETH)
        with pytest.raises(ProviderFailed) as failed:
            await create.create_order(ctx, actor=actor, wanted=wanted)
        assert isinstance(failed.value.__cause__, ProviderUnavailable)
        assert failed.value.__cause__.reason == Fault.NOT_SET_UP
    assert fake.calls("create") == []
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_orders_of_a_resting_exchange_are_given_back_unasked(
    ctx: AppContext, market: Market, organization: uuid.UUID
) -> None:
    fake = await market.open("changenow")
    order = await order_of(ctx, organization, await quote_of(ctx, organization))
    (row,) = map(order_row, await ctx.database.pool.fetch("SELECT * FROM orders"))
    # As if it named no rate: of that, see `test_poll_rates`.
    places = Places(ctx, PollRates(ctx.database.pool, lambda _: None))
    assert len(await places.those_who_may([row] * (PER_PROVIDER + 3))) == PER_PROVIDER
    fake.trap = Trap.SERVER_ERROR
    for _ in range(RULES.failures):
        await look(ctx)
    seen = len(fake.seen)
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    claimed = await Polls(ctx, LIVE).claim(8, 30.0)
    assert [one.id for one in claimed] == [order["order_id"]]
    assert await places.those_who_may(claimed) == []
    due = await ctx.database.pool.fetchval("SELECT poll_at - now() FROM orders")
    assert timedelta(0) < due < timedelta(seconds=30)
    assert len(fake.seen) == seen
