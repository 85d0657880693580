"""The simulator: deterministic, inside its limits, and its addresses pass our own checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.addresses import validate_address
from privata.core.lifecycle import OrderStatus
from privata.providers.port import Asset, QuoteRequest, RateType
from privata.providers.simulator.addresses import deposit_address, tx_hash
from privata.providers.simulator.assets import PRICES
from privata.providers.simulator.provider import Simulator
from privata.providers.simulator.scenarios import Scenario, moment

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
        }[scenario]
    )
