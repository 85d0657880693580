"""What the pages of an order work out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from privata.core.explorers import EXPLORERS, explorer_link
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.orders.presenting import refund_closes, slippage, stages, steps, swap_seconds
from privata.orders.public.words import words_for
from privata.orders.rows import TimelineEntry

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def entries(*statuses: str) -> list[TimelineEntry]:
    return [
        TimelineEntry(status, START + timedelta(seconds=30 * i), "provider")
        for i, status in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "shown"),
    [
        ("100", "99.5", None),
        ("100", "99.49", "-0.0051"),
        ("100", "100.5", None),
        ("100", "100.6", "0.006"),
        ("100", None, None),
    ],
)
def test_slippage_is_shown_beyond_half_a_percent(
    expected: str, actual: str | None, shown: str | None
) -> None:
    found = slippage(Decimal(expected), None if actual is None else Decimal(actual))
    assert found == (None if shown is None else Decimal(shown))


def test_the_timeline_says_how_long_each_change_took() -> None:
    shown = steps(entries("waiting_deposit", "confirming", "exchanging"))
    assert [step.status for step in shown] == ["exchanging", "confirming", "waiting_deposit"]
    assert [step.took for step in shown] == [30.0, 30.0, None]
    assert [step.current for step in shown] == [True, False, False]


def test_no_step_of_a_finished_order_is_current() -> None:
    assert not any(step.current for step in steps(entries("waiting_deposit", "expired")))


def test_stages_follow_the_straight_path() -> None:
    made = stages(entries("waiting_deposit", "confirming"))
    assert [stage.state for stage in made] == ["done", "now", "", "", ""]
    path = ("waiting_deposit", "confirming", "exchanging", "sending", "completed")
    assert {stage.state for stage in stages(entries(*path))} == {"done"}


def test_swap_time_runs_from_the_deposit_to_completion() -> None:
    path = entries("waiting_deposit", "confirming", "exchanging", "sending", "completed")
    assert swap_seconds(path) == 90
    assert swap_seconds(path[:3]) is None


def test_a_refund_window_closes_only_while_it_is_needed() -> None:
    assert refund_closes("refund_required", START, 24) == START + timedelta(hours=24)
    assert refund_closes("refund_required", START, None) is None
    assert refund_closes("refunded", START, 24) is None


@pytest.mark.parametrize("network", EXPLORERS)
def test_every_explorer_gets_the_hash(network: str) -> None:
    link = explorer_link(network, "ab/c?d", sandbox=False)
    assert link is not None
    assert link.url.startswith("https://")
    assert link.url.endswith("ab%2Fc%3Fd")


def test_simulated_transactions_are_nowhere() -> None:
    assert explorer_link("BTC", "ab", sandbox=True) is None
    assert explorer_link("UNKNOWN", "ab", sandbox=False) is None


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("reason", [None, *FailedReason])
def test_end_users_get_words_in_every_state(
    status: OrderStatus, reason: FailedReason | None
) -> None:
    words = words_for(status, reason)
    assert words.title
    assert "_" not in words.title + words.text
    assert words.text.endswith(".")
