"""Any sequence of bookings on the real database, beside a plain model of what must come out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from privata.core.errors import AlreadyBooked, InsufficientBalance
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.ledger import service as ledger
from privata.ledger.rules import UNIT
from privata.ledger.service import Cause
from privata.ledger.tests.books import earn, held, operator, payout
from privata.ledger.tests.test_service import holding, let_time_pass
from privata.ledger.verify import verify

#: Amounts around the cent, the unit and the size of a payout, so that they meet often.
UNITS = st.one_of(st.integers(1, 5), st.integers(1, 10**12), st.sampled_from([10**6, 5 * 10**10]))


@dataclass
class Earning:
    """What the model knows of an order, in units: its part, and whether it is pending still."""

    units: int
    pending: bool
    gone: bool = False


def partner_units(value: int, markup_bps: int) -> int:
    """Half of a commission of 40 basis points, and the markup; `round` goes half to even."""
    commission = round(Fraction(value * 40, 10_000))
    return round(Fraction(commission, 2)) + round(Fraction(value * markup_bps, 10_000))


class Bookings(RuleBasedStateMachine):
    """Each example has an organization of its own in one database."""

    def __init__(self, ctx: AppContext, runner: asyncio.Runner) -> None:
        super().__init__()
        self.ctx, self.runner = ctx, runner
        self.organization = uuid.uuid4()
        self.available = self.paid = 0
        self.earnings: dict[str, Earning] = {}
        self.reserved: dict[uuid.UUID, int] = {}
        self.ended: list[uuid.UUID] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def found(self) -> None:
        self.run(
            self.ctx.database.pool.execute(
                "INSERT INTO organization (id, name) VALUES ($1, 'Acme')", self.organization
            )
        )

    @rule(value=UNITS, markup_bps=st.integers(0, 300), days=st.sampled_from([0, 3]))
    def earn(self, value: int, markup_bps: int, days: int) -> None:
        ctx = holding(self.ctx, days)
        work = earn(ctx, self.organization, value * UNIT, markup_bps=markup_bps)
        units = partner_units(value, markup_bps)
        self.earnings[self.run(work)] = Earning(units, pending=days > 0 and units > 0)
        self.available += 0 if days else units

    @precondition(lambda self: self.earnings)
    @rule(data=st.data())
    def earn_again(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from(list(self.earnings)))
        try:
            self.run(earn(self.ctx, self.organization, "1000000", order_id=order_id))
        except AlreadyBooked:
            return
        # It was worth too little the first time, and nothing was booked.
        assert self.earnings[order_id].units == 0
        self.earnings[order_id] = Earning(2000 * 10**8, pending=False)
        self.available += 2000 * 10**8

    @rule()
    def let_mature(self) -> None:
        self.run(let_time_pass(self.ctx, 3))
        self.run(ledger.mature(self.ctx))
        for earning in self.earnings.values():
            if earning.pending:
                earning.pending = False
                self.available += earning.units

    @rule(units=UNITS)
    def reserve(self, units: int) -> None:
        ident = uuid.uuid4()
        told = self.run(self._book(ledger.reserve, units, payout("reserve", ident)))
        assert (told is None) == (units <= self.available)
        if told is None:
            self.available -= units
            self.reserved[ident] = units
        else:
            assert isinstance(told, InsufficientBalance)
            assert Decimal(str(told.data["available"])) == self.available * UNIT

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), paid=st.booleans())
    def end(self, data: st.DataObject, paid: bool) -> None:
        ident = data.draw(st.sampled_from(list(self.reserved)))
        units = self.reserved.pop(ident)
        verb, step = (ledger.settle, "settle") if paid else (ledger.release, "release")
        assert self.run(self._book(verb, units, payout(step, ident))) is None
        self.ended.append(ident)
        if paid:
            self.paid += units
        else:
            self.available += units

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), step=st.sampled_from(["reserve", "release", "settle"]), units=UNITS)
    def end_again(self, data: st.DataObject, step: str, units: int) -> None:
        ident = data.draw(st.sampled_from(self.ended))
        verb = {"reserve": ledger.reserve, "release": ledger.release, "settle": ledger.settle}[step]
        told = self.run(self._book(verb, units, payout(step, ident)))
        assert isinstance(told, (AlreadyBooked, ValueError, InsufficientBalance))

    @rule(units=UNITS, taken=st.booleans())
    def correct(self, units: int, taken: bool) -> None:
        units = -units if taken else units
        told = self.run(self._correct(units * UNIT))
        assert (told is None) == (self.available + units >= 0)
        if told is None:
            self.available += units

    @precondition(lambda self: any(one.units for one in self.earnings.values()))
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        worth = [order_id for order_id, one in self.earnings.items() if one.units]
        order_id = data.draw(st.sampled_from(worth))
        earning = self.earnings[order_id]
        told = self.run(self._reverse(order_id))
        if earning.gone:
            assert isinstance(told, (AlreadyBooked, InsufficientBalance))
        elif earning.pending:
            assert told is None
            earning.gone, earning.pending = True, False
        else:
            assert (told is None) == (earning.units <= self.available)
            if told is None:
                earning.gone = True
                self.available -= earning.units

    @invariant()
    def the_balances_are_those_of_the_model(self) -> None:
        pending = sum(one.units for one in self.earnings.values() if one.pending)
        units = (pending, self.available, sum(self.reserved.values()), self.paid)
        expected = tuple(one * UNIT for one in units)
        assert self.run(held(self.ctx, self.organization)) == expected

    def teardown(self) -> None:
        verification = self.run(verify(self.ctx, organization_id=self.organization))
        assert verification.findings == ()

    async def _book(self, verb: Any, units: int, cause: Cause) -> Exception | None:
        try:
            async with self.ctx.database.transaction() as tx:
                await verb(tx, organization_id=self.organization, amount=units * UNIT, cause=cause)
        except (AlreadyBooked, InsufficientBalance, ValueError) as error:
            return error
        return None

    async def _correct(self, amount: Decimal) -> Exception | None:
        try:
            async with self.ctx.database.transaction() as tx:
                await ledger.correct(
                    tx,
                    actor=operator(self.organization),
                    amount=amount,
                    reason="for a test",
                    correction_id=uuid.uuid4(),
                )
        except InsufficientBalance as error:
            return error
        return None

    async def _reverse(self, order_id: str) -> Exception | None:
        try:
            async with self.ctx.database.transaction() as tx:
                await ledger.reverse(
                    tx, actor=operator(self.organization), order_id=order_id, reason="refunded"
                )
        except (AlreadyBooked, InsufficientBalance) as error:
            return error
        return None


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


def test_any_sequence_of_bookings(settings: Settings, runner: asyncio.Runner) -> None:
    assert settings.database_url is not None
    ctx = runner.run(AppContext.open(settings, settings.database_url))

    class Here(Bookings):
        def __init__(self) -> None:
            super().__init__(ctx, runner)

    try:
        run_state_machine_as_test(
            Here,
            settings=hypothesis_settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        runner.run(ctx.close())
