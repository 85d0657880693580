"""What may be requested: amounts, addresses, and how often."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InsufficientBalance,
    RateLimited,
    ValidationFailed,
    WrongPayoutState,
)
from privata.payouts import service
from privata.payouts.access import operator
from privata.payouts.addresses import service as addresses
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.tests.making import (
    ADDRESS,
    Payee,
    make_payee,
    other_organization,
    with_settings,
)


async def test_amounts_have_a_least_and_a_most(payee: Payee) -> None:
    await payee.fund("100000")
    for amount in ("499.99", "0.01"):
        with pytest.raises(AmountTooLow) as low:
            await payee.request(amount)
        assert low.value.data == {"min": "500.00", "max": "50000.00"}
    for amount in ("50000.01", "1000000000000"):
        with pytest.raises(AmountTooHigh) as high:
            await payee.request(amount)
        assert high.value.data == {"min": "500.00", "max": "50000.00"}
    assert (await payee.request("500")).payout.amount == 500
    assert (await payee.request("50000")).payout.amount == 50000


async def test_no_more_than_is_available(payee: Payee) -> None:
    with pytest.raises(InsufficientBalance) as refused:
        await payee.request("2000.01")
    assert refused.value.data == {"available": "2000.00"}
    await payee.request("2000.00")


async def test_full_is_the_balance_in_whole_cents(payee: Payee) -> None:
    await payee.fund("0.12999999")
    made = await payee.request(None)
    assert made.payout.amount == Decimal("2000.12")
    await payee.confirm(made)
    assert await payee.balances() == ("0.01", "2000.12", "0.00")  # 0.00999999, rounded to be shown
    with pytest.raises(AmountTooLow):
        await payee.request(None)


async def test_full_of_too_much_is_refused_and_names_the_most(payee: Payee) -> None:
    await payee.fund("48000.01")
    with pytest.raises(AmountTooHigh, match=r"maximum payout is 50000\.00 USD"):
        await payee.request(None)


async def test_two_requests_in_24_hours_whatever_becomes_of_them(payee: Payee) -> None:
    first = await payee.request()
    payee.clock.advance(timedelta(hours=1))
    await payee.request()
    await service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=first.payout.id)
    with pytest.raises(RateLimited, match="limit of 2 payout requests in 24 hours") as refused:
        await payee.request()
    assert refused.value.headers == {"Retry-After": str(23 * 3600)}
    payee.clock.advance(timedelta(hours=22, minutes=59, seconds=59))
    with pytest.raises(RateLimited):
        await payee.request()
    payee.clock.advance(timedelta(seconds=1))
    await payee.request()
    with pytest.raises(RateLimited):
        await payee.request()


async def test_many_requests_at_once_are_two(payee: Payee) -> None:
    found = await asyncio.gather(*(payee.request() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, service.Requested) for one in found) == 2
    assert sum(isinstance(one, RateLimited) for one in found) == 10


async def test_each_organization_has_its_own_two(payee: Payee) -> None:
    other = await make_payee(payee.ctx, await other_organization(payee.ctx), payee.clock)
    await other.usable_address()
    await other.fund("1000")
    for one in (payee, other):
        await one.request()
        await one.request()


async def test_the_limit_is_a_setting(payee: Payee) -> None:
    payee.ctx = with_settings(payee.ctx, payout_requests_per_day=1)
    await payee.request()
    with pytest.raises(RateLimited, match="limit of 1 payout"):
        await payee.request()


async def test_large_amounts_need_approval(payee: Payee) -> None:
    payee.ctx = with_settings(payee.ctx, payout_approval_usd=Decimal(600))
    assert not (await payee.request("600")).payout.needs_approval
    assert (await payee.request("600.01")).payout.needs_approval


async def test_an_address_of_somebody_else_looks_like_none(payee: Payee) -> None:
    other = await make_payee(payee.ctx, await other_organization(payee.ctx), payee.clock)
    foreign = await other.usable_address()
    said = set()
    for ident in (foreign, uuid.uuid4()):
        with pytest.raises(ValidationFailed) as refused:
            await payee.request(address_id=ident)
        said.add((refused.value.message, refused.value.fields))
    assert len(said) == 1
    assert said.pop()[1][0][0] == "address_id"


async def test_only_a_verified_address_after_its_day(payee: Payee) -> None:
    sol = PayoutCurrency.USDC_SOL
    with pytest.raises(ValidationFailed, match="no default address"):
        await payee.request(currency=sol)
    added = await addresses.add_address(
        payee.ctx, actor=payee.actor, currency=sol, address=ADDRESS[sol]
    )
    with pytest.raises(ValidationFailed, match="not verified"):
        await payee.request(address_id=added.id)
    with pytest.raises(ValidationFailed, match="no default address"):
        await payee.request(currency=sol)
    await addresses.vouch_for_address(
        payee.ctx, actor=operator(payee.organization_id, "op"), address_id=added.id
    )
    payee.clock.advance(timedelta(hours=23, minutes=59, seconds=59))
    with pytest.raises(ValidationFailed, match="can be used from"):
        await payee.request(address_id=added.id)
    payee.clock.advance(timedelta(seconds=1))
    assert (await payee.request(currency=sol)).payout.address == ADDRESS[sol]
    await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=added.id)
    with pytest.raises(ValidationFailed, match="not one of your"):
        await payee.request(address_id=added.id)


async def test_only_approved_organizations(payee: Payee) -> None:
    await payee.ctx.database.pool.execute("UPDATE organization SET status = 'rejected'")
    with pytest.raises(WrongPayoutState, match="require an approved organization"):
        await payee.request()
