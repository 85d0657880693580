"""Moving orders: races, repeats, and reports that would go backward."""

from __future__ import annotations

import asyncio
import uuid

from privata.core.ids import new_quote_id
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders import create
from privata.orders.service import advance
from privata.providers.port import Report

ETH = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
S = OrderStatus


async def make_order(ctx: AppContext, organization: uuid.UUID) -> str:
    quote_id = new_quote_id()
    await ctx.database.pool.execute(
        "INSERT INTO quote (id, organization_id, environment, provider, from_asset, from_network,"
        " to_asset, to_network, amount_from, amount_to, side, rate_type, expires_at) VALUES"
        " ($1, $2, 'test', 'simulator', 'BTC', 'BTC', 'ETH', 'ETH', 1, 20, 'send', 'float',"
        " now() + interval '5 minutes')",
        quote_id,
        organization,
    )
    actor = system_actor(organization, Environment.TEST, "tests")
    await create.create_order(
        ctx, actor=actor, wanted=create.NewOrder(quote_id=quote_id, address=ETH)
    )
    found: str = await ctx.database.pool.fetchval(
        "SELECT id FROM orders WHERE quote_id = $1", quote_id
    )
    return found


async def states(ctx: AppContext, order_id: str) -> list[str]:
    rows = await ctx.database.pool.fetch(
        "SELECT status FROM order_timeline WHERE order_id = $1 ORDER BY seq", order_id
    )
    return [row["status"] for row in rows]


async def test_a_jump_is_filled_in(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await make_order(ctx, organization)
    moved = await advance(ctx, order_id=order_id, report=Report(S.COMPLETED), source="provider")
    assert moved.entered == (S.CONFIRMING, S.EXCHANGING, S.SENDING, S.COMPLETED)
    types = await ctx.database.pool.fetch("SELECT type FROM event ORDER BY seq")
    assert [row["type"].removeprefix("order.") for row in types] == await states(ctx, order_id)


async def test_backward_and_repeated_reports_are_counted_and_change_nothing(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await make_order(ctx, organization)
    for status in (S.SENDING, S.CONFIRMING, S.CONFIRMING, S.SENDING, S.WAITING_DEPOSIT):
        await advance(ctx, order_id=order_id, report=Report(status), source="provider")
    assert await states(ctx, order_id) == [
        "waiting_deposit", "confirming", "exchanging", "sending",
    ]  # fmt: skip
    ignored = await ctx.database.pool.fetch(
        "SELECT reported, times FROM order_ignored_report ORDER BY reported"
    )
    assert [tuple(row) for row in ignored] == [("confirming", 2), ("waiting_deposit", 1)]


async def test_race_two_reports_about_one_order_enter_each_state_once(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await make_order(ctx, organization)
    reports = [S.CONFIRMING, S.EXCHANGING, S.COMPLETED, S.SENDING, S.COMPLETED, S.CONFIRMING]
    await asyncio.gather(
        *(
            advance(ctx, order_id=order_id, report=Report(status), source="provider")
            for status in reports
        )
    )
    entered = await states(ctx, order_id)
    assert entered == [status.value for status in (
        S.WAITING_DEPOSIT, S.CONFIRMING, S.EXCHANGING, S.SENDING, S.COMPLETED,
    )]  # fmt: skip
    rows = await ctx.database.pool.fetch("SELECT order_seq FROM event ORDER BY seq")
    assert [row["order_seq"] for row in rows] == [1, 2, 3, 4, 5]
