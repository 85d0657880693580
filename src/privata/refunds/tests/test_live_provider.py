"""A live order at a provider that wants to see a secret again: made, followed, refunded."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from privata.core.errors import ProviderFailed
from privata.core.tenancy import Environment, system_actor
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer
from privata.orders.create import NewOrder, create_order
from privata.orders.following.poller import follow_once
from privata.orders.provider_secrets import context
from privata.orders.tests.test_advance import states
from privata.providers.fakes.traps import Trap
from privata.providers.fixedfloat.fake import FakeFixedFloat
from privata.providers.fixedfloat.tests.case import adapter, fake
from privata.providers.port import OrderSecret
from privata.providers.tests.conformance.case import BTC, USDT, address, sell
from privata.quotes.service import estimate
from privata.refunds.executing import execute_once
from privata.refunds.rules import RefundAction, RefundSource
from privata.refunds.service import Wish, request_refund
from privata.routing.tests.market import Market

LIVE = Environment.LIVE

_EVENTS = "SELECT body FROM event"


@pytest.fixture
async def exchange(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FakeFixedFloat]:
    """FixedFloat's fake, with its adapter as the one live provider."""
    server = fake()
    one = adapter(await server.start())
    await Market(ctx, monkeypatch).enter("fixedfloat", lambda _: one)
    yield server
    await server.stop()


async def live_order(ctx: AppContext, organization: uuid.UUID) -> bytes:
    """A live order as the API makes it; the answer."""
    (quote,) = await estimate(
        ctx, organization_id=organization, environment=LIVE, request=sell(), markup_bps=100
    )
    assert quote.offer.provider == "fixedfloat"
    return await create_order(
        ctx,
        actor=system_actor(organization, LIVE, "tests"),
        wanted=NewOrder(
            quote_id=quote.id,
            address=address(USDT, "payout")[0],
            refund_address=address(BTC, "back")[0],
        ),
    )


async def row_of(ctx: AppContext) -> Any:
    """The one order."""
    return await ctx.database.pool.fetchrow("SELECT * FROM orders")


async def look(ctx: AppContext) -> None:
    """Ask the provider now."""
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    await follow_once(ctx)


async def test_a_live_order_goes_all_the_way(
    ctx: AppContext, organization: uuid.UUID, exchange: FakeFixedFloat
) -> None:
    await live_order(ctx, organization)
    row = await row_of(ctx)
    order = exchange.book[row["provider_order_id"]]
    for word in exchange.straight:
        exchange.move(order.id, word)
        await look(ctx)
    assert await states(ctx, row["id"]) == [
        "waiting_deposit", "confirming", "exchanging", "sending", "completed",
    ]  # fmt: skip
    done = await row_of(ctx)
    assert (done["tx_in_hash"], done["tx_out_hash"]) == (order.tx_in, order.tx_out)
    assert done["amount_to_actual"] == order.sent
    assert (row["amount_to_expected"], row["markup_bps"]) == (order.amount_to, 100)
    (earned,) = await ctx.database.pool.fetch("SELECT markup_bps, usd_value FROM ledger_earning")
    assert tuple(earned) == (100, row["usd_value"])
    # What the partner is paid, FixedFloat keeps for us.
    assert [one.json().get("afftax") for one in exchange.calls("create")] == [1]


async def test_the_secret_of_an_order_is_sealed_and_goes_to_its_provider_only(
    ctx: AppContext,
    organization: uuid.UUID,
    exchange: FakeFixedFloat,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = await live_order(ctx, organization)
    sealed = await ctx.database.pool.fetchval("SELECT provider_secret FROM orders")
    (order,) = exchange.book.values()
    row_id = await ctx.database.pool.fetchval("SELECT id FROM orders")
    assert OrderSecret.from_bytes(ctx.sealer.unseal(sealed, context(row_id))).values == {
        "token": order.secret
    }
    events = [unpacked(row["body"]) for row in await ctx.database.pool.fetch(_EVENTS)]
    assert events
    for kept in (sealed, shown, caplog.text.encode(), *events):
        assert order.secret.encode() not in kept


async def test_a_secret_that_does_not_open_is_silence(
    ctx: AppContext,
    organization: uuid.UUID,
    exchange: FakeFixedFloat,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await live_order(ctx, organization)
    (order,) = exchange.book.values()
    exchange.move(order.id, "DONE")
    other = Sealer([b"o" * 32]).seal(b"{}", "x")
    await ctx.database.pool.execute("UPDATE orders SET provider_secret = $1", other)
    await look(ctx)
    assert await ctx.database.pool.fetchval("SELECT status FROM orders") == "waiting_deposit"
    assert "no secret key opens" in caplog.text


async def test_a_refund_goes_through_the_provider_with_the_secret(
    ctx: AppContext, organization: uuid.UUID, exchange: FakeFixedFloat
) -> None:
    await live_order(ctx, organization)
    (order,) = exchange.book.values()
    exchange.move(order.id, "EMERGENCY", emergency=["LESS"])
    await look(ctx)
    order_id = await ctx.database.pool.fetchval("SELECT id FROM orders")
    await request_refund(
        ctx,
        actor=system_actor(organization, LIVE, "tests"),
        order_id=order_id,
        wish=Wish(RefundAction.RETURN),
        source=RefundSource.API,
    )
    assert await execute_once(ctx, LIVE) == 1
    assert order.refund_address == address(BTC, "back")[0]
    assert len(exchange.calls("refund")) == 1
    exchange.finish_refund(order.id)
    await ctx.database.pool.execute("UPDATE refund SET due_at = now()")
    assert await execute_once(ctx, LIVE) == 1
    assert len(exchange.calls("refund")) == 1
    assert await states(ctx, order_id) == ["waiting_deposit", "refund_required", "refunded"]
    sent = await ctx.database.pool.fetchval("SELECT tx_out_hash FROM orders")
    assert sent == order.tx_refund


async def test_a_provider_that_goes_backward_or_mad_changes_nothing(
    ctx: AppContext, organization: uuid.UUID, exchange: FakeFixedFloat
) -> None:
    await live_order(ctx, organization)
    (order,) = exchange.book.values()
    exchange.move(order.id, "EXCHANGE")
    await look(ctx)
    exchange.move(order.id, "NEW")
    await look(ctx)
    for path, raw in (
        ("data.to.tx.amount", b"1e400"),
        ("data.to.tx.id", b'"<script>alert(1)</script>"'),
        ("data.id", b'"ANOTHER"'),
    ):
        exchange.move(order.id, "DONE")
        exchange.changed = {"status": {path: raw}}
        await look(ctx)
    exchange.changed = {}
    exchange.trap = Trap.HUGE_DECLARED
    await look(ctx)
    row = await row_of(ctx)
    assert row["status"] == "exchanging"
    assert (row["tx_out_hash"], row["amount_to_actual"]) == (None, None)
    ignored = await ctx.database.pool.fetch("SELECT reported FROM order_ignored_report")
    assert [one["reported"] for one in ignored] == ["waiting_deposit"]


async def test_an_order_that_the_provider_opens_elsewhere_is_not_made(
    ctx: AppContext, organization: uuid.UUID, exchange: FakeFixedFloat
) -> None:
    foreign = f'"{address(USDT, "elsewhere")[0]}"'.encode()
    exchange.changed = {"create": {"data.from.address": foreign}}
    with pytest.raises(ProviderFailed) as failed:
        await live_order(ctx, organization)
    assert foreign.decode().strip('"') not in failed.value.message
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM quote WHERE used_at IS NULL") == 1
