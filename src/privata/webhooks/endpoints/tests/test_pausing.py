"""The rules of pausing: fifty within six hours, 410, and what the end of a probe decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.endpoints.pausing import (
    MAX_ERROR,
    MAX_FAILURES,
    SYSTEM,
    WINDOW,
    Evidence,
    Standing,
    Tell,
    error_text,
    judge,
    too_many,
)
from privata.webhooks.states import EndpointStatus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACTIVE = Standing(EndpointStatus.ACTIVE)
PROBING = Standing(
    EndpointStatus.RESUMING,
    paused_at=NOW - timedelta(hours=1),
    paused_reason="failures",
    paused_by=SYSTEM,
    resumed_by="ada@acme.example",
    probe_until=NOW + timedelta(seconds=30),
)
FLOWING = replace(PROBING, probe_until=None, flush_tokens_at=NOW)


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=each) for each in minutes)


def test_the_fiftieth_failure_pauses_and_not_the_one_before() -> None:
    before = replace(ACTIVE, failures=ago(*[5] * 48))
    after, tell = judge(before, Evidence(failed=1, error="timeout"), NOW)
    assert (after.status, tell, len(after.failures)) == (EndpointStatus.ACTIVE, None, 49)
    after, tell = judge(after, Evidence(failed=1, error="timeout"), NOW)
    assert (after.status, tell) == (EndpointStatus.PAUSED, Tell.PAUSED)
    assert (after.paused_reason, after.paused_by, after.paused_at) == ("failures", SYSTEM, NOW)
    assert after.last_error == "timeout"


def test_failures_outside_of_the_window_do_not_count() -> None:
    old = replace(ACTIVE, failures=ago(361, *[5] * 48))
    after, tell = judge(old, Evidence(failed=1), NOW)
    assert (after.status, tell) == (EndpointStatus.ACTIVE, None)
    young = replace(ACTIVE, failures=ago(360, *[5] * 48))
    assert judge(young, Evidence(failed=1), NOW)[1] is Tell.PAUSED


@given(
    ages=st.lists(st.floats(0, 24 * 60), max_size=120).map(lambda all_: sorted(all_, reverse=True)),
    failed=st.integers(0, 120),
)
def test_pausing_is_having_fifty_failures_in_six_hours(ages: list[float], failed: int) -> None:
    """Whatever came before: the rule agrees with simply counting."""
    before = replace(ACTIVE, failures=ago(*ages)[-MAX_FAILURES:])
    after, tell = judge(before, Evidence(failed=failed), NOW)
    recent = sum(at >= NOW - WINDOW for at in ago(*ages)) + failed
    assert (tell is Tell.PAUSED) is (recent >= MAX_FAILURES)
    assert (after.status is EndpointStatus.PAUSED) is (tell is Tell.PAUSED)
    assert len(after.failures) <= MAX_FAILURES
    assert list(after.failures) == sorted(after.failures)


def test_410_pauses_at_once() -> None:
    for before in (ACTIVE, PROBING, FLOWING, replace(PROBING, resumed_by=None)):
        after, tell = judge(before, Evidence(failed=1, gone=True, probed=before.probing), NOW)
        assert (after.status, after.paused_reason, tell) == (
            EndpointStatus.PAUSED,
            "gone",
            Tell.PAUSED,
        )
        assert (after.probe_until, after.flush_tokens_at) == (None, None)


def test_a_probe_that_arrives_lets_the_rest_flow() -> None:
    proved = Evidence(probed=True, proved=True)
    after, tell = judge(replace(PROBING, failures=ago(5)), proved, NOW)
    assert (after.status, after.flush_tokens_at, tell) == (EndpointStatus.RESUMING, NOW, None)
    assert (after.probe_until, after.failures) == (None, ())


def test_a_probe_that_fails_pauses_as_before() -> None:
    refuted = Evidence(failed=1, probed=True, refuted=True, error="timeout")
    after, tell = judge(PROBING, refuted, NOW)
    assert (after.status, tell) == (EndpointStatus.PAUSED, Tell.PAUSED)
    assert (after.paused_reason, after.last_error) == ("failures", "timeout")
    assert (after.paused_at, after.probed_at, after.probe_until) == (NOW, NOW, None)


def test_an_automatic_probe_tells_only_of_success() -> None:
    ours = replace(PROBING, resumed_by=None)
    after, tell = judge(ours, Evidence(failed=1, probed=True, refuted=True), NOW)
    assert (after.status, tell) == (EndpointStatus.PAUSED, None)
    assert (after.paused_at, after.probed_at) == (PROBING.paused_at, NOW)
    after, tell = judge(ours, Evidence(probed=True, proved=True), NOW)
    assert (after.flush_tokens_at, tell) == (NOW, Tell.RESUMED)


def test_a_probe_that_failed_through_us_is_only_made_again() -> None:
    after, tell = judge(PROBING, Evidence(probed=True), NOW)
    assert (after, tell) == (replace(PROBING, probe_until=None), None)


def test_stragglers_decide_nothing_while_a_probe_is_out() -> None:
    after, tell = judge(PROBING, Evidence(failed=60), NOW)
    assert (after.status, after.probe_until, tell) == (
        EndpointStatus.RESUMING,
        PROBING.probe_until,
        None,
    )


def test_failures_after_the_probe_pause_like_any_others() -> None:
    after, tell = judge(FLOWING, Evidence(failed=50), NOW)
    assert (after.status, after.flush_tokens_at, tell) == (
        EndpointStatus.PAUSED,
        None,
        Tell.PAUSED,
    )


@pytest.mark.parametrize("status", [EndpointStatus.PAUSED, EndpointStatus.DISABLED])
def test_what_rests_is_left_alone(status: EndpointStatus) -> None:
    resting = Standing(status, failures=ago(*[1] * 50))
    seen = Evidence(failed=9, gone=True, probed=True, proved=True)
    assert judge(resting, seen, NOW) == (resting, None)


def test_an_error_is_one_line_of_bounded_length() -> None:
    assert error_text("http_error", 503, "") == "http_error 503"
    assert error_text("timeout", None, "Too late.") == "timeout: Too late."
    assert len(error_text("tls", None, "x" * 600)) == MAX_ERROR


def test_few_failures_are_never_too_many() -> None:
    assert not too_many(ago(*[0] * 49), NOW)
