"""What is said above an endpoint's pages, and how schedules are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.errors import ValidationFailed
from privata.webhooks.durations import parse_offsets, spoken, written, written_offsets
from privata.webhooks.endpoints.banners import EndpointFacts, banner_of
from privata.webhooks.states import EndpointStatus

_NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
_ACTIVE = EndpointFacts(EndpointStatus.ACTIVE, _NOW)
_PAUSED = EndpointFacts(
    EndpointStatus.PAUSED,
    _NOW,
    waiting=214,
    reason="failures",
    paused_at=_NOW - timedelta(minutes=4),
    failures=(_NOW,) * 50,
    last_error="http_error 503: Your server says it is unavailable.",
    probe_minutes=10,
)
_RESUMING = replace(_PAUSED, status=EndpointStatus.RESUMING, resumed_by="ada@acme.example")


def test_an_active_endpoint_has_a_banner_only_when_a_pause_is_near() -> None:
    assert banner_of(_ACTIVE) is None
    assert banner_of(replace(_ACTIVE, failures=(_NOW - timedelta(hours=7),) * 40)) is None
    warned = banner_of(replace(_ACTIVE, failures=(_NOW,) * 25))
    assert warned is not None
    assert "25 attempts failed" in warned.title


def test_an_endpoint_that_waits_for_us_says_so_and_what_for() -> None:
    told = banner_of(replace(_ACTIVE, ours=3, our_fault="We cannot reach IPv6 addresses."))
    assert told is not None
    assert told.title == "3 events are waiting because of a problem on our side"
    assert told.text == "We cannot reach IPv6 addresses."
    assert "does not count against your endpoint" in told.then


def test_failures_say_how_many_in_which_window_and_what_the_last_was() -> None:
    told = banner_of(_PAUSED)
    assert told is not None
    assert "50 attempts failed within 6 hours" in told.text
    assert "HTTP 503. Your server says it is unavailable" in told.text
    assert "214 events are waiting" in told.then
    assert told.next_at == _NOW + timedelta(minutes=6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": "gone"}, "410 Gone"),
        (
            {"reason": "manual", "paused_by": "ada@acme.example"},
            "ada@acme.example paused this endpoint",
        ),
        ({"reason": "manual"}, "A member of your organization"),
        ({"reason": "something_new"}, "something new"),
    ],
)
def test_each_reason_is_said(changes: dict[str, str], said: str) -> None:
    told = banner_of(replace(_PAUSED, **changes))  # type: ignore[arg-type]
    assert told is not None
    assert said in told.text
    assert told.next_at is None


def test_a_failed_probe_is_said_and_the_next_one_counted_from_it() -> None:
    told = banner_of(replace(_PAUSED, probed_at=_NOW))
    assert told is not None
    assert told.title == "The probe failed, so deliveries stay paused"
    assert told.next_at == _NOW + timedelta(minutes=10)
    told = banner_of(replace(_PAUSED, probe_minutes=0))
    assert told is not None
    assert told.next_at is None


def test_resuming_tells_the_probe_then_the_progress() -> None:
    told = banner_of(_RESUMING)
    assert told is not None
    assert "about to be sent" in told.text
    assert "the other 213 follow" in told.then
    told = banner_of(replace(_RESUMING, flushing=True, waiting=40, waiting_at_resume=214))
    assert told is not None
    assert (told.done, told.total) == (174, 214)
    assert "a few seconds" in told.then


def test_disabled_is_said() -> None:
    told = banner_of(replace(_ACTIVE, status=EndpointStatus.DISABLED))
    assert told is not None
    assert "disabled" in told.title


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("", None),
        ("1m, 5m,15m 1h", [60, 300, 900, 3600]),
        ("30s", [30]),
        ("1D", [86_400]),
        ("2 h, 3 h", [7200, 10_800]),
    ],
)
def test_schedules_are_read(text: str, offsets: list[int] | None) -> None:
    assert parse_offsets(text) == offsets


@pytest.mark.parametrize("text", ["soon", "5", "5 minutes", "-1m", "1m, x"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        parse_offsets(text)


@given(st.lists(st.integers(min_value=1, max_value=2_592_000), max_size=20))
def test_what_is_written_is_read_back(offsets: list[int]) -> None:
    assert (parse_offsets(written_offsets(offsets)) or []) == offsets


def test_words_for_times() -> None:
    assert [written(300), written(86_400), written(90)] == ["5m", "1d", "90s"]
    assert [spoken(1), spoken(42), spoken(180), spoken(7_200)] == [
        "a few seconds",
        "about 40 seconds",
        "about 3 minutes",
        "about 2 hours",
    ]


def test_an_organization_that_is_stopped_has_its_reason_above_its_endpoints() -> None:
    reason = "Your organization was not approved."
    for facts in (_ACTIVE, _PAUSED):
        found = banner_of(replace(facts, stopped=reason))
        assert found is not None
        assert (found.text, found.tone) == (reason, "warn")
