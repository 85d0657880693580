"""When an endpoint is paused by us, and what a probe's end means for it. Pure; docs/webhooks.md.

Fifty failed attempts within six hours pause an endpoint; a success in between does not reset the
count. 410 pauses it at once. While it is being resumed nothing but the probe decides: delivered,
the rest follows; failed, it is paused again as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privata.webhooks.states import EndpointStatus

MAX_FAILURES: Final = 50
WINDOW: Final = timedelta(hours=6)

#: Characters of `last_error`.
MAX_ERROR: Final = 512

#: What `paused_by` says when it was us.
SYSTEM: Final = "system"


class Reason(StrEnum):
    """Why an endpoint is paused; people pause with `manual`."""

    MANUAL = "manual"
    FAILURES = "failures"
    GONE = "gone"


class Tell(StrEnum):
    """The ops event that a change calls for."""

    PAUSED = "webhook_paused"
    RESUMED = "webhook_resumed"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules know of an endpoint; `flush_tokens_at` is null until a probe arrived."""

    status: EndpointStatus
    failures: tuple[datetime, ...] = ()
    last_error: str | None = None
    paused_at: datetime | None = None
    paused_reason: str | None = None
    paused_by: str | None = None
    resumed_by: str | None = None
    probe_until: datetime | None = None
    probed_at: datetime | None = None
    flush_tokens_at: datetime | None = None

    @property
    def probing(self) -> bool:
        """It is being resumed and the probe has not arrived yet."""
        return self.status is EndpointStatus.RESUMING and self.flush_tokens_at is None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the attempts of a batch said about the URL an endpoint has now.

    `failed` attempts counted, `error` is one of theirs; `proved` and `refuted` are the probe's end.
    """

    failed: int = 0
    gone: bool = False
    probed: bool = False
    proved: bool = False
    refuted: bool = False
    error: str | None = None


def judge(standing: Standing, seen: Evidence, now: datetime) -> tuple[Standing, Tell | None]:
    """The endpoint after a batch, and what to tell about it, if anything."""
    if standing.status not in (EndpointStatus.ACTIVE, EndpointStatus.RESUMING):
        return standing, None  # stragglers of an endpoint that rests already
    failures = (*standing.failures, *[now] * min(seen.failed, MAX_FAILURES))[-MAX_FAILURES:]
    after = replace(standing, failures=failures, last_error=seen.error or standing.last_error)
    if seen.probed:
        after = replace(after, probe_until=None)
    if seen.gone:
        return _gone(after, now)
    if standing.probing:
        return _after_probe(after, seen, now)
    if too_many(failures, now):
        return _paused(after, Reason.FAILURES, now), Tell.PAUSED
    return after, None


def too_many(failures: Sequence[datetime], now: datetime) -> bool:
    """Whether the last 50 failures lie within six hours."""
    return len(failures) >= MAX_FAILURES and failures[-MAX_FAILURES] >= now - WINDOW


def error_text(outcome: str, status_code: int | None, detail: str) -> str:
    """One line for `last_error`: `http_error 503`, or the class and its sentence."""
    what = outcome if status_code is None else f"{outcome} {status_code}"
    return (f"{what}: {detail}" if detail else what)[:MAX_ERROR]


def _gone(after: Standing, now: datetime) -> tuple[Standing, Tell]:
    return _paused(after, Reason.GONE, now), Tell.PAUSED


def _paused(after: Standing, reason: Reason, now: datetime) -> Standing:
    return replace(
        _back(after),
        paused_at=now,
        paused_reason=reason.value,
        paused_by=SYSTEM,
        probed_at=now if after.probing else after.probed_at,
    )


def _back(after: Standing) -> Standing:
    return replace(
        after, status=EndpointStatus.PAUSED, probe_until=None, flush_tokens_at=None, resumed_by=None
    )


def _after_probe(after: Standing, seen: Evidence, now: datetime) -> tuple[Standing, Tell | None]:
    automatic = after.resumed_by is None
    if seen.proved:
        flowing = replace(after, failures=(), flush_tokens_at=now)
        # Whoever resumed it by hand was told then.
        return flowing, Tell.RESUMED if automatic else None
    if seen.refuted:
        # Nothing changes for the partner when a probe of our own fails: no event, same pause.
        again = replace(_back(after), probed_at=now)
        return (again, None) if automatic else (replace(again, paused_at=now), Tell.PAUSED)
    return after, None
