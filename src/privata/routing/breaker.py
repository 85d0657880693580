"""The circuit breaker of one provider: pure.

    closed -- failures in a row --> open -- rest --> half open -- the probe succeeds --> closed
                                     ^                   |
                                     +--- it fails ------+

Every call asks to be let through and gets a permit. A result counts only with a permit of the time
that it is about: what began before the breaker opened says nothing about what came after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class BreakerState(StrEnum):
    """Whether calls are let through: all, none, or one to try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """`failures` in a row open it. It rests `rest_s` seconds, after each failed probe twice as long
    as before, at most `most_rest_s`. A probe without a result is given up after `probe_s`."""

    failures: int = 5
    rest_s: float = 10.0
    most_rest_s: float = 120.0
    probe_s: float = 15.0


RULES: Final = BreakerRules()


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until` is when an open one may be probed, or the probe of a half-open one is given up.

    `epoch` goes up whenever it opens, and whenever a probe goes out.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    rest_s: float = 0.0
    until: float = 0.0
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to call."""

    epoch: int


def asked(
    breaker: Breaker, now: float, rules: BreakerRules = RULES
) -> tuple[Breaker, Permit | None]:
    """May a call go out now? The breaker afterwards, and the permit; None: no."""
    if breaker.state is BreakerState.CLOSED:
        return breaker, Permit(breaker.epoch)
    if now < breaker.until:
        return breaker, None
    epoch = breaker.epoch + 1
    probing = replace(breaker, state=BreakerState.HALF_OPEN, until=now + rules.probe_s, epoch=epoch)
    return probing, Permit(epoch)


def succeeded(breaker: Breaker, permit: Permit) -> Breaker:
    """After an answer that means something, be it a refusal."""
    if permit.epoch != breaker.epoch:
        return breaker
    return Breaker(epoch=breaker.epoch)


def failed(breaker: Breaker, permit: Permit, now: float, rules: BreakerRules = RULES) -> Breaker:
    """After no answer, or one that means nothing."""
    if permit.epoch != breaker.epoch:
        return breaker
    failures = breaker.failures + 1
    if breaker.state is BreakerState.CLOSED and failures < rules.failures:
        return replace(breaker, failures=failures)
    rest = min(max(rules.rest_s, 2 * breaker.rest_s), rules.most_rest_s)
    return Breaker(BreakerState.OPEN, failures, rest, now + rest, breaker.epoch + 1)


def resting(breaker: Breaker, now: float) -> float:
    """Seconds for which no call is let through; 0: one may go out now."""
    if breaker.state is BreakerState.CLOSED:
        return 0.0
    return max(0.0, breaker.until - now)
