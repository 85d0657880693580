"""What an attempt's end means for its delivery. Pure; docs/webhooks.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from privata.webhooks.outcomes import GONE, RULES, Outcome
from privata.webhooks.schedule import RetrySchedule, next_due, retry_after
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.transport.transport import SendResult

#: Seconds until an attempt that failed through our own fault is made again, doubled each time up
#: to the longest; up to half as much is added, so that what failed together does not come back
#: together. A fault that lasts costs a delivery some 30 attempts on its first day and 20 on each
#: later one. When the network is back, `own_faults` does not wait for it.
OUR_PAUSE_S: Final = 5.0
OUR_LONGEST_PAUSE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Decision:
    """`wait_s` is how long from now the next attempt is due, `spent` whether this one counts."""

    status: DeliveryStatus
    spent: bool
    wait_s: float = 0.0
    gone: bool = False


def decide(
    result: SendResult,
    *,
    attempts: int,
    first_attempt_at: datetime,
    now: datetime,
    schedule: RetrySchedule,
    rng: Random,
    unaided: bool = False,
    unspent: int = 0,
) -> Decision:
    """What follows from a result after `attempts` earlier attempts that counted.

    `now` is when the attempt ended; `unspent` is how many attempts came to nothing through us.
    `unaided`: it was a probe of ours. These take the oldest event every few minutes, so they would
    use up its attempts in an hour; none of them is the last before the time of the schedule is over
    as well.
    """
    rule = RULES[result.outcome]
    if result.outcome is Outcome.DELIVERED:
        return Decision(DeliveryStatus.DELIVERED, spent=True)
    if rule.ours:
        pause = our_pause(unspent) * (1 + rng.random() / 2)
        return Decision(DeliveryStatus.PENDING, spent=False, wait_s=pause)
    gone = result.status_code == GONE
    wait = retry_after(result.status_code, result.response_headers, now)
    due = next_due(schedule, first_attempt_at, attempts + 1, now, wait, rng)
    if due is None and unaided and schedule.offsets:
        end = first_attempt_at + schedule.offsets[-1]
        due = end if now < end else None
    if due is None or not rule.retried:
        return Decision(DeliveryStatus.EXHAUSTED, spent=True, gone=gone)
    wait_s = max(0.0, (due - now).total_seconds())
    return Decision(DeliveryStatus.PENDING, spent=True, wait_s=wait_s, gone=gone)


def our_pause(unspent: int) -> float:
    """Seconds, without the random part, to the next attempt after `unspent` that were our fault."""
    doublings = min(max(0, unspent), 16)
    return min(OUR_LONGEST_PAUSE_S, OUR_PAUSE_S * 2.0**doublings)
