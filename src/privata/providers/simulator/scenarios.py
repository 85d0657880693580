"""The ways a test order can go (docs/sandbox.md), as pure functions of time.

A scenario is a row of states; `ttl` seconds are the whole row, split evenly over its steps. The
expire scenario has no steps: it waits for `expires_at`, which is `ttl` after creation. In the late
one the order expires after a third of it, then its deposit comes, and then it is sent back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from privata.core.lifecycle import OrderStatus
from privata.providers.port import Scenario

_S = OrderStatus

_ROWS: dict[Scenario, tuple[OrderStatus, ...]] = {
    Scenario.SUCCESS: (_S.WAITING_DEPOSIT, _S.CONFIRMING, _S.EXCHANGING, _S.SENDING, _S.COMPLETED),
    Scenario.FAIL: (_S.WAITING_DEPOSIT, _S.FAILED),
    Scenario.REFUND: (_S.WAITING_DEPOSIT, _S.CONFIRMING, _S.REFUND_REQUIRED),
    Scenario.STUCK: (_S.WAITING_DEPOSIT, _S.CONFIRMING),
    Scenario.EXPIRE: (_S.WAITING_DEPOSIT, _S.EXPIRED),
    Scenario.LATE: (_S.WAITING_DEPOSIT, _S.EXPIRED, _S.CONFIRMING, _S.REFUNDED),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a test order stands, what it passed, and when that changes (None: never by itself)."""

    status: OrderStatus
    passed: tuple[OrderStatus, ...]
    next_change_at: datetime | None


def waits_for_deposit(scenario: Scenario, ttl: int) -> timedelta | None:
    """How long an order waits before it expires; None where the scenario does not say."""
    row = _ROWS[scenario]
    if _S.EXPIRED not in row:
        return None
    return timedelta(seconds=ttl) * row.index(_S.EXPIRED) / (len(row) - 1)


def moment(scenario: Scenario, ttl: int, created_at: datetime, now: datetime) -> Moment:
    """The state at `now` of an order created at `created_at`."""
    row = _ROWS[scenario]
    steps = len(row) - 1
    for index in range(1, steps + 1):
        at = created_at + timedelta(seconds=ttl) * index / steps
        if now < at:
            return Moment(row[index - 1], row[: index - 1], at)
    return Moment(row[-1], row[:-1], None)
