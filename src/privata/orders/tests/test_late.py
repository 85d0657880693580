"""Deposits that come after their order has expired: seen, told, settled; it stays expired."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from privata.core.errors import OrderNotFound, ProviderUnavailable, ValidationFailed
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.orders import reading
from privata.orders.claims import Polls
from privata.orders.following import poller
from privata.orders.following.polling import JITTER, LATE_FIRST, LATE_THEN, next_poll
from privata.orders.late import deposits as late
from privata.orders.service import advance, get_order
from privata.orders.states import LateState
from privata.orders.tests.test_advance import make_order, states
from privata.providers.port import Report, Scenario
from privata.providers.simulator.provider import Simulator

S = OrderStatus
HASH_IN, HASH_OUT = "aa" * 32, "bb" * 32
SEEN = Report(S.CONFIRMING, tx_in_hash=HASH_IN)


async def _expired(ctx: AppContext, organization: uuid.UUID, environment: str = "live") -> str:
    """An order whose time is over by two hours."""
    order_id = await make_order(ctx, organization)
    await advance(ctx, order_id=order_id, report=Report(S.EXPIRED))
    await ctx.database.pool.execute(
        "UPDATE orders SET environment = $2::text, expires_at = now() - interval '2 hours',"
        " sandbox_scenario = CASE WHEN $2::text = 'test' THEN sandbox_scenario END,"
        " sandbox_ttl = NULL WHERE id = $1",
        order_id,
        environment,
    )
    return order_id


async def _read(ctx: AppContext, organization: uuid.UUID, order_id: str) -> dict[str, Any]:
    actor = system_actor(organization, Environment.LIVE, "tests")
    return await get_order(ctx, actor=actor, order_id=order_id)


async def _told(ctx: AppContext) -> list[tuple[str, str | None, str | None]]:
    rows = await ctx.database.pool.fetch(
        "SELECT body FROM event WHERE type = 'late_deposit' ORDER BY seq"
    )
    bodies = [json.loads(unpacked(row["body"])) for row in rows]
    return [(one["reason"], one["tx_in_hash"], one["tx_out_hash"]) for one in bodies]


async def _due(ctx: AppContext, order_id: str) -> timedelta | None:
    found: timedelta | None = await ctx.database.pool.fetchval(
        "SELECT poll_at - now() FROM orders WHERE id = $1", order_id
    )
    return found


async def test_an_order_paid_after_it_had_expired_is_noticed(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """Nobody asked any more, and nobody knew of the money."""
    order_id = await _expired(ctx, organization)
    assert (await _read(ctx, organization, order_id))["late_deposit"] is None
    for report in (SEEN, SEEN, Report(S.EXCHANGING, tx_in_hash=HASH_IN)):
        assert (await advance(ctx, order_id=order_id, report=report)).entered == ()
    order = await _read(ctx, organization, order_id)
    assert (order["status"], order["tx_in_hash"], order["tx_out_hash"]) == (
        "expired",
        HASH_IN,
        None,
    )
    assert order["late_deposit"]["state"] == "seen"
    assert [row.id for row in await late.late_deposits(ctx)] == [order_id]
    returned = Report(S.REFUNDED, tx_in_hash=HASH_IN, tx_out_hash=HASH_OUT)
    for report in (returned, SEEN, Report(S.COMPLETED)):
        await advance(ctx, order_id=order_id, report=report)
    order = await _read(ctx, organization, order_id)
    assert (order["status"], order["tx_out_hash"]) == ("expired", HASH_OUT)
    assert (order["late_deposit"]["state"], order["completed_at"]) == ("refunded", None)
    assert await _told(ctx) == [("seen", HASH_IN, None), ("refunded", HASH_IN, HASH_OUT)]
    assert await states(ctx, order_id) == ["waiting_deposit", "expired"]
    types = await ctx.database.pool.fetch(
        "SELECT type FROM event WHERE order_id = $1 ORDER BY seq", order_id
    )
    assert [row["type"] for row in types] == ["order.waiting_deposit", "order.expired"]
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry") == 0
    assert await late.late_deposits(ctx) == []
    assert await _due(ctx, order_id) is None


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (Report(S.WAITING_DEPOSIT), None),
        (Report(S.EXPIRED), None),
        (Report(S.FAILED, failed_reason=FailedReason.UNKNOWN), None),
        (Report(S.FAILED, tx_in_hash=HASH_IN), LateState.SEEN),
        (Report(S.REFUND_REQUIRED), LateState.SEEN),
        (Report(S.SENDING), LateState.SEEN),
        (Report(S.COMPLETED), LateState.SWAPPED),
        (Report(S.REFUNDED), LateState.REFUNDED),
    ],
)
def test_what_counts_as_a_late_deposit(report: Report, found: LateState | None) -> None:
    assert late.late_state(report) is found


async def test_a_deposit_that_is_reported_with_the_expiry_is_late_too(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The worker was down while the order expired and was paid."""
    order_id = await make_order(ctx, organization)
    report = Report(S.CONFIRMING, passed=(S.WAITING_DEPOSIT, S.EXPIRED), tx_in_hash=HASH_IN)
    moved = await advance(ctx, order_id=order_id, report=report)
    assert moved.entered == (S.EXPIRED,)
    event = await ctx.database.pool.fetchval("SELECT body FROM event WHERE type = 'order.expired'")
    assert json.loads(unpacked(event))["order"]["tx_in_hash"] is None
    assert await _told(ctx) == [("seen", HASH_IN, None)]


def test_an_expired_order_is_asked_about_ever_more_slowly_and_not_for_ever() -> None:
    expires = datetime.fromisoformat("2026-01-01T00:00:00Z")
    end, rng = expires + timedelta(days=14), Random(1)

    def wait(
        after: timedelta,
        *,
        environment: Environment = Environment.LIVE,
        watch_until: datetime | None = end,
    ) -> timedelta | None:
        at = next_poll(
            S.EXPIRED,
            expires - timedelta(minutes=30),
            expires + after,
            change_at=None,
            expires_at=expires,
            environment=environment,
            watch_until=watch_until,
            rng=rng,
        )
        return None if at is None else at - expires - after

    for after, pace in ((timedelta(0), LATE_FIRST), (timedelta(days=2), LATE_THEN)):
        found = wait(after)
        assert found is not None
        assert pace <= found <= pace * (1 + JITTER)
    assert wait(timedelta(days=14) - timedelta(minutes=1)) == timedelta(minutes=1)
    assert wait(timedelta(days=14)) is None
    assert wait(timedelta(0), watch_until=None) is None
    assert wait(timedelta(0), environment=Environment.TEST) is None


async def test_a_live_order_that_expires_goes_on_being_watched(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await _expired(ctx, organization)
    await advance(ctx, order_id=order_id, report=Report(S.EXPIRED))
    due = await _due(ctx, order_id)
    assert due is not None
    assert timedelta(minutes=50) < due < timedelta(hours=2)
    off = ctx.settings.model_copy(update={"late_deposit_days": 0})
    without = AppContext(ctx.database, ctx.sealer, ctx.clock, off)
    await advance(without, order_id=order_id, report=Report(S.EXPIRED))
    assert await _due(ctx, order_id) is None
    ignored = await ctx.database.pool.fetchval("SELECT count(*) FROM order_ignored_report")
    assert ignored == 0


async def test_looking_for_late_deposits_holds_up_no_open_order(
    ctx: AppContext, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are claimed apart, and a provider that is silent is not asked again with each lease."""
    expired = await _expired(ctx, organization, "test")
    waiting = await make_order(ctx, organization)
    await ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
    found = await Polls(ctx, Environment.TEST).claim(9, 0.0)
    assert [row.id for row in found] == [waiting]
    (row,) = await Polls(ctx, Environment.TEST, late=True).claim(9, 0.0)
    assert row.id == expired

    async def silent(*_: object, **__: object) -> Report:
        raise ProviderUnavailable("down")

    monkeypatch.setattr(Simulator, "get_order", silent)
    live = await _expired(ctx, organization)
    order = await reading.order_by_link(ctx, live)
    assert order is not None
    await poller.follow(ctx, order, asyncio.Semaphore(1))
    due = await _due(ctx, live)
    assert due is not None
    assert due > timedelta(minutes=50)
    assert (await states(ctx, live))[-1] == "expired"


async def test_the_operator_settles_what_is_seen(ctx: AppContext, organization: uuid.UUID) -> None:
    order_id = await _expired(ctx, organization)
    by: dict[str, Any] = {"operator": "ops", "order_id": order_id}
    with pytest.raises(ValidationFailed, match="no late deposit"):
        await late.close_late(ctx, **by, to=LateState.CLOSED)
    await late.note_by_hand(ctx, **by, tx_hash=HASH_IN, note="from support")
    with pytest.raises(ValidationFailed, match="already has a late deposit, which is seen"):
        await late.note_by_hand(ctx, **by, tx_hash=HASH_IN)
    for wrong in (
        {"to": LateState.SEEN},
        {"to": LateState.REFUNDED},
        {"to": LateState.CLOSED, "tx_hash": HASH_OUT},
        {"to": LateState.CLOSED, "note": "x" * 257},
        {"to": LateState.SWAPPED, "tx_hash": "x\n"},
    ):
        with pytest.raises(ValidationFailed):
            await late.close_late(ctx, **by, **wrong)
    await late.close_late(ctx, **by, to=LateState.SWAPPED, tx_hash=HASH_OUT, note="at 0.98")
    with pytest.raises(ValidationFailed, match="no late deposit"):
        await late.close_late(ctx, **by, to=LateState.CLOSED)
    order = await _read(ctx, organization, order_id)
    assert (order["late_deposit"]["state"], order["late_deposit"]["note"]) == ("swapped", "at 0.98")
    assert await _told(ctx) == [("seen", HASH_IN, None), ("swapped", HASH_IN, HASH_OUT)]
    rows = await ctx.database.pool.fetch(
        "SELECT action, actor_kind FROM audit_entry WHERE target = $1 ORDER BY seq", order_id
    )
    assert [tuple(row) for row in rows] == [
        ("order.late_deposit_seen", "operator"),
        ("order.late_deposit_swapped", "operator"),
    ]
    with pytest.raises(OrderNotFound):
        await late.close_late(ctx, **by | {"order_id": "prv-x"}, to=LateState.CLOSED)
    waiting = await make_order(ctx, organization)
    with pytest.raises(ValidationFailed, match="Only an expired order"):
        await late.note_by_hand(ctx, operator="ops", order_id=waiting, tx_hash=HASH_IN)


async def test_race_the_operator_and_the_provider_settle_it_once(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    order_id = await _expired(ctx, organization)
    await advance(ctx, order_id=order_id, report=SEEN)
    done = Report(S.REFUNDED, tx_in_hash=HASH_IN, tx_out_hash=HASH_OUT)
    await asyncio.gather(
        *(advance(ctx, order_id=order_id, report=replace(done)) for _ in range(4)),
        *(
            late.close_late(ctx, operator="ops", order_id=order_id, to=LateState.CLOSED)
            for _ in range(2)
        ),
        return_exceptions=True,
    )
    assert len(await _told(ctx)) == 2


async def test_only_an_expired_order_has_a_late_deposit(
    ctx: AppContext, organization: uuid.UUID, owner: asyncpg.Connection
) -> None:
    order_id = await make_order(ctx, organization)
    for change in ("late_state = 'seen', late_seen_at = now()", "late_note = 'x'"):
        with pytest.raises(asyncpg.CheckViolationError, match="orders_late_whole"):
            await owner.execute(f"UPDATE orders SET {change} WHERE id = $1", order_id)


def test_the_sandbox_has_a_scenario_for_it() -> None:
    assert Scenario.LATE.value == "late"
