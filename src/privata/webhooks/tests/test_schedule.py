"""The retry schedule as a table and as properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.schedule import (
    DEFAULT_SCHEDULE,
    JITTER,
    MARGIN,
    RETRY_AFTER_CAP,
    RetrySchedule,
    next_due,
    parse_retry_after,
    retry_after,
)

FIRST = datetime(2026, 5, 21, 10, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class NoJitter(Random):
    def random(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("made", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 240), (6, 720), (7, 1432.8)]
)
def test_the_published_table(made: int, minutes: int) -> None:
    before = DEFAULT_SCHEDULE.offsets[made - 2] if made > 1 else timedelta(0)
    due = next_due(DEFAULT_SCHEDULE, FIRST, made, FIRST + before + SECOND, None, NoJitter())
    assert due == FIRST + timedelta(minutes=minutes)


def test_after_the_last_retry_there_is_none() -> None:
    assert DEFAULT_SCHEDULE.attempts == 8
    assert next_due(DEFAULT_SCHEDULE, FIRST, 8, FIRST, None, Random(1)) is None
    assert next_due(RetrySchedule(()), FIRST, 1, FIRST, None, Random(1)) is None


@given(st.integers(1, 6), st.integers(0, 2**32), st.floats(0, 30))
def test_never_early_and_jitter_bounded(made: int, seed: int, took: float) -> None:
    step = DEFAULT_SCHEDULE.step(made - 1)
    nominal = FIRST + DEFAULT_SCHEDULE.offsets[made - 1]
    now = nominal - step + timedelta(seconds=took)
    due = next_due(DEFAULT_SCHEDULE, FIRST, made, now, None, Random(seed))
    assert due is not None
    assert nominal <= due <= nominal + step * JITTER + timedelta(microseconds=1)


@given(st.integers(0, 2**32))
def test_the_last_retry_does_not_come_after_25_hours(seed: int) -> None:
    """It came at 25.06 h: its jitter was added to the 24 hours."""
    now = FIRST + 13 * HOUR
    due = next_due(DEFAULT_SCHEDULE, FIRST, 7, now, None, Random(seed))
    assert due is not None
    end, step = FIRST + 24 * HOUR, DEFAULT_SCHEDULE.step(6)
    assert end - step * JITTER <= due <= end - step * MARGIN


_RISING = st.lists(st.integers(60, 36_000), min_size=1, max_size=20).map(
    lambda steps: RetrySchedule(
        tuple(timedelta(seconds=sum(steps[: n + 1])) for n in range(len(steps)))
    )
)


@given(st.just(DEFAULT_SCHEDULE) | _RISING, st.integers(0, 2**32), st.data())
def test_all_retries_lie_within_the_schedule_whatever_is_asked_for(
    schedule: RetrySchedule, seed: int, data: st.DataObject
) -> None:
    """Jitter and `Retry-After` included; each retry takes its time, and none is left out."""
    rng, now, times = Random(seed), FIRST + 5 * SECOND, []
    for made in range(1, schedule.attempts):
        wait = data.draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=2)))
        due = next_due(schedule, FIRST, made, now, wait, rng)
        assert due is not None
        assert due > now
        times.append(due)
        now = due + 5 * SECOND
    assert times[-1] < FIRST + schedule.offsets[-1]
    assert len(times) == len(schedule.offsets)


@given(st.integers(0, 2**32))
def test_a_whole_life_rises(seed: int) -> None:
    rng, now, times = Random(seed), FIRST + 2 * SECOND, [FIRST]
    for made in range(1, 8):
        due = next_due(DEFAULT_SCHEDULE, FIRST, made, now, None, rng)
        assert due is not None
        times.append(due)
        now = due + 2 * SECOND
    assert times == sorted(set(times))


@given(st.integers(1, 7), st.integers(0, 200 * 3600), st.integers(0, 2**32))
def test_an_outage_of_ours_makes_no_burst(made: int, late: int, seed: int) -> None:
    now = FIRST + late * SECOND
    due = next_due(DEFAULT_SCHEDULE, FIRST, made, now, None, Random(seed))
    assert due is not None
    nominal, step = FIRST + DEFAULT_SCHEDULE.offsets[made - 1], DEFAULT_SCHEDULE.step(made - 1)
    assert due > now
    assert due >= nominal - (step * JITTER if made == 7 else timedelta(0))
    assert due <= max(nominal + step * 0.11, now + timedelta(minutes=1.2))


@given(st.integers(1, 7), st.timedeltas(timedelta(0), timedelta(days=9)), st.integers(0, 2**32))
def test_retry_after_only_ever_delays(made: int, wait: timedelta, seed: int) -> None:
    """And no longer than the retries behind it can still be made before the end."""
    now = FIRST + SECOND
    plain = next_due(DEFAULT_SCHEDULE, FIRST, made, now, None, Random(seed))
    asked = next_due(DEFAULT_SCHEDULE, FIRST, made, now, wait, Random(seed))
    assert plain is not None
    room = FIRST + DEFAULT_SCHEDULE.latest(made - 1)
    assert asked == min(max(plain, now + min(wait, RETRY_AFTER_CAP)), max(plain, room))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5 * SECOND),
        (" 120 ", 120 * SECOND),
        ("0", timedelta(0)),
        ("1000000000", RETRY_AFTER_CAP),
        ("9" * 20, RETRY_AFTER_CAP),
        ("Thu, 21 May 2026 11:00:00 GMT", HOUR),
        ("Thursday, 21-May-26 11:00:00 GMT", HOUR),
        ("Thu May 21 11:00:00 2026", HOUR),
        ("Thu, 21 May 2026 13:00:00 +0200", HOUR),
        ("Thu, 21 May 2020 11:00:00 GMT", timedelta(0)),
        ("Thu, 21 May 9999 11:00:00 GMT", RETRY_AFTER_CAP),
    ],
)
def test_retry_after_understood(value: str, expected: timedelta) -> None:
    assert parse_retry_after(value, FIRST) == expected


@pytest.mark.parametrize(
    "value",
    ["", "-1", "+5", "1e9", "5.5", "soon", "\u0665", "9" * 21, "Thu",
     "Thu, 99 May 2026 11:00:00 GMT",
     "Thu, 21 May 2026 11:00:00 +9999999999", "x" * 100_000, "2026-05-21T11:00:00Z", "\x00"],
)  # fmt: skip
def test_retry_after_junk(value: str) -> None:
    assert parse_retry_after(value, FIRST) is None


@given(st.text(max_size=70))
def test_retry_after_never_raises(value: str) -> None:
    wait = parse_retry_after(value, FIRST)
    assert wait is None or timedelta(0) <= wait <= RETRY_AFTER_CAP


def test_retry_after_of_a_response() -> None:
    headers = [("retry-after", "5"), ("retry-after", "60"), ("retry-after", "junk")]
    assert retry_after(503, headers, FIRST) == 60 * SECOND
    assert retry_after(429, headers, FIRST) == 60 * SECOND
    assert retry_after(500, headers, FIRST) is None
    assert retry_after(None, headers, FIRST) is None
    assert retry_after(503, [], FIRST) is None


def test_a_schedule_must_rise() -> None:
    for offsets in ((timedelta(0),), (HOUR, HOUR), (HOUR, SECOND)):
        with pytest.raises(ValueError, match="rising"):
            RetrySchedule(offsets)
    with pytest.raises(ValueError, match="after an attempt"):
        next_due(DEFAULT_SCHEDULE, FIRST, 0, FIRST, None, Random(1))
