"""What to say about a delivery: what happened, why, and what happens next. Pure.

The page shows these sentences above every figure, so each state has some, also those that pass
within a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privata.webhooks.deliveries.shown import Shown, shown_state
from privata.webhooks.durations import spoken
from privata.webhooks.outcomes import RULES, Outcome, diagnose
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.states import DeliveryStatus, EndpointStatus

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

    `most` is how many attempts its schedule has. `behind` is the type of an earlier event of the
    same order that this one waits for, or None. `taken_over`: a recovery sends the event anew.
    `in_line`: its endpoint is resuming, and it has not had its turn. `retried`: it has a retry.
    `deleted`: its endpoint is.
    """

    status: DeliveryStatus
    endpoint: EndpointStatus
    attempts: int
    in_flight: bool
    due_at: datetime
    now: datetime
    outcome: Outcome | None = None
    status_code: int | None = None
    duration_ms: int = 0
    detail: str = ""
    behind: str | None = None
    most: int = MOST_ATTEMPTS
    taken_over: bool = False
    in_line: bool = False
    retried: bool = False
    deleted: bool = False
    queue: Queue = Queue()


@dataclass(frozen=True, slots=True)
class Story:
    """The sentences. `next_at` is when the next attempt is due, `why_no_retry` empty if allowed."""

    shown: Shown
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
    shown = shown_state(
        facts.status,
        facts.endpoint,
        facts.attempts,
        facts.in_flight,
        facts.due_at,
        facts.now,
        facts.in_line,
        stopped=bool(facts.queue.stopped),
    )
    return _TELLERS[shown](facts)


def _delivered(facts: Facts) -> Story:
    tries = "at the first attempt" if facts.attempts <= 1 else f"at attempt {facts.attempts}"
    return Story(
        shown=Shown.DELIVERED,
        tone="ok",
        icon="circle-check",
        title=f"Delivered {tries}",
        text=f"{_last(facts)[0]}.",
        next="Nothing more is sent for it.",
        next_at=None,
        why_no_retry=_endpoint_bar(facts) or (_HAS_RETRY if facts.retried else ""),
    )


def _sending(facts: Facts) -> Story:
    before = f" The one before: {_lower(_last(facts)[0])}." if facts.outcome else ""
    return Story(
        shown=Shown.SENDING,
        tone="info",
        icon="loader",
        title=f"Attempt {facts.attempts + 1} is being sent",
        text=f"Your server has 5 seconds to answer.{before}",
        next=(
            "The result appears here by itself. Should none come, because we stopped in the "
            f"middle, another worker takes over at {facts.due_at:%H:%M:%S} UTC."
        ),
        next_at=None,
        why_no_retry="An attempt is under way.",
    )


def _pending(facts: Facts) -> Story:
    if facts.outcome is not None and RULES[facts.outcome].ours:
        title, text = _last(facts)
        follow = "The first attempt is made again"
    elif facts.behind:
        title = "Waiting for an earlier event of this order"
        text, follow = _behind(facts)
    else:
        title = "Queued"
        text = "The first attempt has not been made yet."
        follow = "It is made at once"
    return Story(
        shown=Shown.PENDING,
        tone="info",
        icon="clock",
        title=title,
        text=text,
        next=follow,
        next_at=None if facts.behind else facts.due_at,
        why_no_retry="The first attempt is about to be made.",
    )


def _retrying(facts: Facts) -> Story:
    title, text = _last(facts)
    number = facts.attempts + 1
    last = ", the last one," if number == facts.most else ""
    soon = "" if facts.due_at - facts.now > SOON else "The next attempt is due now."
    follow = f"Attempt {number}{_of(facts)}{last} follows by itself"
    if facts.behind and facts.due_at <= facts.now:
        follow = f"Attempt {number}{_of(facts)}{last} follows when {facts.behind} is finished."
    return Story(
        shown=Shown.RETRYING,
        tone="bad",
        icon="triangle-alert",
        title=title,
        text=text,
        next=follow,
        next_at=None if follow.endswith(".") else facts.due_at,
        why_no_retry=_endpoint_bar(facts) or soon,
    )


def _held(facts: Facts) -> Story:
    if facts.queue.stopped:
        return Story(
            shown=Shown.HELD,
            tone="warn",
            icon="circle-pause",
            title="Held because of your organization's status",
            text=f"The event is kept and nothing is lost. {facts.queue.stopped}{_before(facts)}",
            next="It is sent when your organization's status allows it, in its place.",
            next_at=None,
            why_no_retry="Your organization's status holds all deliveries.",
        )
    because = f" It is paused because {facts.queue.because}." if facts.queue.because else ""
    return Story(
        shown=Shown.HELD,
        tone="warn",
        icon="circle-pause",
        title="Held while the endpoint is paused",
        text=f"The event is kept and nothing is lost.{because}{_before(facts)}",
        next="It is sent when the endpoint is resumed, in its place among the others.",
        next_at=None,
        why_no_retry="Resume the endpoint first.",
    )


def _resuming(facts: Facts) -> Story:
    queue = facts.queue
    if not queue.probed:
        state = "under way" if queue.probing else "about to be sent"
        title = "Waiting for the probe"
        text = f"The endpoint is resuming: its oldest delivery is {state}, to see that all is well."
        follow = (
            "When your server accepts the probe, this one follows in its place. When it does not, "
            "the endpoint is paused again and this one is held."
        )
    else:
        title = "In line while the endpoint resumes"
        text = (
            f"What waited is sent in order, at most {queue.pace_per_s} a second, so that your "
            "server is not flooded."
        )
        follow = "It is sent when its turn comes."
        if queue.ahead is not None:
            wait = spoken(queue.ahead / max(1, queue.pace_per_s))
            others = "Nothing goes" if not queue.ahead else f"{queue.ahead:,} go"
            follow = f"{others} before it: its turn comes in {wait}."
    return Story(
        shown=Shown.RESUMING,
        tone="info",
        icon="play",
        title=title,
        text=f"{text}{_before(facts)}",
        next=follow,
        next_at=None,
        why_no_retry="It is sent in its turn.",
    )


def _exhausted(facts: Facts) -> Story:
    title, text = _last(facts)
    if facts.taken_over:
        return _taken_over(facts)
    return Story(
        shown=Shown.EXHAUSTED,
        tone="bad",
        icon="triangle-alert",
        title=f"Given up after {facts.attempts} attempts",
        text=f"{title}. {text}" if text else f"{title}.",
        next=(
            "No further attempt is made by itself. Retry it once your server is mended, or recover "
            "the endpoint to send everything it missed."
        ),
        next_at=None,
        why_no_retry=_endpoint_bar(facts) or (_HAS_RETRY if facts.retried else ""),
    )


def _retried(facts: Facts) -> Story:
    return Story(
        shown=Shown.RETRIED,
        tone="info",
        icon="history",
        title="Retried as a new delivery",
        text=f"This one ended when somebody asked for a retry.{_before(facts)}",
        next="The retry below goes on with the event, with a schedule of its own.",
        next_at=None,
        why_no_retry=_HAS_RETRY,
    )


_HAS_RETRY: Final = "It was retried: go on with its retry."


def _taken_over(facts: Facts) -> Story:
    return Story(
        shown=Shown.EXHAUSTED,
        tone="info",
        icon="history",
        title="A recovery sends this event anew",
        text=f"This delivery was closed so that it is not sent twice.{_before(facts)}",
        next="The replay below goes on with it.",
        next_at=None,
        why_no_retry="Its replay goes on with it.",
    )


def _cancelled(facts: Facts) -> Story:
    return Story(
        shown=Shown.CANCELLED,
        tone="info",
        icon="ban",
        title=f"Not sent: the endpoint {'was deleted' if facts.deleted else 'is disabled'}",
        text="It waited when the endpoint was taken out of use, and stays here on record.",
        next="Nothing more is sent for it.",
        next_at=None,
        why_no_retry="The endpoint is disabled.",
    )


_TELLERS: Final = {
    Shown.DELIVERED: _delivered,
    Shown.SENDING: _sending,
    Shown.PENDING: _pending,
    Shown.RETRYING: _retrying,
    Shown.HELD: _held,
    Shown.RESUMING: _resuming,
    Shown.EXHAUSTED: _exhausted,
    Shown.CANCELLED: _cancelled,
    Shown.RETRIED: _retried,
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


def _endpoint_bar(facts: Facts) -> str:
    if facts.endpoint is EndpointStatus.PAUSED:
        return "Resume the endpoint first."
    if facts.endpoint is EndpointStatus.RESUMING:
        return "The endpoint is resuming; wait until it is done."
    if facts.endpoint is EndpointStatus.DISABLED:
        return "The endpoint is disabled."
    return ""


def _behind(facts: Facts) -> tuple[str, str]:
    """Why a lane has to wait, and until when."""
    if facts.queue.strict:
        text = (
            "The lanes of this endpoint are strict: events of one order are sent one after "
            f"another, and {facts.behind} is not finished."
        )
        return text, "This one follows as soon as that one is delivered or given up."
    text = (
        f"Events of one order are first sent in their order, and {facts.behind} has not had "
        "its first attempt yet."
    )
    return text, "This one follows as soon as that attempt has ended, whatever its result."


def _before(facts: Facts) -> str:
    if not facts.attempts or facts.outcome is None:
        return ""
    return f" The last attempt failed: {_lower(_last(facts)[0])}."


def _of(facts: Facts) -> str:
    return f" of {facts.most}" if facts.attempts < facts.most else ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
