"""Each state of a delivery has its sentences, and says when it may be tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.deliveries.story import Facts, Queue, tell
from privata.webhooks.outcomes import Outcome
from privata.webhooks.states import DeliveryState, EndpointStatus

_NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
_NEW = Facts(
    state=DeliveryState.QUEUED,
    endpoint=EndpointStatus.ACTIVE,
    attempts=0,
    due_at=_NOW,
    now=_NOW,
)
_FAILED = replace(
    _NEW,
    state=DeliveryState.RETRYING,
    attempts=3,
    due_at=_NOW + timedelta(minutes=5),
    outcome=Outcome.HTTP_ERROR,
    status_code=500,
    duration_ms=1800,
)
_PAUSED = replace(_FAILED, state=DeliveryState.HELD, endpoint=EndpointStatus.PAUSED)
_GIVEN_UP = replace(_FAILED, state=DeliveryState.EXHAUSTED, attempts=8)


def test_new() -> None:
    told = tell(_NEW)
    assert (told.state, told.title) == (DeliveryState.QUEUED, "Queued")
    assert not told.may_retry


def test_waits_for_an_earlier_event_of_its_order() -> None:
    told = tell(replace(_NEW, behind="order.confirming"))
    assert told.state is DeliveryState.QUEUED
    assert "order.confirming" in told.text
    assert told.next_at is None


def test_our_own_fault_is_not_put_on_the_receiver() -> None:
    told = tell(replace(_NEW, outcome=Outcome.INTERNAL, due_at=_NOW + timedelta(seconds=5)))
    assert told.title == "Error on our side"
    assert told.next_at is not None


def test_in_flight_says_what_was_before() -> None:
    assert "your server returned 500" in tell(replace(_FAILED, state=DeliveryState.IN_FLIGHT)).text


def test_retrying_says_why_and_when() -> None:
    told = tell(_FAILED)
    assert told.title == "Your server returned 500 after 1.8 s"
    assert told.text.startswith("The request reached you")
    assert told.next == "Attempt 4 of 8 starts automatically"
    assert told.next_at == _FAILED.due_at
    assert told.may_retry


def test_the_last_attempt_is_announced_as_such() -> None:
    assert "Attempt 8 of 8, the last one," in tell(replace(_FAILED, attempts=7)).next


def test_no_retry_beside_one_that_is_due() -> None:
    assert not tell(replace(_FAILED, due_at=_NOW + timedelta(seconds=1))).may_retry


def test_held_is_kept_and_not_retried() -> None:
    told = tell(_PAUSED)
    assert (told.state, told.tone) == (DeliveryState.HELD, "warn")
    assert "nothing is lost" in told.text
    assert told.why_no_retry == "Resume the endpoint first."


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        (EndpointStatus.ACTIVE, True),
        (EndpointStatus.PAUSED, False),
        (EndpointStatus.DISABLED, False),
    ],
)
def test_exhausted_is_retried_at_an_active_endpoint(
    endpoint: EndpointStatus, allowed: bool
) -> None:
    told = tell(replace(_GIVEN_UP, endpoint=endpoint))
    assert (told.state, told.title) == (DeliveryState.EXHAUSTED, "Gave up after 8 attempts")
    assert told.may_retry is allowed


def test_a_further_attempt_beyond_the_schedule_has_no_total() -> None:
    told = tell(replace(_GIVEN_UP, state=DeliveryState.RETRYING))
    assert told.next == "Attempt 9 starts automatically"


def test_waiting_at_a_disabled_endpoint() -> None:
    told = tell(replace(_FAILED, state=DeliveryState.CANCELLED, endpoint=EndpointStatus.DISABLED))
    assert told.title == "Not sent: the endpoint is disabled"
    assert not told.may_retry


def test_held_while_the_endpoint_resumes_is_in_line() -> None:
    told = tell(replace(_PAUSED, endpoint=EndpointStatus.RESUMING, queue=Queue(probed=True)))
    assert (told.state, told.title) == (DeliveryState.HELD, "Queued while the endpoint resumes")


@given(
    state=st.sampled_from(DeliveryState),
    endpoint=st.sampled_from(EndpointStatus),
    attempts=st.integers(0, 9),
    seconds=st.integers(-100_000, 100_000),
    outcome=st.sampled_from(Outcome),
    behind=st.sampled_from([None, "order.confirming"]),
)
def test_every_state_has_a_whole_story(
    state: DeliveryState,
    endpoint: EndpointStatus,
    attempts: int,
    seconds: int,
    outcome: Outcome,
    behind: str | None,
) -> None:
    if state in (DeliveryState.QUEUED, DeliveryState.RETRYING):
        # What these two tell apart.
        attempts = 0 if state is DeliveryState.QUEUED else max(1, attempts)
    told = tell(
        Facts(
            state=state,
            endpoint=endpoint,
            attempts=attempts,
            due_at=_NOW + timedelta(seconds=seconds),
            now=_NOW,
            outcome=outcome if attempts else None,
            status_code=503 if outcome is Outcome.HTTP_ERROR else None,
            behind=behind,
        )
    )
    assert told.title
    assert told.text
    assert told.next
    assert "None" not in told.title + told.text + told.next
    if told.may_retry:
        assert endpoint is EndpointStatus.ACTIVE
        assert told.state in (
            DeliveryState.RETRYING,
            DeliveryState.EXHAUSTED,
            DeliveryState.DELIVERED,
        )


def test_what_the_organizations_status_holds_says_so() -> None:
    """A rejected organization's events wait, and its people have to know why."""
    reason = "Your organization was not approved."
    told = tell(replace(_NEW, state=DeliveryState.HELD, queue=Queue(stopped=reason)))
    assert told.state is DeliveryState.HELD
    assert reason in told.text
    assert "nothing is lost" in told.text
    assert not told.may_retry
