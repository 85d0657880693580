"""When a delivery is tried again: a value and pure functions over it.

A schedule lists offsets from the first attempt. Jitter adds to all of them but the last one, where
it takes away: no retry is early but that one, and all lie within the schedule's end. A receiver
that asks for more time with `Retry-After` gets it (RFC 9110, 10.2.3), as far as the retries that
follow still fit in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from random import Random
from typing import Final

JITTER: Final = 0.10

#: The last retry is earlier by this part of its step at least, so that it is also sent in time.
MARGIN: Final = 0.01
RETRY_AFTER_CAP: Final = timedelta(hours=24)

#: First steps of a schedule that a retry needs which follows at once: its pause and its sending.
ROOM: Final = 1.5
RETRY_AFTER_STATUSES: Final = frozenset({429, 503})

_SECONDS: Final = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Offsets of the retries after the first attempt, rising. Empty means: never retried."""

    offsets: tuple[timedelta, ...]

    def __post_init__(self) -> None:
        previous = timedelta(0)
        for offset in self.offsets:
            if offset <= previous:
                raise ValueError("the offsets of a retry schedule must be positive and rising")
            previous = offset

    @property
    def attempts(self) -> int:
        """How many attempts a delivery gets, the first one included."""
        return len(self.offsets) + 1

    def step(self, retry: int) -> timedelta:
        """The time between a retry (counted from 0) and the attempt before it."""
        return self.offsets[retry] - (self.offsets[retry - 1] if retry else timedelta(0))

    def planned(self, retry: int, rng: Random) -> timedelta:
        """When a retry comes after the first attempt, jitter included: before the next one's
        offset, and the last one before its own."""
        step = self.step(retry)
        if retry == len(self.offsets) - 1:
            return self.offsets[retry] - step * (MARGIN + (JITTER - MARGIN) * rng.random())
        return self.offsets[retry] + min(step, self.step(retry + 1)) * (JITTER * rng.random())

    def pause(self, retry: int, rng: Random) -> timedelta:
        """How long a retry rests whose planned time has passed."""
        return min(self.step(0), self.step(retry)) * (1 + JITTER * rng.random())

    def latest(self, retry: int) -> timedelta:
        """The latest time after the first attempt that leaves room for the retries behind it."""
        behind = len(self.offsets) - 1 - retry
        end = self.offsets[-1] - self.step(len(self.offsets) - 1) * MARGIN
        return end - behind * self.step(0) * ROOM


DEFAULT_SCHEDULE: Final = RetrySchedule(
    tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
)

#: The schedule of a dialect; what is not named here has the default.
DIALECT_SCHEDULES: Final[dict[str, RetrySchedule]] = {}

#: What an endpoint may ask for: so many retries at most, none later than 30 days.
MAX_RETRIES: Final = 20
LONGEST_S: Final = 30 * 24 * 3600


def schedule_for(dialect: str, offsets_s: Sequence[int] | None) -> RetrySchedule:
    """The endpoint's own schedule, of offsets in seconds, or its dialect's.

    `ValueError` for offsets that do not rise.
    """
    if offsets_s is None:
        return DIALECT_SCHEDULES.get(dialect, DEFAULT_SCHEDULE)
    return _schedule(tuple(offsets_s))


@lru_cache(maxsize=256)
def _schedule(offsets_s: tuple[int, ...]) -> RetrySchedule:
    return RetrySchedule(tuple(timedelta(seconds=offset) for offset in offsets_s))


def next_due(
    schedule: RetrySchedule,
    first_attempt_at: datetime,
    attempts_made: int,
    now: datetime,
    retry_after: timedelta | None,
    rng: Random,
) -> datetime | None:
    """When the next attempt is due, or None when the schedule is used up.

    `attempts_made` counts spent attempts and is at least 1. A retry whose time has passed while
    we were not running, or the endpoint was paused, comes one step after `now` at most: an outage
    of ours must not turn the rest of a schedule into a burst. `Retry-After` moves a retry as far
    as those behind it still fit before the schedule's end. Only what is left when that end has
    passed already, through a pause or an outage of ours, comes after it.
    """
    if attempts_made < 1:
        raise ValueError("next_due is asked after an attempt")
    retry = attempts_made - 1
    if retry >= len(schedule.offsets):
        return None
    planned = first_attempt_at + schedule.planned(retry, rng)
    due = planned if planned > now else now + schedule.pause(retry, rng)
    if retry_after is not None:
        due = max(due, now + min(retry_after, RETRY_AFTER_CAP))
    latest = first_attempt_at + schedule.latest(retry)
    return min(due, max(planned, latest)) if max(planned, latest) > now else due


def parse_retry_after(value: str, now: datetime) -> timedelta | None:
    """How long a `Retry-After` value asks to wait: seconds or an HTTP date; None when junk.

    Never negative (a date in the past asks for no wait) and never above 24 hours.
    """
    text = value.strip(" \t")
    if _SECONDS.fullmatch(text):
        seconds = min(int(text), int(RETRY_AFTER_CAP.total_seconds()))
        return timedelta(seconds=seconds)
    if len(text) > 64 or not text.isascii() or not text[:1].isalpha():
        return None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = moment - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), RETRY_AFTER_CAP)


def retry_after(
    status: int | None, headers: Iterable[tuple[str, str]], now: datetime
) -> timedelta | None:
    """The wait a response asks for: only on 429 and 503; of several headers the longest."""
    if status not in RETRY_AFTER_STATUSES:
        return None
    waits = (parse_retry_after(value, now) for name, value in headers if name == "retry-after")
    return max((wait for wait in waits if wait is not None), default=None)
