"""Carrying refunds out: crashes in the middle, lost leases, and a provider that was faster."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.orders.service import advance
from privata.orders.store import lock_order
from privata.orders.tests.test_advance import make_order, states
from privata.providers.port import Report
from privata.providers.simulator.provider import Simulator
from privata.refunds import clock, store
from privata.refunds.claims import DueRefunds
from privata.refunds.clock import follow_refunds
from privata.refunds.executing import execute_once
from privata.refunds.rules import RefundAction, RefundSource
from privata.refunds.service import Wish, request_refund

BTC = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
TEST = Environment.TEST


async def needing(ctx: AppContext, organization: uuid.UUID) -> str:
    order_id = await make_order(ctx, organization)
    await advance(ctx, order_id=order_id, report=Report(OrderStatus.REFUND_REQUIRED))
    return order_id


async def requested(ctx: AppContext, organization: uuid.UUID) -> str:
    order_id = await needing(ctx, organization)
    await request_refund(
        ctx,
        actor=system_actor(organization, TEST, "tests"),
        order_id=order_id,
        wish=Wish(RefundAction.RETURN, BTC),
        source=RefundSource.API,
    )
    return order_id


async def refund(ctx: AppContext) -> Any:
    return await ctx.database.pool.fetchrow("SELECT * FROM refund")


async def test_a_worker_that_dies_in_the_middle_is_followed_by_another(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await requested(ctx, organization)
    # The first worker has claimed it, asked the provider perhaps, and died.
    (claimed,) = await DueRefunds(ctx, TEST).claim(10, 30)
    assert claimed.order_id == order_id
    assert await execute_once(ctx, TEST) == 0
    await ctx.database.pool.execute("UPDATE refund SET due_at = now()")
    assert await execute_once(ctx, TEST) == 1
    assert (await states(ctx, order_id))[-1] == "refunded"
    assert (await refund(ctx))["state"] == "done"


async def test_a_late_result_of_a_lost_lease_changes_nothing(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    await requested(ctx, organization)
    (late,) = await DueRefunds(ctx, TEST).claim(10, 0)
    await DueRefunds(ctx, TEST).claim(10, 30)
    async with ctx.database.transaction() as tx:
        now = ctx.clock.now()
        assert not await store.finish_refund(tx, late, state="done", finished_at=now)
    assert (await refund(ctx))["state"] == "processing"


async def test_workers_at_once_refund_once(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await requested(ctx, organization)
    done = await asyncio.gather(*(execute_once(ctx, TEST) for _ in range(6)))
    assert sum(done) == 1
    assert await states(ctx, order_id) == ["waiting_deposit", "refund_required", "refunded"]


async def test_a_provider_that_sent_it_back_by_itself_was_faster(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await requested(ctx, organization)
    report = Report(OrderStatus.REFUNDED, tx_out_hash="ab" * 32)
    await advance(ctx, order_id=order_id, report=report)
    await execute_once(ctx, TEST)
    row = await ctx.database.pool.fetchrow("SELECT status, tx_out_hash FROM orders")
    assert row is not None
    assert tuple(row) == ("refunded", "ab" * 32)
    assert (await refund(ctx))["state"] == "done"
    assert (await states(ctx, order_id)).count("refunded") == 1


async def _changed(ctx: AppContext, order_id: str) -> bool:
    """Whether the order looks changed since the last time; from then on it is an hour older."""
    changed: bool = await ctx.database.pool.fetchval(
        "SELECT updated_at > now() - interval '30 minutes' FROM orders WHERE id = $1", order_id
    )
    await ctx.database.pool.execute("UPDATE orders SET updated_at = now() - interval '1 hour'")
    return changed


async def test_each_change_of_a_refund_is_a_change_of_its_order(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order carries its refund; who polled by `updated_after` never saw most of that."""
    pool = ctx.database.pool
    order_id = await needing(ctx, organization)
    assert await _changed(ctx, order_id)
    wish, actor = Wish(RefundAction.RETURN, BTC), system_actor(organization, TEST, "tests")
    for expected in (True, False):  # the same choice again changes nothing
        await request_refund(
            ctx, actor=actor, order_id=order_id, wish=wish, source=RefundSource.API
        )
        assert await _changed(ctx, order_id) is expected
    for expected in (True, False):  # "requested" becomes "processing" once
        await pool.execute("UPDATE refund SET due_at = now()")
        assert len(await DueRefunds(ctx, TEST).claim(10, 30)) == 1
        assert (await refund(ctx))["state"] == "processing"
        assert await _changed(ctx, order_id) is expected
    await advance(ctx, order_id=order_id, report=Report(OrderStatus.REFUNDED))
    assert await _changed(ctx, order_id)
    await pool.execute("UPDATE refund SET due_at = now()")
    await execute_once(ctx, TEST)
    assert (await refund(ctx))["state"] == "done"
    assert await _changed(ctx, order_id)


async def test_a_claim_waits_for_nobody(ctx: AppContext, organization: uuid.UUID) -> None:
    """It writes the order after the refund; others lock the order first, and would wait for it."""
    order_id = await requested(ctx, organization)
    async with ctx.database.transaction() as tx:
        await lock_order(tx, order_id)
        async with asyncio.timeout(30):
            assert await DueRefunds(ctx, TEST).claim(10, 30) == []
    assert len(await DueRefunds(ctx, TEST).claim(10, 30)) == 1


async def test_a_locked_order_holds_no_other_refund_back(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """With room for one, the claim took the locked order's refund, could not have it, and ended
    with nothing: as long as the lock was held, nobody else was refunded."""
    pool = ctx.database.pool
    locked, other = [await requested(ctx, organization) for _ in range(2)]
    await pool.execute(
        "UPDATE refund SET due_at = due_at - interval '1 hour' WHERE order_id = $1", locked
    )
    async with ctx.database.transaction() as tx:
        await lock_order(tx, locked)
        claimed = await DueRefunds(ctx, TEST).claim(1, 30)
        assert [one.order_id for one in claimed] == [other]
    claimed = await DueRefunds(ctx, TEST).claim(1, 30)
    assert [one.order_id for one in claimed] == [locked]


async def test_every_try_names_the_same_reference(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = Simulator.refund

    async def noted(self: Simulator, request: Any, now: Any, **how: Any) -> Any:
        asked.append(request)
        await real(self, request, now, **how)
        raise TimeoutError

    order_id = await requested(ctx, organization)
    monkeypatch.setattr(Simulator, "refund", noted)
    for _ in range(3):
        await ctx.database.pool.execute("UPDATE refund SET due_at = now()")
        await execute_once(ctx, TEST)
    assert len(asked) == 3
    assert {request.reference for request in asked} == {f"refund:{order_id}"}
    assert len(set(asked)) == 1
    row = await refund(ctx)
    assert (row["state"], row["attempts"]) == ("processing", 3)
    assert row["due_at"] > ctx.clock.now() + timedelta(seconds=5)


@pytest.mark.parametrize(
    "wrong",
    [
        "state = 'done'",
        "state = 'failed', due_at = NULL, finished_at = now()",
        "to_address = NULL",
        "stable_target = 'USDT-TRC20'",
        "action = 'convert_to_stable', stable_target = 'DAI-ERC20'",
        "action = 'manual_review'",
        "due_at = NULL",
    ],
)
async def test_the_database_refuses_impossible_refunds(
    ctx: AppContext, organization: uuid.UUID, wrong: str
) -> None:
    await requested(ctx, organization)
    with pytest.raises(asyncpg.CheckViolationError):
        await ctx.database.pool.execute(f"UPDATE refund SET {wrong}")


async def test_a_worker_that_stops_gives_back_what_it_asks_about(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for the end of the lease."""
    order_id, asked = await requested(ctx, organization), asyncio.Event()

    async def silent(*_: Any, **__: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "refund", silent)
        working = asyncio.create_task(follow_refunds(ctx))
        async with asyncio.timeout(20):
            await asked.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert await execute_once(ctx, TEST) == 1
    assert (await states(ctx, order_id))[-1] == "refunded"


async def test_a_worker_that_stops_gives_back_windows(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, looked = await needing(ctx, organization), asyncio.Event()
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")

    async def slow(*_: Any) -> bool:
        looked.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(clock, "end_window", slow)
    working = asyncio.create_task(clock.follow_refunds(ctx))
    async with asyncio.timeout(20):
        await looked.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    due = "SELECT id FROM orders WHERE poll_at <= now()"
    assert await ctx.database.pool.fetchval(due) == order_id
