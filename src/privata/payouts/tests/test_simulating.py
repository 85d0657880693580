"""The paths of simulated payouts, and the transactions that "pay" them."""

from __future__ import annotations

import itertools
import uuid

import pytest

from privata.payouts import simulating
from privata.payouts.currencies import TOKENS, PayoutCurrency
from privata.payouts.lifecycle import TERMINAL, PayoutStatus, may_move
from privata.payouts.simulating import PayoutScenario, next_status, path, seconds_in

ANY = list(itertools.product(PayoutScenario, (False, True)))


@pytest.mark.parametrize(("scenario", "approval"), ANY)
def test_a_scenario_makes_only_steps_of_the_table(scenario: PayoutScenario, approval: bool) -> None:
    row = path(scenario, needs_approval=approval)
    for current, to in itertools.pairwise(row):
        assert may_move(current, to, needs_approval=approval)
        assert next_status(current, scenario, needs_approval=approval) is to
    assert row[-1] in TERMINAL
    assert next_status(row[-1], scenario, needs_approval=approval) is None
    assert next_status(PayoutStatus.REQUESTED, scenario, needs_approval=approval) is None
    spent = [seconds_in(one, scenario, 30, needs_approval=approval) for one in row[:-1]]
    assert sum(one for one in spent if one is not None) == pytest.approx(30)
    assert seconds_in(row[-1], scenario, 30, needs_approval=approval) is None


@pytest.mark.parametrize("currency", list(PayoutCurrency))
def test_a_transaction_has_its_chains_form_and_follows_from_the_payout(
    currency: PayoutCurrency,
) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    made = simulating.transaction(one, currency)
    assert TOKENS[currency].is_hash(made)
    assert made == simulating.transaction(one, currency)
    assert made != simulating.transaction(other, currency)
