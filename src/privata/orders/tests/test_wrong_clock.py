"""A worker on a machine whose clock is wrong looks at orders when others would, and as often."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders.following import poller
from privata.orders.tests.test_advance import make_order, states

WRONG = [timedelta(seconds=-2), timedelta(hours=-1), timedelta(hours=1)]


class Machine:
    """A clock that is off, and steps."""

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture(params=WRONG, ids=str)
async def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param)


@pytest.fixture
async def worker(settings: Settings, machine: Machine) -> AsyncIterator[AppContext]:
    assert settings.database_url is not None
    opened = await AppContext.open(settings, settings.database_url, machine=machine)
    yield opened
    await opened.close()


async def test_what_is_over_is_ended_with_one_look(
    ctx: AppContext, worker: AppContext, machine: Machine, organization: uuid.UUID
) -> None:
    """A clock 2 s behind made 17,659 updates of 5 orders in 20 s: each look found them not over,
    and wrote them down as due at a time that had come."""
    for _ in range(5):
        await make_order(ctx, organization)
    await ctx.database.pool.execute(
        "UPDATE orders SET expires_at = now(), poll_at = now(), sandbox_scenario = 'stuck',"
        " sandbox_ttl = 3600"
    )
    machine.off = -machine.off  # it steps
    assert await poller.follow_once(worker) == 5
    assert await poller.follow_once(worker) == 0
    rows = await ctx.database.pool.fetch("SELECT status, poll_at FROM orders")
    assert {tuple(row) for row in rows} == {("expired", None)}


async def test_nothing_is_ended_or_looked_at_early(
    ctx: AppContext, worker: AppContext, organization: uuid.UUID
) -> None:
    order_id = await make_order(ctx, organization)
    await ctx.database.pool.execute(
        "UPDATE orders SET expires_at = now() + interval '30 minutes', poll_at = now(),"
        " sandbox_scenario = 'stuck', sandbox_ttl = 3600"
    )
    assert await poller.follow_once(worker) == 1
    assert await states(ctx, order_id) == ["waiting_deposit"]
    assert await poller.follow_once(worker) == 0
    soonest = await ctx.database.pool.fetchval("SELECT min(poll_at) - now() FROM orders")
    assert timedelta(minutes=25) < soonest <= timedelta(minutes=30)
