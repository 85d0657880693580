"""A payout's life as a state machine: random steps against a plain model and the ledger."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from privata.core.errors import InsufficientBalance, PrivataError
from privata.ledger import service as ledger
from privata.payouts import service, settling
from privata.payouts.lifecycle import PayoutStatus, may_move
from privata.payouts.rows import PayoutRow
from privata.payouts.tests.making import Payee, with_settings
from privata.payouts.verify import verify

S = PayoutStatus


class Model:
    """What should be, kept with nothing but sums."""

    def __init__(self) -> None:
        self.available = Decimal(2000)
        self.amounts: dict[uuid.UUID, Decimal] = {}
        self.statuses: dict[uuid.UUID, PayoutStatus] = {}

    def total(self, *among: PayoutStatus) -> Decimal:
        return sum(
            (self.amounts[one] for one, status in self.statuses.items() if status in among),
            start=Decimal(0),
        )

    def step(self, ident: uuid.UUID, *route: PayoutStatus) -> bool:
        """Take the steps if the table has them; money follows."""
        amount, current = self.amounts[ident], self.statuses[ident]
        for to in route:
            if not may_move(current, to, needs_approval=amount > 700):
                return False
            current = to
        if route[0] is S.CONFIRMED:
            if amount > self.available:
                return False
            self.available -= amount
        if route[-1] in (S.CANCELLED, S.FAILED) and self.statuses[ident] is not S.REQUESTED:
            self.available += amount
        self.statuses[ident] = current
        return True


@pytest.mark.parametrize("seed", range(6))
async def test_random_steps_agree_with_the_model(payee: Payee, seed: int) -> None:
    dice, model = random.Random(seed), Model()
    payee.ctx = with_settings(
        payee.ctx, payout_requests_per_day=10_000, payout_approval_usd=Decimal(700)
    )
    ctx = payee.ctx
    made: dict[uuid.UUID, service.Requested] = {}
    wanted: tuple[PayoutStatus, ...]
    more: dict[str, str]
    for number in range(60):
        act = dice.choice(("request", "confirm", "confirm", "cancel", *_BY_HAND))
        if act == "request" or not made:
            amount = Decimal(dice.randrange(50000, 90000)) / 100
            if amount > model.available:
                with pytest.raises(InsufficientBalance):
                    await payee.request(str(amount))
                continue
            one = await payee.request(str(amount))
            ident = uuid.UUID(str(one.payout.id))
            made[ident] = one
            model.amounts[ident], model.statuses[ident] = amount, S.REQUESTED
            continue
        ident = dice.choice(list(made))
        if act == "confirm":
            wanted, done = (S.CONFIRMED,), payee.confirm(made[ident])
        elif act == "cancel":
            wanted = (S.CANCELLED,)
            done = service.cancel_payout(ctx, actor=payee.actor, payout_id=ident)
        else:
            wanted, verb, given = _BY_HAND[act]
            if act == "settle" and model.statuses[ident] is S.PROCESSING:
                wanted = (S.SENT, S.SETTLED)
            if given == "tx":
                more = {"tx_hash": f"0x{ident.hex:0>64}"}
            else:
                more = {"reason": f"turn {number}"} if given else {}
            done = verb(ctx, by="op", payout_id=ident, **more)
        if model.step(ident, *wanted):
            row = await done
            assert row.status == model.statuses[ident]
        else:
            with pytest.raises(PrivataError):
                await done
        held = await ledger.balances_of(ctx, organization_id=payee.organization_id)
        assert held.available == model.available
        assert held.payout_in_flight == model.total(S.CONFIRMED, S.APPROVED, S.PROCESSING, S.SENT)
        assert held.paid == model.total(S.SETTLED)
        assert held.available + held.payout_in_flight + held.paid == 2000
    assert (await verify(ctx)).findings == ()


#: What an operator does: the states it leads through, how, and what is told besides.
_BY_HAND: dict[
    str, tuple[tuple[PayoutStatus, ...], Callable[..., Coroutine[Any, Any, PayoutRow]], str]
] = {
    "approve": ((S.APPROVED,), settling.approve_payout, ""),
    "process": ((S.PROCESSING,), settling.process_payout, ""),
    "sent": ((S.SENT,), settling.mark_sent, "tx"),
    "settle": ((S.SETTLED,), settling.settle_payout, "tx"),
    "fail": ((S.FAILED,), settling.fail_payout, "reason"),
}


async def test_what_was_changed_by_force_is_found(
    payee: Payee, superuser: asyncpg.Connection
) -> None:
    made = await payee.request()
    await payee.confirm(made)
    assert (await verify(payee.ctx)).findings == ()
    ident = made.payout.id
    for change, how in (
        ("amount = 1", "is confirmed, but the ledger has 500.00 in flight"),
        ("status = 'requested', confirmed_at = NULL, amount = 500", "is requested"),
    ):
        await superuser.execute(f"UPDATE payout SET {change} WHERE id = $1", ident)
        (found,) = (await verify(payee.ctx, organization_id=payee.organization_id)).findings
        assert (found.payout_id, how in found.how) == (str(ident), True)
    await superuser.execute("DELETE FROM payout")
    (found,) = (await verify(payee.ctx)).findings
    assert "is missing" in found.how
    assert (await verify(payee.ctx, organization_id=uuid.uuid4())).findings == ()
