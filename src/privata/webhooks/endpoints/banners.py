"""What to say above an endpoint's pages: why it is paused, how far it has come back. Pure.

The policy itself is said where it has an effect, so nobody has to look for it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privata.webhooks.durations import spoken
from privata.webhooks.endpoints.pausing import MAX_FAILURES, WINDOW, Reason
from privata.webhooks.states import EndpointStatus

_HOURS: Final = WINDOW // timedelta(hours=1)

#: From so many failures on an active endpoint's page warns of the pause that may come.
WARN_FROM: Final = MAX_FAILURES // 2

POLICY: Final = (
    f"We pause an endpoint automatically when {MAX_FAILURES} attempts fail within {_HOURS} hours, "
    "or immediately when your server returns 410 Gone. Problems on our side never count. While an "
    "endpoint is paused, events are held in order and none are dropped."
)

RESUMING: Final = (
    "When you resume an endpoint, we send the oldest delivery first. If your server accepts it, "
    "all "
    "other waiting deliveries follow in order at the endpoint's pace, including those that failed "
    "before. If not, the endpoint stays paused, and only that one attempt is used."
)


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """What is known of an endpoint at `now`; `probe_minutes` is 0 when we never probe.

    `ours`: how many events wait because of a fault of ours, `our_fault` is what it is.
    `stopped`: why the organization's status lets nothing go out, as sentences.
    """

    status: EndpointStatus
    now: datetime
    waiting: int = 0
    reason: str = ""
    paused_by: str | None = None
    paused_at: datetime | None = None
    failures: tuple[datetime, ...] = ()
    last_error: str | None = None
    probed_at: datetime | None = None
    resumed_by: str | None = None
    probing: bool = False
    flushing: bool = False
    waiting_at_resume: int = 0
    pace_per_s: int = 20
    probe_minutes: int = 0
    ours: int = 0
    our_fault: str = ""
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """The sentences; `next_at` is when the next automatic probe is due, `done` of `total` a job."""

    tone: str
    icon: str
    title: str
    text: str
    then: str = ""
    next_at: datetime | None = None
    done: int | None = None
    total: int = 0


def banner_of(facts: EndpointFacts) -> Banner | None:
    """The banner, or None when there is nothing to say."""
    if facts.stopped and facts.status is not EndpointStatus.DISABLED:
        return Banner(
            "warn",
            "circle-pause",
            "Deliveries are held because of your organization's status",
            facts.stopped,
            "Events are held in order and none are dropped.",
        )
    if facts.status is EndpointStatus.PAUSED:
        return _paused(facts)
    if facts.status is EndpointStatus.RESUMING:
        return _resuming(facts)
    if facts.status is EndpointStatus.DISABLED:
        return Banner(
            "info",
            "ban",
            "This endpoint is disabled",
            "New events are not queued for it. Past deliveries remain in the log.",
        )
    return _ours(facts) or _warning(facts)


def _ours(facts: EndpointFacts) -> Banner | None:
    if not facts.ours:
        return None
    return Banner(
        tone="warn",
        icon="triangle-alert",
        title=f"{_events(facts.ours)} waiting because of a problem on our side",
        text=facts.our_fault or "We are aware of it.",
        then="Nothing is lost, and this does not count against your endpoint. We keep trying.",
    )


def _paused(facts: EndpointFacts) -> Banner:
    text = _because(facts)
    failed = facts.probed_at is not None and (
        facts.paused_at is None or facts.probed_at >= facts.paused_at
    )
    if failed:
        text += " The resume probe failed."
    if failed or facts.reason == Reason.FAILURES:
        text += f" Last error: {_error(facts)}."
    then = (
        f"{_events(facts.waiting)} waiting and will be kept until you resume."
        if facts.waiting
        else "New events are held until you resume. Nothing is dropped."
    )
    return Banner(
        tone="warn",
        icon="circle-pause",
        title="The probe failed, so deliveries stay paused" if failed else _PAUSED,
        text=text,
        then=then,
        next_at=_next_probe(facts),
    )


_PAUSED: Final = "Deliveries to this endpoint are paused"


def _because(facts: EndpointFacts) -> str:
    if facts.reason == Reason.FAILURES:
        count = len(facts.failures) or MAX_FAILURES
        return f"{count} attempts failed within {_HOURS} hours, so we paused this endpoint."
    if facts.reason == Reason.GONE:
        return "Your server returned 410 Gone, which tells us to stop."
    if facts.reason == Reason.MANUAL:
        return f"{facts.paused_by or 'A member of your organization'} paused this endpoint."
    return f"Reason: {facts.reason.replace('_', ' ') or 'not given'}."


def _next_probe(facts: EndpointFacts) -> datetime | None:
    """We try by ourselves only where failures were the reason."""
    if facts.reason != Reason.FAILURES or not facts.probe_minutes or not facts.waiting:
        return None
    last = max((at for at in (facts.paused_at, facts.probed_at) if at), default=facts.now)
    return last + timedelta(minutes=facts.probe_minutes)


def _resuming(facts: EndpointFacts) -> Banner:
    who = (
        f"{facts.resumed_by} resumed it."
        if facts.resumed_by
        else "We are probing it automatically."
    )
    if not facts.flushing:
        return Banner(
            tone="info",
            icon="play",
            title="Resuming: sending a probe",
            text=(
                f"{who} The oldest delivery is "
                f"{'being sent' if facts.probing else 'about to be sent'} as a probe."
            ),
            then=(
                f"If your server accepts it, {_others(facts.waiting - 1)} in order, up to "
                f"{facts.pace_per_s} per second. If not, the endpoint pauses again."
            ),
        )
    total = max(facts.waiting_at_resume, facts.waiting)
    return Banner(
        tone="info",
        icon="play",
        title="Resuming: sending held events",
        text=(
            f"{who} The probe was accepted. Events are sent in order, up to {facts.pace_per_s} "
            "per second."
        ),
        then=f"Time left: {spoken(facts.waiting / max(1, facts.pace_per_s))}.",
        done=total - facts.waiting,
        total=total,
    )


def _warning(facts: EndpointFacts) -> Banner | None:
    recent = [at for at in facts.failures if at > facts.now - WINDOW]
    if len(recent) < WARN_FROM:
        return None
    return Banner(
        tone="warn",
        icon="triangle-alert",
        title=f"{len(recent)} attempts failed in the last {_HOURS} hours",
        text=f"After {MAX_FAILURES}, we pause this endpoint and hold its events. "
        f"Last error: {_error(facts)}.",
    )


def _error(facts: EndpointFacts) -> str:
    """`http_error 503: ...` in words."""
    what, _, detail = (facts.last_error or "unknown").partition(": ")
    _, _, status = what.partition(" ")
    words = f"HTTP {status}" if status.isdecimal() else what.replace("_", " ")
    if not detail:
        return words
    # A sentence about a connection says what its class says, and more.
    return f"{words}. {detail.rstrip('.')}" if status.isdecimal() else detail.rstrip(".")


def _events(count: int) -> str:
    return f"{count:,} event is" if count == 1 else f"{count:,} events are"


def _others(count: int) -> str:
    if count <= 0:
        return "everything else follows"
    return f"the other {count:,} follow{'s' if count == 1 else ''}"
