"""Schedule, auto-pause, probe, resumption and rotation over days that nobody waits for."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privata.webhooks.endpoints.pausing import MAX_FAILURES, WINDOW, Reason, Tell
from privata.webhooks.schedule import DEFAULT_SCHEDULE, JITTER
from privata.webhooks.signing.signatures import verify_privata
from privata.webhooks.states import DeliveryStatus, EndpointStatus
from privata.webhooks.transport.transport import SendResult

from .model import AWAY, BODY, DOWN, OK, PACE_PER_S, PROBE_EVERY, START, STOP, Duty, Life, Receiver

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def always(answer: SendResult) -> Receiver:
    return lambda _now, _signature: answer


def outage(start: datetime, end: datetime, answer: SendResult = DOWN) -> Receiver:
    """Well, but for this while."""
    return lambda now, _signature: answer if start <= now < end else OK


def status_of(life: Life) -> EndpointStatus:
    """The endpoint's status now."""
    return life.standing.status


def traffic(life: Life, *, every: timedelta, until: datetime, orders: int = 7) -> None:
    """Events of a few orders in turn."""
    number = 0
    while life.clock.now() < until:
        life.publish(order=number % orders)
        number += 1
        life.run(min(until, life.clock.now() + every))


def firsts_in_order(life: Life) -> bool:
    orders: dict[int, list[datetime]] = {}
    for duty in life.duties:
        if duty.spent:
            assert duty.first_at is not None
            orders.setdefault(duty.order, []).append(duty.first_at)
    return all(times == sorted(times) for times in orders.values())


@given(seed=st.integers(0, 2**32))
def test_a_dead_receiver_gets_eight_attempts_within_a_day(seed: int) -> None:
    life = Life(always(DOWN), seed)
    duty = life.publish(order=1)
    life.run(START + 3 * DAY)
    assert duty.status is DeliveryStatus.EXHAUSTED
    times = [at for at, _ in duty.tries]
    assert len(times) == DEFAULT_SCHEDULE.attempts == 8
    *before, last = times[1:]
    for retry, at in enumerate(before):
        late = at - (START + DEFAULT_SCHEDULE.offsets[retry])
        assert timedelta(0) <= late <= JITTER * DEFAULT_SCHEDULE.step(retry)
    assert START + DAY - JITTER * DEFAULT_SCHEDULE.step(6) <= last < START + DAY


def test_an_outage_of_a_day_pauses_once_and_loses_nothing() -> None:
    down_at, up_at = START + HOUR, START + HOUR + DAY
    life = Life(outage(down_at, up_at))
    traffic(life, every=timedelta(minutes=5), until=START + 3 * DAY)
    assert {duty.status for duty in life.duties} == {DeliveryStatus.DELIVERED}
    assert [tell for _, tell in life.told] == [Tell.PAUSED, Tell.RESUMED]
    (paused_at, _), (resumed_at, _) = life.told
    assert paused_at < down_at + WINDOW
    assert up_at <= resumed_at <= up_at + PROBE_EVERY + timedelta(minutes=5)
    assert life.standing.status is EndpointStatus.ACTIVE
    assert life.sent_while_paused == 0
    assert firsts_in_order(life)


def test_while_it_is_down_only_probes_go_out() -> None:
    life = Life(always(DOWN))
    traffic(life, every=timedelta(minutes=5), until=START + DAY)
    paused_at = life.told[0][0]
    later = sorted(at for duty in life.duties for at, _ in duty.tries if at > paused_at)
    assert len(later) <= (START + DAY - paused_at) / PROBE_EVERY
    gaps = [after - before for before, after in pairwise(later)]
    assert min(gaps) >= PROBE_EVERY
    assert [tell for _, tell in life.told] == [Tell.PAUSED], "a failed probe of ours is no news"


def test_the_queue_comes_out_paced() -> None:
    up_at = START + 2 * DAY
    life = Life(outage(START, up_at), probes=False)
    traffic(life, every=timedelta(minutes=5), until=up_at, orders=100_000)
    assert status_of(life) is EndpointStatus.PAUSED
    held = [duty for duty in life.duties if duty.status is DeliveryStatus.PENDING]
    assert len(held) > 500
    life.resume()
    life.run(up_at + HOUR)
    assert {duty.status for duty in held} == {DeliveryStatus.DELIVERED}
    assert status_of(life) is EndpointStatus.ACTIVE
    times = sorted(duty.tries[-1][0] for duty in held if duty.due <= up_at)
    for first, last in zip(times, times[PACE_PER_S + 1 :], strict=False):
        assert last - first >= timedelta(seconds=1)


def test_410_rests_until_a_person_resumes_it() -> None:
    life = Life(outage(START + HOUR, START + 2 * HOUR, STOP))
    traffic(life, every=timedelta(minutes=5), until=START + DAY)
    assert (life.standing.status, life.standing.paused_reason) == (
        EndpointStatus.PAUSED,
        Reason.GONE,
    )
    assert sum(result is STOP for duty in life.duties for _, result in duty.tries) == 1
    life.resume()
    life.run(START + DAY + HOUR)
    assert {duty.status for duty in life.duties} == {DeliveryStatus.DELIVERED}


def test_our_own_outage_of_hours_charges_nobody() -> None:
    life = Life(outage(START + HOUR, START + 8 * HOUR, AWAY))
    traffic(life, every=timedelta(minutes=10), until=START + DAY)
    assert life.told == []
    assert {(duty.status, duty.spent) for duty in life.duties} == {(DeliveryStatus.DELIVERED, 1)}
    assert firsts_in_order(life)


def test_one_failure_less_than_the_limit_pauses_nothing() -> None:
    """Failures that leave the window behind do not add up, however long it goes on."""
    life = Life(_once_failing())
    slow = WINDOW / (MAX_FAILURES - 1)
    traffic(life, every=slow, until=START + 4 * DAY, orders=100_000)
    assert life.told == []


def test_the_limit_within_the_window_pauses() -> None:
    life = Life(_once_failing(), probes=False)
    traffic(life, every=WINDOW / (2 * MAX_FAILURES), until=START + WINDOW, orders=100_000)
    assert [tell for _, tell in life.told] == [Tell.PAUSED]


def _once_failing() -> Receiver:
    """Fails every first attempt; its retry, a minute later, is taken."""
    state = {"fail": False}

    def answer(_now: datetime, _signature: str) -> SendResult:
        state["fail"] = not state["fail"]
        return DOWN if state["fail"] else OK

    return answer


@pytest.mark.parametrize("seed", range(5))
def test_rotations_have_no_gap(seed: int) -> None:
    """The receiver takes the new secret into use at some moment of the overlap: no failure."""
    rng = Random(seed)
    overlap = timedelta(minutes=5)
    known = {"secret": "whsec_test_1"}

    def receiver(now: datetime, signature: str) -> SendResult:
        good = verify_privata(BODY, signature, known["secret"], now.timestamp())
        return OK if good else DOWN

    life = Life(receiver, seed)
    for number in range(2, 30):
        secret = f"whsec_test_{number}"
        life.rotate(secret, overlap=overlap)
        swap = life.clock.now() + overlap * rng.random() * 0.99
        traffic(life, every=timedelta(seconds=13), until=swap)
        known["secret"] = secret
        traffic(life, every=timedelta(seconds=13), until=life.clock.now() + overlap)
    assert {(duty.status, duty.spent) for duty in life.duties} == {(DeliveryStatus.DELIVERED, 1)}


#: What the receiver does, for so many minutes. While it is us who cannot send, each delivery is
#: tried again after seconds: an hour holds as many attempts as days of the others.
SPELLS = st.one_of(
    st.tuples(st.sampled_from([OK, DOWN]), st.integers(1, 8 * 60)),
    st.tuples(st.just(AWAY), st.integers(1, 60)),
)


@settings(max_examples=50, deadline=None)
@given(
    spells=st.lists(SPELLS, max_size=6),
    every=st.integers(8, 60),
    seed=st.integers(0, 2**32),
)
def test_whatever_happens_nothing_is_lost(
    spells: list[tuple[SendResult, int]], every: int, seed: int
) -> None:
    """Any sequence of good and bad spells (in minutes), then a good end."""
    ends: list[tuple[datetime, SendResult]] = []
    at = START
    for answer, minutes in spells:
        at += timedelta(minutes=minutes)
        ends.append((at, answer))

    def receiver(now: datetime, _signature: str) -> SendResult:
        return next((answer for end, answer in ends if now < end), OK)

    life = Life(receiver, seed)
    traffic(life, every=timedelta(minutes=every), until=min(at, START + 2 * DAY) + HOUR)
    life.run(max(at, life.clock.now()) + 3 * DAY)
    for duty in life.duties:
        _whole(duty)
    assert life.sent_while_paused == 0
    assert firsts_in_order(life)
    assert life.standing.status is EndpointStatus.ACTIVE


def _whole(duty: Duty) -> None:
    counted = [(at, result) for at, result in duty.tries if result is not AWAY]
    assert duty.spent == len(counted)
    if duty.status is DeliveryStatus.EXHAUSTED:
        assert len(counted) >= DEFAULT_SCHEDULE.attempts, "given up before its time"
        assert len(counted) == DEFAULT_SCHEDULE.attempts or duty.at_once
    else:
        assert duty.status is DeliveryStatus.DELIVERED
        assert [result for _, result in counted].count(OK) == 1
    if duty.at_once:
        return  # a resumption sends all that waits, whenever it was due
    for retry, (at, _) in enumerate(counted[1:]):
        offset = DEFAULT_SCHEDULE.offsets[retry]
        if retry + 1 == len(DEFAULT_SCHEDULE.offsets):
            offset -= JITTER * DEFAULT_SCHEDULE.step(retry)
        assert at >= counted[0][0] + offset, "a retry was early"
