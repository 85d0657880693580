"""How many sending slots an organization and an endpoint may hold: pure rules over numbers.

An *account* is one organization in one environment on one channel. What it may hold depends on how
long its receivers hold a slot, not on how many requests they get, and on how many slots are free:
an account with a share of s never takes more than s / (1 - s) times what stays free. Alone it so
comes to s of all slots; several together leave some free, however many there are. Whoever has
nothing under way therefore finds a slot at once. The idea is that of dynamic thresholds for shared
buffers (Choudhury and Hahne, 1998).

Seconds are those for which a receiver keeps a slot: from connecting to the end of its answer.
"""

from __future__ import annotations

from typing import Final

#: A receiver that answers within this time gets all that its account and its endpoint may hold;
#: a slower one in proportion less. Seconds.
FULL_S: Final = 0.5

#: What a receiver counts as until it has answered once, seconds.
UNMEASURED_S: Final = 2.0

#: The part of the slots that an account comes to when it is alone: quick, and at its slowest.
MOST: Final = 7 / 8
LEAST: Final = 1 / 8

#: The part of the free slots that an account which is not known to be quick takes in one claim.
FIRST_TAKE: Final = 1 / 16

#: One slot in so many is for the live environment alone, one for the test environment alone.
LIVE_RESERVE: Final = 8
TEST_RESERVE: Final = 32

#: How much the newest of an endpoint's and of an account's sends counts in their averages.
ENDPOINT_WEIGHT: Final = 1 / 8
ACCOUNT_WEIGHT: Final = 1 / 16


def share(held_s: float) -> float:
    """The part of all slots that an account may come to when it is alone."""
    return max(LEAST, MOST * _quickness(held_s))


def account_free(free: int, sends: int, held_s: float) -> int:
    """How many more of `free` slots an account with `sends` under way may take; 0 at least.

    `free` are those that its environment may take. One that has nothing under way gets one
    whenever there is one.
    """
    if free <= 0:
        return 0
    part = share(held_s)
    # The greatest x with sends + x <= part / (1 - part) * (free - x).
    more = int(part * free - (1 - part) * sends + 1e-9)
    return min(free, max(more, 0 if sends else 1))


def first_take(free: int) -> int:
    """What an account of which nothing is known takes of `free` slots in one claim."""
    return max(1, int(free * FIRST_TAKE)) if free > 0 else 0


def endpoint_cap(cap: int, held_s: float) -> int:
    """How many sends an endpoint may have under way, of the `cap` that a quick one may."""
    return max(1, int(cap * max(LEAST, _quickness(held_s))))


def averaged(before: float | None, held_s: float, weight: float) -> float:
    """The average held time after one more send."""
    return held_s if before is None else before + weight * (held_s - before)


def reserve(slots: int, one_in: int) -> int:
    """How many of `slots` are kept for one environment; with so few that it would hurt, none."""
    return max(1, slots // one_in) if slots > 2 else 0


def _quickness(held_s: float) -> float:
    return min(1.0, FULL_S / max(held_s, FULL_S))
