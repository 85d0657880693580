"""The order's states: every step, every refusal."""

from __future__ import annotations

import itertools

import pytest

from privata.core.lifecycle import OPEN, PATH, TERMINAL, OrderStatus, route, steps

S = OrderStatus


@pytest.mark.parametrize(
    ("current", "reported", "entered"),
    [
        (S.WAITING_DEPOSIT, S.CONFIRMING, (S.CONFIRMING,)),
        (S.CONFIRMING, S.COMPLETED, (S.EXCHANGING, S.SENDING, S.COMPLETED)),
        (S.WAITING_DEPOSIT, S.COMPLETED, PATH[1:]),
        (S.WAITING_DEPOSIT, S.EXPIRED, (S.EXPIRED,)),
        (S.SENDING, S.FAILED, (S.FAILED,)),
        (S.EXCHANGING, S.REFUND_REQUIRED, (S.REFUND_REQUIRED,)),
        (S.REFUND_REQUIRED, S.REFUNDED, (S.REFUNDED,)),
        (S.CONFIRMING, S.REFUNDED, (S.REFUND_REQUIRED, S.REFUNDED)),
        (S.WAITING_DEPOSIT, S.MANUAL_REVIEW, (S.REFUND_REQUIRED, S.MANUAL_REVIEW)),
        (S.SENDING, S.MANUAL_REVIEW, (S.REFUND_REQUIRED, S.MANUAL_REVIEW)),
        (S.MANUAL_REVIEW, S.COMPLETED, (S.COMPLETED,)),
        (S.CONFIRMING, S.CONFIRMING, ()),
        (S.SENDING, S.CONFIRMING, ()),
        (S.CONFIRMING, S.EXPIRED, ()),
        (S.REFUND_REQUIRED, S.COMPLETED, ()),
        (S.REFUND_REQUIRED, S.FAILED, ()),
    ],
)
def test_steps(
    current: OrderStatus, reported: OrderStatus, entered: tuple[OrderStatus, ...]
) -> None:
    assert steps(current, reported) == entered


def test_a_terminal_state_is_never_left() -> None:
    for current, reported in itertools.product(TERMINAL, S):
        assert steps(current, reported) == ()


def test_every_open_state_can_fail_or_need_a_refund() -> None:
    for current, reported in itertools.product(OPEN, (S.FAILED, S.REFUND_REQUIRED)):
        assert steps(current, reported) == (reported,)


def test_no_state_is_entered_twice_whatever_is_reported() -> None:
    for current in OPEN:
        for reported in itertools.product(S, repeat=3):
            entered = route(current, reported)
            assert len(set(entered)) == len(entered)
            assert current not in entered


def test_passed_states_are_entered_before_the_reported_one() -> None:
    reported = (S.WAITING_DEPOSIT, S.CONFIRMING, S.REFUND_REQUIRED)
    assert route(S.WAITING_DEPOSIT, reported) == (S.CONFIRMING, S.REFUND_REQUIRED)
    assert route(S.CONFIRMING, reported) == (S.REFUND_REQUIRED,)
    assert route(S.REFUND_REQUIRED, reported) == ()


def test_a_provider_may_say_that_it_has_sent_the_deposit_back_and_nothing_else() -> None:
    assert route(S.REFUND_REQUIRED, (S.REFUND_REQUIRED, S.REFUNDED)) == (S.REFUNDED,)
    for reported in set(S) - {S.REFUNDED}:
        assert route(S.REFUND_REQUIRED, (reported,)) == ()
    for reported in S:
        assert route(S.MANUAL_REVIEW, (reported,)) == ()
