"""What an attempt's end means for its delivery. Pure; SPEC 12."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from privata.webhooks.outcomes import GONE, RULES, Outcome
from privata.webhooks.schedule import RetrySchedule, next_due, retry_after
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.transport import SendResult

#: Seconds until an attempt that failed through our own fault is made again; up to half as much
#: is added, so that what failed together does not come back together.
OUR_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
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
) -> Verdict:
    """What follows from a result after `attempts` earlier attempts that counted.

    `now` is when the attempt ended. `unaided`: it was a probe of ours. These take the oldest event
    every few minutes, so they would use up its attempts in an hour; none of them is the last before
    the time of the schedule is over as well.
    """
    rule = RULES[result.outcome]
    if result.outcome is Outcome.DELIVERED:
        return Verdict(DeliveryStatus.DELIVERED, spent=True)
    if rule.ours:
        pause = OUR_PAUSE_S * (1 + rng.random() / 2)
        return Verdict(DeliveryStatus.PENDING, spent=False, wait_s=pause)
    gone = result.status_code == GONE
    wait = retry_after(result.status_code, result.response_headers, now)
    due = next_due(schedule, first_attempt_at, attempts + 1, now, wait, rng)
    if due is None and unaided and schedule.offsets:
        end = first_attempt_at + schedule.offsets[-1]
        due = end if now < end else None
    if due is None or not rule.retried:
        return Verdict(DeliveryStatus.EXHAUSTED, spent=True, gone=gone)
    wait_s = max(0.0, (due - now).total_seconds())
    return Verdict(DeliveryStatus.PENDING, spent=True, wait_s=wait_s, gone=gone)
