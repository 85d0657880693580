"""The simulator: deterministic, inside its limits, and its addresses pass our own checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.addresses import validate_address
from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.lifecycle import OrderStatus
from privata.providers.port import (
    Agreed,
    Asset,
    OrderRequest,
    OrderSnapshot,
    QuoteRequest,
    RateType,
    RefundRequest,
    SandboxPlan,
    Scenario,
)
from privata.providers.simulator.addresses import deposit_address, tx_hash
from privata.providers.simulator.assets import PRICES
from privata.providers.simulator.provider import EXPIRY, Simulator
from privata.providers.simulator.scenarios import moment

START = datetime(2026, 1, 1, tzinfo=UTC)
ASSETS = list(PRICES)


@given(st.sampled_from(sorted({asset.network for asset in ASSETS})), st.text(max_size=30))
def test_deposit_addresses_are_valid_and_follow_from_the_seed(network: str, seed: str) -> None:
    address, extra_id = deposit_address(network, seed)
    assert validate_address(network, address, extra_id).address == address
    assert deposit_address(network, seed) == (address, extra_id)
    assert tx_hash(seed, "in") != tx_hash(seed, "out")


@given(st.sampled_from(ASSETS), st.sampled_from(ASSETS), st.sampled_from(["float", "fixed"]))
async def test_what_is_sent_always_buys_what_was_asked_for(
    source: Asset, target: Asset, rate_type: RateType
) -> None:
    simulator = Simulator()
    limits = await simulator.limits(source, target)
    if limits is None:
        assert source == target
        return
    sold = await simulator.quote(QuoteRequest(source, target, limits.maximum, "send", rate_type))
    bought = await simulator.quote(
        QuoteRequest(source, target, sold.amount_to, "receive", rate_type)
    )
    assert bought.amount_to == sold.amount_to
    again = await simulator.quote(
        QuoteRequest(source, target, bought.amount_from, "send", rate_type)
    )
    assert again.amount_to >= bought.amount_to


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("ttl", [0, 1, 30, 3600])
def test_scenarios_end_exactly_at_their_time(scenario: Scenario, ttl: int) -> None:
    now, seen = START, []
    while True:
        at = moment(scenario, ttl, START, now)
        seen.append(at.status)
        if at.next_change_at is None:
            break
        assert at.next_change_at > now
        now = at.next_change_at
    assert now == START + timedelta(seconds=ttl)
    last = moment(scenario, ttl, START, now + timedelta(days=400))
    assert (*last.passed, last.status)[-len(seen) :] == tuple(seen)
    assert (
        last.status
        is {
            Scenario.SUCCESS: OrderStatus.COMPLETED,
            Scenario.FAIL: OrderStatus.FAILED,
            Scenario.REFUND: OrderStatus.REFUND_REQUIRED,
            Scenario.STUCK: OrderStatus.CONFIRMING,
            Scenario.EXPIRE: OrderStatus.EXPIRED,
            Scenario.LATE: OrderStatus.REFUNDED,
        }[scenario]
    )


@given(
    st.sampled_from(sorted(Scenario)),
    st.integers(0, 3600),
    st.sampled_from(["float", "fixed"]),
)
async def test_no_order_expires_before_its_path_has_ended(
    scenario: Scenario, ttl: int, rate_type: RateType
) -> None:
    opened = await Simulator().create_order(_order(scenario, ttl, rate_type))
    path = timedelta(seconds=ttl)
    if scenario is Scenario.EXPIRE:
        assert opened.expires_at == START + path
    elif scenario is Scenario.LATE:
        assert opened.expires_at == START + path / 3
    else:
        assert opened.expires_at >= START + max(path, EXPIRY[rate_type])


@given(st.sampled_from(sorted(Scenario)), st.integers(0, 3600), st.integers(0, 4000))
async def test_the_same_order_gets_the_same_answers(
    scenario: Scenario, ttl: int, after: int
) -> None:
    one, other = Simulator(), Simulator()
    request = _order(scenario, ttl, "float")
    assert await one.create_order(request) == await other.create_order(request)
    now = START + timedelta(seconds=after)
    seen = await one.get_order(_snapshot(scenario, ttl), now)
    assert seen == await other.get_order(_snapshot(scenario, ttl), now)
    assert (seen.tx_out_hash is None) == (
        seen.status not in (OrderStatus.COMPLETED, OrderStatus.REFUNDED)
    )


@pytest.mark.parametrize("amount", ["0.1", "1", "0.10200", "202.1"])
async def test_a_refund_is_made_at_once_and_always_the_same(amount: str) -> None:
    report = await Simulator().refund(_refund(amount), START)
    assert report.done
    assert report == await Simulator().refund(_refund(amount), START + timedelta(days=1))
    other = await Simulator().refund(_refund(amount, asset="USDT", network="TRC20"), START)
    assert other.tx_hash != report.tx_hash


async def test_the_amount_chooses_how_a_refund_goes() -> None:
    simulator = Simulator()
    with pytest.raises(ProviderRefused):
        await simulator.refund(_refund("0.10403"), START)
    with pytest.raises(ProviderUnavailable):
        await simulator.refund(_refund("0.50300"), START)
    taken = await simulator.refund(_refund("0.10202"), START)
    assert not taken.done
    assert taken.check_at is not None
    done = await simulator.refund(_refund("0.10202"), taken.check_at)
    assert done.done
    assert done.provider_reference == taken.provider_reference


def _order(scenario: Scenario, ttl: int, rate_type: RateType) -> OrderRequest:
    return OrderRequest(
        seed="qt_1",
        source=ASSETS[0],
        target=ASSETS[1],
        amount_from=Decimal(1),
        amount_to=Decimal(20),
        rate_type=rate_type,
        payout_address="x",
        payout_extra_id=None,
        refund_address=None,
        refund_extra_id=None,
        created_at=START,
        sandbox=SandboxPlan(scenario.value, ttl),
    )


def _snapshot(scenario: Scenario, ttl: int) -> OrderSnapshot:
    return OrderSnapshot(
        provider_order_id="sim-1",
        seed="qt_1",
        status=OrderStatus.WAITING_DEPOSIT,
        amount_to_expected=Decimal(20),
        created_at=START,
        expires_at=START + timedelta(days=1),
        sandbox=SandboxPlan(scenario.value, ttl),
        agreed=Agreed(ASSETS[0], ASSETS[1], Decimal(1), "float", "d", "x"),
    )


def _refund(amount: str, *, asset: str = "BTC", network: str = "BTC") -> RefundRequest:
    return RefundRequest(
        reference="refund:prv-1",
        provider_order_id="sim-1",
        seed="qt_1",
        deposit=Decimal(amount),
        asset=asset,
        network=network,
        address="x",
        extra_id=None,
        requested_at=START,
        sandbox=SandboxPlan("refund", 0),
    )
