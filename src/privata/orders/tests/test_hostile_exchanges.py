"""Providers that lie, at the level of an order: nothing changes that should not."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from privata.core.errors import NoProvidersAvailable, ProviderFailed
from privata.core.lifecycle import OrderStatus
from privata.orders.following.amounts import believed
from privata.orders.tests.nine import Life, Lives, each, lives
from privata.providers.fakes.exchange import FakeOrder
from privata.providers.fakes.traps import HUGE_BYTES, Trap
from privata.providers.port import Report
from privata.providers.tests.conformance.case import USDT, Case, address

__all__ = ["lives"]

FOREIGN = json.dumps(address(USDT, "elsewhere")[0]).encode()
HTML = json.dumps("<img src=x onerror=alert(1)>").encode()


async def under_way(life: Life) -> FakeOrder:
    """An order whose deposit has come."""
    there = await life.opened()
    life.fake.move(there.id, life.fake.straight[2])
    await life.look()
    assert (await life.states(there))[-1] != "waiting_deposit"
    return there


async def unmoved(life: Life, there: FakeOrder, before: Any) -> None:
    """The order is as it was, and whoever reads it sees nothing of the answer."""
    after = await life.row(there)
    for name in ("status", "amount_to_actual", "tx_in_hash", "tx_out_hash", "last_seq"):
        assert after[name] == before[name], name
    assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM ledger_earning") == 0


@each
async def test_a_quote_with_lies_in_it_is_not_made(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        for meaning, raw in (
            ("amount_to", b"1e400"),
            ("amount_to", b"-1"),
            ("amount_to", b'"NaN"'),
            ("amount_from", b"0.5"),
            ("currency_to", b'"doge"'),
        ):
            if life.change("quote", meaning, raw):
                with pytest.raises(NoProvidersAvailable):
                    await life.opened()
                life.fake.changed.clear()
        assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM quote") == 0


@each
async def test_an_order_with_lies_in_it_is_not_made(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        for meaning, raw in (
            # Of another network, no address at all, and somebody else's.
            ("deposit_address", FOREIGN),
            ("deposit_address", HTML),
            ("payout_address", FOREIGN),
            ("amount_from", b"0.5"),
            ("amount_to", b"1e400"),
            ("currency_to", b'"doge"'),
            ("id", HTML),
        ):
            if life.change("create", meaning, raw):
                with pytest.raises(ProviderFailed) as failed:
                    await life.opened()
                assert raw.decode().strip('"') not in failed.value.message
                life.fake.changed.clear()
        assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0
        assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM event") == 0


@each
async def test_reports_that_mean_nothing_change_nothing(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        there = await under_way(life)
        other = await life.opened()
        before = await life.row(there)
        life.fake.move(there.id, life.fake.straight[-1])
        for meaning, raw in (
            ("amount_to", b"1e400"),
            ("amount_to", b"-5"),
            ("tx_out", HTML),
            ("tx_in", HTML),
            ("id", json.dumps(other.id).encode()),
            ("status", b"{}"),
        ):
            if life.change("status", meaning, raw):
                await life.look()
                await unmoved(life, there, before)
                life.fake.changed.clear()
        events = await life.ctx.database.pool.fetchval("SELECT count(*) FROM event")
        assert events == before["last_seq"] + 1


@each
async def test_a_hundred_megabytes_are_not_read(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        there = await under_way(life)
        before = await life.row(there)
        life.fake.trap = Trap.HUGE
        await life.look()
        await unmoved(life, there, before)
        assert life.fake.sent_bytes < HUGE_BYTES / 2


@each
async def test_an_order_never_goes_backward(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        there = await under_way(life)
        before = await life.row(there)
        for word in life.fake.straight[1::-1]:
            there.status = word
            await life.look()
            await unmoved(life, there, before)
        # Nor from its end.
        life.fake.move(there.id, life.fake.straight[-1])
        await life.look()
        done = await life.row(there)
        assert done["status"] == "completed"
        there.status = life.fake.straight[1]
        await life.ctx.database.pool.execute("UPDATE orders SET poll_at = now()")
        await life.look()
        assert (await life.row(there))["last_seq"] == done["last_seq"]


@each
async def test_a_report_that_pays_somebody_else_needs_a_person(lives: Lives, case: Case) -> None:
    async with lives(case) as life:
        there = await under_way(life)
        life.fake.move(there.id, life.fake.straight[-1])
        assert life.change("status", "payout_address", FOREIGN)
        await life.look()
        row = await life.row(there)
        assert (row["status"], row["tx_out_hash"]) == ("manual_review", None)
        await unmoved_money(life)


@each
@pytest.mark.parametrize("factor", ["0.001", "1000"])
async def test_an_amount_that_cannot_be_meant_needs_a_person(
    lives: Lives, case: Case, factor: str
) -> None:
    """It was told as completed, whatever the provider said that it had sent."""
    async with lives(case) as life:
        there = await under_way(life)
        life.fake.move(there.id, life.fake.straight[-1])
        sent = there.amount_to * Decimal(factor)
        assert life.change("status", "amount_to", f"{sent:f}".encode())
        await life.look()
        row = await life.row(there)
        assert (row["status"], row["amount_to_actual"]) == ("manual_review", None)
        await unmoved_money(life)


async def unmoved_money(life: Life) -> None:
    """Nothing was earned."""
    assert await life.ctx.database.pool.fetchval("SELECT count(*) FROM ledger_earning") == 0


def completed(sent: str, deposited: str | None) -> Report:
    arrived = None if deposited is None else Decimal(deposited)
    return Report(OrderStatus.COMPLETED, amount_to_actual=Decimal(sent), deposited=arrived)


@pytest.mark.parametrize(
    ("sent", "deposited", "meant"),
    [
        ("600", None, True),
        ("301", None, True),
        ("299", None, False),
        ("1201", None, False),
        # A tenth was deposited, or ten times as much.
        ("60", "0.001", True),
        ("600", "0.001", False),
        ("6000", "0.1", True),
        ("600", "0", False),
    ],
)
def test_what_was_sent_is_held_against_what_was_deposited(
    sent: str, deposited: str | None, meant: bool
) -> None:
    order: Any = SimpleNamespace(
        id=uuid.uuid4(),
        provider="x",
        amount_from=Decimal("0.01"),
        amount_to_expected=Decimal(600),
    )
    report = completed(sent, deposited)
    assert (believed(order, report) is report) == meant
