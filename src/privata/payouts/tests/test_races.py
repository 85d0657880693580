"""Money under contention: many at once on real connections, and random histories."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from privata.core.errors import InsufficientBalance, PrivataError, WrongPayoutState
from privata.payouts import service, settling
from privata.payouts.tests.making import Payee, with_settings
from privata.payouts.verify import verify


@pytest.fixture
async def busy(payee: Payee) -> Payee:
    """The same partner without the limit of two requests a day."""
    payee.ctx = with_settings(payee.ctx, payout_requests_per_day=1000)
    return payee


async def test_fifty_confirmations_on_funds_for_one(busy: Payee) -> None:
    made = [await busy.request("1999.99") for _ in range(50)]
    found = await asyncio.gather(*(busy.confirm(one) for one in made), return_exceptions=True)
    kinds = Counter(type(one) for one in found)
    assert kinds.pop(InsufficientBalance) == 49, kinds
    assert sum(kinds.values()) == 1
    statuses = Counter([await busy.status(one) for one in made])
    assert statuses == {"confirmed": 1, "requested": 49}
    assert await busy.balances() == ("0.01", "1999.99", "0.00")


async def test_fifty_confirmations_of_one_payout(busy: Payee) -> None:
    made = await busy.request()
    found = await asyncio.gather(*(busy.confirm(made) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, WrongPayoutState) for one in found) == 49
    assert await busy.balances() == ("1500.00", "500.00", "0.00")


async def test_a_confirmation_and_a_cancellation_take_turns(busy: Payee) -> None:
    ends: Counter[str] = Counter()
    for _ in range(15):
        made = await busy.request()
        cancel = service.cancel_payout(busy.ctx, actor=busy.actor, payout_id=made.payout.id)
        acts = [busy.confirm(made), cancel]
        random.shuffle(acts)
        found = await asyncio.gather(*acts, return_exceptions=True)
        # Either the cancellation is first and the confirmation refused, or it undoes it.
        assert not isinstance(found[acts.index(cancel)], Exception)
        ends[await busy.status(made)] += 1
        assert await busy.balances() == ("2000.00", "0.00", "0.00")
    assert ends == {"cancelled": 15}


async def test_processing_and_cancelling_take_turns(busy: Payee) -> None:
    for _ in range(10):
        made = await busy.request()
        await busy.confirm(made)
        ident = made.payout.id
        found = await asyncio.gather(
            service.cancel_payout(busy.ctx, actor=busy.actor, payout_id=ident),
            settling.process_payout(busy.ctx, by="op", payout_id=ident),
            return_exceptions=True,
        )
        assert sum(isinstance(one, WrongPayoutState) for one in found) == 1
        if await busy.status(made) == "processing":
            assert await busy.balances() == ("1500.00", "500.00", "0.00")
            await settling.fail_payout(busy.ctx, by="op", payout_id=ident, reason="tests")
        assert await busy.balances() == ("2000.00", "0.00", "0.00")


async def test_settling_and_failing_take_turns(busy: Payee) -> None:
    for number in range(4):
        made = await busy.request()
        await busy.confirm(made)
        ident = made.payout.id
        await settling.process_payout(busy.ctx, by="op", payout_id=ident)
        before = await busy.balances()
        tx_hash = "0x" + f"{number:064x}"
        found = await asyncio.gather(
            settling.settle_payout(busy.ctx, by="a", payout_id=ident, tx_hash=tx_hash),
            settling.fail_payout(busy.ctx, by="b", payout_id=ident, reason="tests"),
            settling.settle_payout(busy.ctx, by="c", payout_id=ident, tx_hash=tx_hash),
            return_exceptions=True,
        )
        assert sum(isinstance(one, PrivataError) for one in found) == 2
        after = await busy.balances()
        moved = (Decimal(after[0]) - Decimal(before[0]), Decimal(after[2]) - Decimal(before[2]))
        settled = await busy.status(made) == "settled"
        assert moved == ((Decimal(0), Decimal(500)) if settled else (Decimal(500), Decimal(0)))
        assert Decimal(after[1]) == 0


async def test_settling_one_and_confirming_others_never_wait_for_each_other(busy: Payee) -> None:
    """Ledger first and audit chain last, in every act: a deadlock would show as an error here."""
    await busy.fund("50000")
    for number in range(6):
        ready = [await busy.request() for _ in range(4)]
        for one in ready:
            await busy.confirm(one)
            await settling.process_payout(busy.ctx, by="op", payout_id=one.payout.id)
        fresh = [await busy.request() for _ in range(4)]
        settled = [
            settling.settle_payout(
                busy.ctx, by="op", payout_id=one.payout.id, tx_hash=f"0x{number}{n:063x}"
            )
            for n, one in enumerate(ready)
        ]
        await asyncio.gather(*settled, *(busy.confirm(one) for one in fresh))
    assert (await verify(busy.ctx)).findings == ()


@pytest.mark.parametrize("seed", range(3))
async def test_money_in_is_money_out(busy: Payee, seed: int) -> None:
    """Random acts, several at a time: what came in is available, in flight or paid, to the cent."""
    dice = random.Random(seed)
    ctx = busy.ctx
    made: list[service.Requested] = []
    await busy.fund("18000")
    for _ in range(12):
        made.append(await busy.request(f"{dice.randrange(50000, 90000) / 100:.2f}"))
        acts: list[Coroutine[Any, Any, object]] = []
        for _turn in range(6):
            one = dice.choice(made)
            ident, tx_hash = one.payout.id, f"0x{one.payout.id.hex:0>64}"
            choices: list[Callable[[], Coroutine[Any, Any, object]]] = [
                partial(busy.confirm, one),
                partial(service.cancel_payout, ctx, actor=busy.actor, payout_id=ident),
                partial(settling.process_payout, ctx, by="op", payout_id=ident),
                partial(settling.mark_sent, ctx, by="op", payout_id=ident, tx_hash=tx_hash),
                partial(settling.settle_payout, ctx, by="op", payout_id=ident, tx_hash=tx_hash),
                partial(settling.fail_payout, ctx, by="op", payout_id=ident, reason="tests"),
            ]
            acts.append(dice.choice(choices)())
        for found in await asyncio.gather(*acts, return_exceptions=True):
            assert found is not None
            assert not isinstance(found, Exception) or isinstance(found, PrivataError), found
        rows = await ctx.database.pool.fetch("SELECT status, amount FROM payout")
        in_flight = sum(
            (row["amount"] for row in rows if row["status"] in _RESERVED), start=Decimal(0)
        )
        paid = sum((row["amount"] for row in rows if row["status"] == "settled"), start=Decimal(0))
        assert await busy.balances() == (
            f"{20000 - in_flight - paid:.2f}",
            f"{in_flight:.2f}",
            f"{paid:.2f}",
        )
    assert (await verify(ctx)).findings == ()


_RESERVED = ("confirmed", "approved", "processing", "sent")
