"""The time is the database's, whatever the clock of the machine says and does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from privata.infra.database_clock import LEAST_STEP_S, MOST_TOOK_S, DatabaseClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Machine:
    """Both clocks of a machine: the one that people set, and the one that only goes on."""

    def __init__(self) -> None:
        self.wall, self.seconds = NOON, 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.mark.parametrize("off", [HOUR, -HOUR, timedelta(seconds=-2)])
def test_it_is_set_by_the_database_and_goes_on_alone(off: timedelta) -> None:
    machine = Machine()
    clock = DatabaseClock(machine, machine.monotonic)
    assert clock.now() == NOON, "the machine's, as long as nothing is known"
    clock.set(NOON + off, 0.2)
    assert clock.now() == NOON + off + timedelta(seconds=0.1)
    machine.passes(5)
    machine.wall += HOUR  # it steps
    assert clock.now() == NOON + off + timedelta(seconds=5.1)


def test_small_differences_and_slow_answers_do_not_move_it() -> None:
    machine = Machine()
    clock = DatabaseClock(machine, machine.monotonic)
    clock.set(NOON - HOUR, 0.0)
    for told, took_s in (
        (timedelta(seconds=LEAST_STEP_S / 2), 0.0),
        (timedelta(seconds=0.5), MOST_TOOK_S + 0.1),
        (timedelta(seconds=0.01), 0.2),
    ):
        clock.set(NOON - HOUR + told, took_s)
        assert clock.now() == NOON - HOUR
    clock.set(NOON, 0.0)
    assert clock.now() == NOON, "another server answers now, with a clock of its own"


def test_a_right_clock_of_the_machine_is_taken_as_it_is() -> None:
    machine = Machine()
    clock = DatabaseClock(machine, machine.monotonic)
    clock.set(NOON - timedelta(seconds=0.04), 0.1)
    assert clock.now() == NOON
