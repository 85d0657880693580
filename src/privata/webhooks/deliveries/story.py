"""What to say about a delivery: what happened, why, and what happens next. Pure.

The page shows these sentences above every figure, so each state has some, also those that pass
within a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privata.webhooks.durations import spoken
from privata.webhooks.outcomes import RULES, Outcome, diagnose
from privata.webhooks.recovery.retries import BEING_SENT, ENDPOINT_BARS
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.states import DeliveryState, EndpointStatus

MOST_ATTEMPTS: Final = DEFAULT_SCHEDULE.attempts

#: An attempt that is due so soon need not be asked for: two would follow one another.
SOON: Final = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Queue:
    """How the endpoint that a delivery waits for is sending.

    `probed`: while it resumes, its probe has arrived. `ahead`: how many go before this one, if
    that was counted. `because`: why it is paused, as a part of a sentence. `stopped`:
    why the organization's status lets nothing go out, as sentences.
    """

    probed: bool = False
    probing: bool = False
    ahead: int | None = None
    pace_per_s: int = 20
    strict: bool = False
    because: str = ""
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a delivery at `now`. `detail` is the last attempt's own sentence.

    `due_at` is when it is tried next, or while it is being sent the end of its lease.

    `most` is how many attempts its schedule has. `behind` is the type of an earlier event of the
    same order that this one waits for, or None. `taken_over`: a recovery sends the event anew.
    `retried`: it has a retry. `deleted`: its endpoint is.
    """

    state: DeliveryState
    endpoint: EndpointStatus
    attempts: int
    due_at: datetime
    now: datetime
    outcome: Outcome | None = None
    status_code: int | None = None
    duration_ms: int = 0
    detail: str = ""
    behind: str | None = None
    most: int = MOST_ATTEMPTS
    taken_over: bool = False
    retried: bool = False
    deleted: bool = False
    queue: Queue = Queue()


@dataclass(frozen=True, slots=True)
class Story:
    """The sentences. `next_at` is when the next attempt is due, `why_no_retry` empty if allowed."""

    state: DeliveryState
    tone: str
    icon: str
    title: str
    text: str
    next: str
    next_at: datetime | None
    why_no_retry: str

    @property
    def may_retry(self) -> bool:
        return not self.why_no_retry


def tell(facts: Facts) -> Story:
    """The story of a delivery at this moment."""
    return _TELLERS[facts.state](facts)


def _delivered(facts: Facts) -> Story:
    tries = "on the first attempt" if facts.attempts <= 1 else f"on attempt {facts.attempts}"
    return Story(
        state=DeliveryState.DELIVERED,
        tone="ok",
        icon="circle-check",
        title=f"Delivered {tries}",
        text=f"{_last(facts)[0]}.",
        next="No further attempts will be made.",
        next_at=None,
        why_no_retry=_bar(facts),
    )


def _in_flight(facts: Facts) -> Story:
    before = f" Previous attempt: {_lower(_last(facts)[0])}." if facts.outcome else ""
    return Story(
        state=DeliveryState.IN_FLIGHT,
        tone="info",
        icon="loader",
        title=f"Sending attempt {facts.attempts + 1}",
        text=f"Your server has 5 seconds to respond.{before}",
        next=(
            "The result appears here automatically. If our worker stops unexpectedly, another one "
            f"takes over at {facts.due_at:%H:%M:%S} UTC."
        ),
        next_at=None,
        why_no_retry=BEING_SENT,
    )


def _queued(facts: Facts) -> Story:
    if facts.outcome is not None and RULES[facts.outcome].ours:
        title, text = _last(facts)
        follow = "We will repeat the first attempt"
    elif facts.behind:
        title = "Waiting for an earlier event of this order"
        text, follow = _behind(facts)
    else:
        title = "Queued"
        text = "No attempt has been made yet."
        follow = "The first attempt starts"
    return Story(
        state=DeliveryState.QUEUED,
        tone="info",
        icon="clock",
        title=title,
        text=text,
        next=follow,
        next_at=None if facts.behind else facts.due_at,
        why_no_retry="The first attempt is about to start.",
    )


def _retrying(facts: Facts) -> Story:
    title, text = _last(facts)
    number = facts.attempts + 1
    last = ", the last one," if number == facts.most else ""
    soon = "" if facts.due_at - facts.now > SOON else "The next attempt is about to start."
    follow = f"Attempt {number}{_of(facts)}{last} starts automatically"
    if facts.behind and facts.due_at <= facts.now:
        follow = f"Attempt {number}{_of(facts)}{last} starts when {facts.behind} is finished."
    return Story(
        state=DeliveryState.RETRYING,
        tone="bad",
        icon="triangle-alert",
        title=title,
        text=text,
        next=follow,
        next_at=None if follow.endswith(".") else facts.due_at,
        why_no_retry=_bar(facts) or soon,
    )


def _held(facts: Facts) -> Story:
    if facts.queue.stopped:
        return Story(
            state=DeliveryState.HELD,
            tone="warn",
            icon="circle-pause",
            title="Held because of your organization's status",
            text=f"The event is saved, and nothing is lost. {facts.queue.stopped}{_before(facts)}",
            next="It will be sent, in order, once your organization's status allows it.",
            next_at=None,
            why_no_retry="All deliveries are held because of your organization's status.",
        )
    if facts.endpoint is EndpointStatus.RESUMING:
        return _resuming(facts)
    because = (
        f" The endpoint is paused because {facts.queue.because}." if facts.queue.because else ""
    )
    return Story(
        state=DeliveryState.HELD,
        tone="warn",
        icon="circle-pause",
        title="Held while the endpoint is paused",
        text=f"The event is saved, and nothing is lost.{because}{_before(facts)}",
        next="It will be sent, in order, when the endpoint is resumed.",
        next_at=None,
        why_no_retry=ENDPOINT_BARS[EndpointStatus.PAUSED],
    )


def _resuming(facts: Facts) -> Story:
    queue = facts.queue
    if not queue.probed:
        state = "being sent" if queue.probing else "about to be sent"
        title = "Waiting for the probe"
        text = f"The endpoint is resuming. Its oldest delivery is {state} as a probe."
        follow = (
            "If your server accepts the probe, this delivery follows in order. If not, the "
            "endpoint "
            "pauses again and this delivery stays held."
        )
    else:
        title = "Queued while the endpoint resumes"
        text = (
            f"Held events are sent in order, up to {queue.pace_per_s} per second, to avoid "
            "overloading your server."
        )
        follow = "It will be sent after the deliveries ahead of it."
        if queue.ahead is not None:
            wait = spoken(queue.ahead / max(1, queue.pace_per_s))
            before = "No deliveries" if not queue.ahead else f"{queue.ahead:,} deliveries"
            others = "1 delivery is" if queue.ahead == 1 else f"{before} are"
            follow = f"{others} ahead of it. It will be sent in {wait}."
    return Story(
        state=DeliveryState.HELD,
        tone="info",
        icon="play",
        title=title,
        text=f"{text}{_before(facts)}",
        next=follow,
        next_at=None,
        why_no_retry="It will be sent after the deliveries ahead of it.",
    )


def _exhausted(facts: Facts) -> Story:
    title, text = _last(facts)
    if facts.taken_over:
        return _taken_over(facts)
    return Story(
        state=DeliveryState.EXHAUSTED,
        tone="bad",
        icon="triangle-alert",
        title=f"Gave up after {facts.attempts} attempts",
        text=f"{title}. {text}" if text else f"{title}.",
        next=(
            "There are no more automatic attempts. Once your server is fixed, retry this delivery, "
            "or recover the endpoint to send everything it missed."
        ),
        next_at=None,
        why_no_retry=_bar(facts),
    )


def _retried(facts: Facts) -> Story:
    return Story(
        state=DeliveryState.RETRIED,
        tone="info",
        icon="history",
        title="Retried as a new delivery",
        text=f"This delivery ended when someone requested a retry.{_before(facts)}",
        next="The retry below continues with its own schedule.",
        next_at=None,
        why_no_retry=_HAS_RETRY,
    )


_HAS_RETRY: Final = "Already retried. See the new delivery."


def _taken_over(facts: Facts) -> Story:
    return Story(
        state=DeliveryState.EXHAUSTED,
        tone="info",
        icon="history",
        title="A recovery is sending this event again",
        text=f"This delivery was closed to avoid sending the event twice.{_before(facts)}",
        next="The replay below takes over.",
        next_at=None,
        why_no_retry="A replay has taken over.",
    )


def _cancelled(facts: Facts) -> Story:
    return Story(
        state=DeliveryState.CANCELLED,
        tone="info",
        icon="ban",
        title=f"Not sent: the endpoint {'was deleted' if facts.deleted else 'is disabled'}",
        text=(
            "It was still waiting when the endpoint was disabled or deleted. It remains in the "
            "delivery log."
        ),
        next="No further attempts will be made.",
        next_at=None,
        why_no_retry=ENDPOINT_BARS[EndpointStatus.DISABLED],
    )


_TELLERS: Final = {
    DeliveryState.DELIVERED: _delivered,
    DeliveryState.IN_FLIGHT: _in_flight,
    DeliveryState.QUEUED: _queued,
    DeliveryState.RETRYING: _retrying,
    DeliveryState.HELD: _held,
    DeliveryState.EXHAUSTED: _exhausted,
    DeliveryState.CANCELLED: _cancelled,
    DeliveryState.RETRIED: _retried,
}


def _last(facts: Facts) -> tuple[str, str]:
    """Title and text of the last attempt."""
    if facts.outcome is None:
        return "No attempt yet", ""
    told = diagnose(facts.outcome, facts.status_code, facts.duration_ms, facts.detail)
    if told.text.startswith(told.title):
        # The first sentence says what the title says, and how long it took.
        first, _, rest = told.text.partition(". ")
        return first.removesuffix("."), rest
    return told.title, told.text


def _bar(facts: Facts) -> str:
    """Why it may not be retried, whatever became of it."""
    if facts.endpoint is EndpointStatus.RESUMING:
        return "Wait until the endpoint has resumed."
    return ENDPOINT_BARS.get(facts.endpoint) or (_HAS_RETRY if facts.retried else "")


def _behind(facts: Facts) -> tuple[str, str]:
    """Why an ordering key has to wait, and until when."""
    if facts.queue.strict:
        text = (
            "This endpoint uses strict ordering: events for the same order are sent one at a time, "
            f"and {facts.behind} is not finished."
        )
        return text, "This event follows once that one is delivered or exhausted."
    text = (
        f"First attempts for an order are made in sequence, and {facts.behind} has not had "
        "its first attempt yet."
    )
    return text, "This event follows as soon as that attempt ends, whatever the result."


def _before(facts: Facts) -> str:
    if not facts.attempts or facts.outcome is None:
        return ""
    return f" The last attempt failed: {_lower(_last(facts)[0])}."


def _of(facts: Facts) -> str:
    return f" of {facts.most}" if facts.attempts < facts.most else ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
