"""The circuit breaker, in every order of calls and results."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from privata.routing.breaker import (
    RULES,
    Breaker,
    BreakerState,
    Permit,
    asked,
    failed,
    resting,
    succeeded,
)

_S = BreakerState

#: A call goes out; the result of one that is out; time passes.
steps = st.lists(
    st.one_of(
        st.just("call"),
        st.tuples(st.sampled_from(["good", "bad"]), st.integers(0, 9)),
        st.floats(0.1, 200.0),
    ),
    max_size=60,
)


class Life:
    """A breaker, the calls that are out, and the time."""

    def __init__(self) -> None:
        self.breaker, self.now = Breaker(), 0.0
        self.out: list[Permit] = []
        self.probes: list[float] = []

    def call(self) -> Permit | None:
        before = self.breaker
        self.breaker, permit = asked(before, self.now)
        if permit is not None:
            self.out.append(permit)
            if before.state is not _S.CLOSED:
                self.probes.append(self.now)
        return permit

    def result(self, kind: str, number: int) -> None:
        permit = self.out.pop(number % len(self.out))
        if kind == "good":
            self.breaker = succeeded(self.breaker, permit)
        else:
            self.breaker = failed(self.breaker, permit, self.now)

    def run(self, steps: Sequence[object]) -> None:
        for step in steps:
            before = self.breaker
            if step == "call":
                self.call()
            elif isinstance(step, float):
                self.now += step
            elif isinstance(step, tuple) and self.out:
                self.result(*step)
            self.check(before)

    def check(self, before: Breaker) -> None:
        now = self.breaker
        assert now.rest_s <= RULES.most_rest_s
        assert now.epoch >= before.epoch
        if now.state is _S.CLOSED:
            assert now.failures < RULES.failures
        if before.state is _S.CLOSED and now.state is not _S.CLOSED:
            assert now.state is _S.OPEN
            assert before.failures == RULES.failures - 1
        if before.state is _S.OPEN and now.state is not _S.OPEN:
            assert now.state is _S.HALF_OPEN
            assert self.now >= before.until


@given(steps)
def test_an_open_one_lets_nothing_through_and_a_half_open_one_a_single_probe(
    steps: list[object],
) -> None:
    life = Life()
    life.run(steps)
    apart = [later - one for one, later in zip(life.probes, life.probes[1:], strict=False)]
    assert all(gap >= min(RULES.rest_s, RULES.probe_s) for gap in apart)
    wait = resting(life.breaker, life.now)
    assert (wait == 0) == (life.call() is not None)


@given(steps)
def test_a_provider_that_came_back_is_used_again_whatever_happened(steps: list[object]) -> None:
    life = Life()
    life.run(steps)
    life.now += RULES.most_rest_s + RULES.probe_s
    permit = life.call()
    assert permit is not None
    assert succeeded(life.breaker, permit).state is _S.CLOSED


@given(steps)
def test_late_results_of_an_earlier_time_change_nothing(steps: list[object]) -> None:
    life = Life()
    life.run(steps)
    for permit in life.out:
        if permit.epoch != life.breaker.epoch:
            assert succeeded(life.breaker, permit) == life.breaker
            assert failed(life.breaker, permit, life.now) == life.breaker


def test_each_failed_probe_doubles_the_rest() -> None:
    life = Life()
    for _ in range(RULES.failures):
        life.call()
        life.result("bad", 0)
    rests = []
    for _ in range(6):
        rests.append(resting(life.breaker, life.now))
        assert life.call() is None
        life.now = life.breaker.until
        assert life.call() is not None
        assert life.call() is None
        life.result("bad", 0)
    assert rests == [10, 20, 40, 80, 120, 120]
    life.now = life.breaker.until
    life.call()
    life.result("good", 0)
    assert life.breaker.state is _S.CLOSED
    assert life.breaker.rest_s == 0
