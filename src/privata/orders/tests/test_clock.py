"""Our own clock: when an order is looked at again, and when time alone moves it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import wait_for
from privata.core.errors import ProviderUnavailable
from privata.core.lifecycle import TERMINAL, OrderStatus
from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.orders.following import poller
from privata.orders.following.polling import (
    EXPIRY_GRACE,
    FRESH,
    JITTER,
    OLD,
    SILENT_GRACE,
    is_expired,
    next_poll,
)
from privata.orders.service import advance, expire_in_silence
from privata.orders.tests.test_advance import make_order, states
from privata.providers.port import OrderSnapshot, Report
from privata.providers.simulator.provider import Simulator

S = OrderStatus
LIVE, TEST = Environment.LIVE, Environment.TEST
START = datetime(2026, 1, 1, tzinfo=UTC)
RNG = Random(1)


def looked_at(
    status: OrderStatus, age: timedelta, *, environment: Environment = LIVE, **more: Any
) -> timedelta | None:
    """How long after `START + age` an order that was made at START is looked at again."""
    known: dict[str, Any] = {"change_at": None, "expires_at": START + timedelta(days=1)} | more
    now = START + age
    at = next_poll(status, START, now, environment=environment, rng=RNG, **known)
    return None if at is None else at - now


@pytest.mark.parametrize(("age", "low"), [(0, FRESH), (3600, OLD), (10**6, OLD)])
def test_polling_slows_with_age(age: int, low: timedelta) -> None:
    wait = looked_at(S.CONFIRMING, timedelta(seconds=age))
    assert wait is not None
    assert low <= wait <= low * (1 + JITTER)


@pytest.mark.parametrize("status", [*sorted(TERMINAL), S.MANUAL_REVIEW])
def test_what_has_ended_is_never_looked_at(status: OrderStatus) -> None:
    for environment in Environment:
        assert looked_at(status, timedelta(0), environment=environment) is None


@given(
    st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_an_end_is_never_slept_through(age: timedelta, until: timedelta) -> None:
    now = START + age
    deposit = looked_at(S.WAITING_DEPOSIT, age, expires_at=now + until)
    assert deposit is not None
    assert deposit <= until + EXPIRY_GRACE[LIVE]
    window = looked_at(S.REFUND_REQUIRED, age, window_end=now + until)
    assert window is not None
    assert window <= until
    sandbox = looked_at(S.REFUND_REQUIRED, age, environment=TEST, window_end=now + until)
    assert sandbox == until


def test_a_sandbox_order_is_looked_at_when_it_changes() -> None:
    change = START + timedelta(seconds=7)
    wait = looked_at(S.CONFIRMING, timedelta(seconds=1), environment=TEST, change_at=change)
    assert wait == timedelta(seconds=6)
    assert looked_at(S.CONFIRMING, timedelta(seconds=1), environment=TEST) is None


@pytest.mark.parametrize(
    ("environment", "silent", "grace"),
    [
        (TEST, False, timedelta(0)),
        (LIVE, False, EXPIRY_GRACE[LIVE]),
        (LIVE, True, SILENT_GRACE),
    ],
)
def test_an_order_expires_after_its_grace(
    environment: Environment, silent: bool, grace: timedelta
) -> None:
    def expired(status: OrderStatus, now: datetime) -> bool:
        return is_expired(status, START, now, environment=environment, silent=silent)

    assert expired(S.WAITING_DEPOSIT, START + grace)
    assert not expired(S.WAITING_DEPOSIT, START + grace - timedelta(microseconds=1))
    for status in set(S) - {S.WAITING_DEPOSIT}:
        assert not expired(status, START + timedelta(days=400))


async def _past_expiry(ctx: AppContext, order_id: str, by: timedelta) -> None:
    await ctx.database.pool.execute(
        "UPDATE orders SET expires_at = now() - $2::interval, poll_at = now(),"
        " sandbox_scenario = 'stuck', sandbox_ttl = 3600 WHERE id = $1",
        order_id,
        by,
    )


async def test_the_clock_expires_what_the_provider_still_waits_for(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await make_order(ctx, organization)
    await _past_expiry(ctx, order_id, timedelta(0))
    assert await poller.follow_once(ctx) == 1
    assert await states(ctx, order_id) == ["waiting_deposit", "expired"]
    row = await ctx.database.pool.fetchrow(
        "SELECT o.poll_at, t.source FROM orders o JOIN order_timeline t ON t.order_id = o.id"
        " WHERE t.status = 'expired'"
    )
    assert row is not None
    assert tuple(row) == (None, "clock")


async def test_a_deposit_in_the_same_moment_wins(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await make_order(ctx, organization)
    await _past_expiry(ctx, order_id, timedelta(hours=1))
    await advance(ctx, order_id=order_id, report=Report(S.CONFIRMING))
    assert await states(ctx, order_id) == ["waiting_deposit", "confirming"]
    await asyncio.gather(
        advance(ctx, order_id=order_id, report=Report(S.WAITING_DEPOSIT)),
        advance(ctx, order_id=order_id, report=Report(S.EXPIRED)),
    )
    assert await states(ctx, order_id) == ["waiting_deposit", "confirming"]


async def test_little_is_concluded_from_silence(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object, **__: object) -> Report:
        raise ProviderUnavailable("down")

    monkeypatch.setattr(Simulator, "get_order", silent)
    order_id = await make_order(ctx, organization)
    await _past_expiry(ctx, order_id, SILENT_GRACE - timedelta(minutes=1))
    await poller.follow_once(ctx)
    assert await states(ctx, order_id) == ["waiting_deposit"]
    await _past_expiry(ctx, order_id, SILENT_GRACE)
    await poller.follow_once(ctx)
    assert await states(ctx, order_id) == ["waiting_deposit", "expired"]
    moved = await expire_in_silence(ctx, order_id=order_id)
    assert moved.entered == ()


async def test_a_refund_the_provider_made_by_itself_is_told_whole(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await make_order(ctx, organization)
    await advance(ctx, order_id=order_id, report=Report(S.CONFIRMING))
    report = Report(S.REFUNDED, tx_out_hash="ab" * 32)
    moved = await advance(ctx, order_id=order_id, report=report)
    assert moved.entered == (S.REFUND_REQUIRED, S.REFUNDED)
    types = await ctx.database.pool.fetch("SELECT type, body FROM event ORDER BY seq")
    assert [row["type"] for row in types][-2:] == ["order.refund_required", "order.refunded"]
    assert b"abab" not in unpacked(types[-2]["body"])
    assert b"abab" in unpacked(types[-1]["body"])


async def test_a_hanging_provider_holds_up_only_its_own_orders(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = await make_order(ctx, organization)
    answered = Simulator.get_order

    async def hang(self: Simulator, order: OrderSnapshot, now: datetime, **_: object) -> Report:
        if order.seed == hanging:
            await asyncio.Event().wait()
        return await answered(self, order, now)

    hanging = await ctx.database.pool.fetchval("SELECT quote_id FROM orders")
    monkeypatch.setattr(Simulator, "get_order", hang)
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    task = asyncio.create_task(poller.follow_orders(ctx))
    try:
        await asyncio.sleep(0.1)
        quick = await make_order(ctx, organization)
        await ctx.database.pool.execute(
            "UPDATE orders SET sandbox_ttl = 0, poll_at = now() WHERE id = $1", quick
        )

        async def completed() -> bool:
            return (await states(ctx, quick))[-1] == "completed"

        await wait_for(completed, seconds=8)
        assert await states(ctx, slow) == ["waiting_deposit"]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
