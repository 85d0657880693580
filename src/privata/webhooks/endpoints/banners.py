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
    f"We pause an endpoint by ourselves when {MAX_FAILURES} attempts fail within {_HOURS} hours, "
    "or at once when your server answers 410 Gone. Faults on our side never count. While it is "
    "paused, events are held in their order and none is dropped."
)

RESUMING: Final = (
    "On resuming, the oldest delivery is sent first. When your server accepts it, all others that "
    "wait follow in their order at the endpoint's pace, also those that had failed before. When it "
    "does not, the endpoint stays paused, and nothing but that one attempt is spent."
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
            "Events wait in their order and none is dropped.",
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
            "No event is queued for it any more. What was sent stays on record here.",
        )
    return _ours(facts) or _warning(facts)


def _ours(facts: EndpointFacts) -> Banner | None:
    if not facts.ours:
        return None
    return Banner(
        tone="warn",
        icon="triangle-alert",
        title=f"{_events(facts.ours)} waiting because of a fault on our side",
        text=facts.our_fault or "We know of it.",
        then="Nothing is lost, and it does not count against your endpoint: we keep trying.",
    )


def _paused(facts: EndpointFacts) -> Banner:
    text = _because(facts)
    failed = facts.probed_at is not None and (
        facts.paused_at is None or facts.probed_at >= facts.paused_at
    )
    if failed:
        text += f" We tried one delivery since: it failed, {_error(facts)}."
    then = (
        f"{_events(facts.waiting)} waiting and kept until you resume."
        if facts.waiting
        else "New events wait here until you resume; nothing is dropped."
    )
    return Banner(
        tone="warn",
        icon="circle-pause",
        title="The probe failed: deliveries stay paused" if failed else _PAUSED,
        text=text,
        then=then,
        next_at=_next_probe(facts),
    )


_PAUSED: Final = "Deliveries to this endpoint are paused"


def _because(facts: EndpointFacts) -> str:
    if facts.reason == Reason.FAILURES:
        count = len(facts.failures) or MAX_FAILURES
        return (
            f"{count} attempts failed within {_HOURS} hours, so we paused it. "
            f"The last one: {_error(facts)}."
        )
    if facts.reason == Reason.GONE:
        return "Your server answered 410 Gone, which asks us to stop."
    if facts.reason == Reason.MANUAL:
        return f"{facts.paused_by or 'A member of your organization'} paused it."
    return f"Reason: {facts.reason.replace('_', ' ') or 'none was given'}."


def _next_probe(facts: EndpointFacts) -> datetime | None:
    """We try by ourselves only where failures were the reason."""
    if facts.reason != Reason.FAILURES or not facts.probe_minutes or not facts.waiting:
        return None
    last = max((at for at in (facts.paused_at, facts.probed_at) if at), default=facts.now)
    return last + timedelta(minutes=facts.probe_minutes)


def _resuming(facts: EndpointFacts) -> Banner:
    who = f"{facts.resumed_by} resumed it." if facts.resumed_by else "This is a probe of our own."
    if not facts.flushing:
        return Banner(
            tone="info",
            icon="play",
            title="Resuming: one delivery goes first",
            text=(
                f"{who} The oldest delivery is "
                f"{'under way' if facts.probing else 'about to be sent'} as a probe."
            ),
            then=(
                f"When your server accepts it, {_others(facts.waiting - 1)} in order, at most "
                f"{facts.pace_per_s} a second. If not, the endpoint is paused again."
            ),
        )
    total = max(facts.waiting_at_resume, facts.waiting)
    return Banner(
        tone="info",
        icon="play",
        title="Resuming: sending what waited",
        text=f"{who} The probe was accepted. At most {facts.pace_per_s} a second, in order.",
        then=f"Done in {spoken(facts.waiting / max(1, facts.pace_per_s))}.",
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
        text=f"At {MAX_FAILURES} we pause this endpoint and hold its events. "
        f"The last one: {_error(facts)}.",
    )


def _error(facts: EndpointFacts) -> str:
    """`http_error 503: ...` in words."""
    what, _, detail = (facts.last_error or "no more is known").partition(": ")
    _, _, status = what.partition(" ")
    words = f"HTTP {status}" if status.isdecimal() else what.replace("_", " ")
    return f"{words} ({detail.rstrip('.')})" if detail else words


def _events(count: int) -> str:
    return f"{count:,} event is" if count == 1 else f"{count:,} events are"


def _others(count: int) -> str:
    if count <= 0:
        return "everything else follows"
    return f"the other {count:,} follow{'s' if count == 1 else ''}"
