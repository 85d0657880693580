"""What follows from each way an attempt can end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.engine.decisions import (
    OUR_LONGEST_PAUSE_S,
    OUR_PAUSE_S,
    Decision,
    decide,
    our_pause,
)
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.transport.transport import SendResult

FIRST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def decided(result: SendResult, attempts: int = 0, seconds: float = 1.0) -> Decision:
    return decide(
        result,
        attempts=attempts,
        first_attempt_at=FIRST,
        now=FIRST + timedelta(seconds=seconds),
        schedule=DEFAULT_SCHEDULE,
        rng=Random(1),
    )


def test_success_ends_it() -> None:
    decision = decided(SendResult(Outcome.DELIVERED, 5.0, 204), attempts=7)
    assert (decision.status, decision.spent) == (DeliveryStatus.DELIVERED, True)


def test_our_fault_is_tried_again_soon_and_costs_nothing() -> None:
    decision = decided(SendResult(Outcome.INTERNAL, 5.0), attempts=7)
    assert (decision.status, decision.spent) == (DeliveryStatus.PENDING, False)
    assert OUR_PAUSE_S <= decision.wait_s <= 1.5 * OUR_PAUSE_S


def test_a_fault_of_ours_that_lasts_writes_few_attempts() -> None:
    """Every 5 to 7.5 s without end: 14,000 rows a day for a single delivery."""
    rng, at, made = Random(1), 0.0, 0
    while at < 24 * 3600:
        decision = decide(
            SendResult(Outcome.INTERNAL, 5.0),
            attempts=0,
            first_attempt_at=FIRST,
            now=FIRST,
            schedule=DEFAULT_SCHEDULE,
            rng=rng,
            unspent=made,
        )
        assert (decision.status, decision.spent) == (DeliveryStatus.PENDING, False)
        assert decision.wait_s <= 1.5 * OUR_LONGEST_PAUSE_S
        at += decision.wait_s
        made += 1
    assert 20 <= made <= 40
    assert our_pause(10_000) == OUR_LONGEST_PAUSE_S


@pytest.mark.parametrize("outcome", [one for one in Outcome if RULES[one].counts])
def test_their_failures_follow_the_schedule_to_its_end(outcome: Outcome) -> None:
    failed = SendResult(outcome, 5.0)
    first = decided(failed)
    assert (first.status, first.spent) == (DeliveryStatus.PENDING, True)
    assert 59 <= first.wait_s <= 65
    last = decided(failed, attempts=DEFAULT_SCHEDULE.attempts - 1, seconds=24 * 3600)
    assert (last.status, last.spent) == (DeliveryStatus.EXHAUSTED, True)


def test_retry_after_is_honoured_when_it_is_later() -> None:
    def answer(wait: str) -> SendResult:
        return SendResult(Outcome.HTTP_ERROR, 5.0, 503, (("retry-after", wait),))

    assert decided(answer("7200")).wait_s == 7200
    assert 59 <= decided(answer("1")).wait_s <= 65


def test_410_is_gone_and_the_delivery_stays() -> None:
    decision = decided(SendResult(Outcome.HTTP_ERROR, 5.0, 410))
    assert (decision.status, decision.gone) == (DeliveryStatus.PENDING, True)


@given(
    outcome=st.sampled_from(Outcome),
    status=st.sampled_from([None, 200, 302, 400, 410, 429, 500]),
    attempts=st.integers(0, 12),
    seconds=st.floats(0, 10 * 24 * 3600),
)
def test_every_end_leads_somewhere(
    outcome: Outcome, status: int | None, attempts: int, seconds: float
) -> None:
    decision = decided(SendResult(outcome, 5.0, status), attempts, seconds)
    assert decision.wait_s >= 0
    assert decision.spent is not RULES[outcome].ours
    if decision.status is DeliveryStatus.PENDING:
        assert decision.wait_s > 0
