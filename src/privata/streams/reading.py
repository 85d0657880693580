"""What the page shows of streams: those that are open, and those that closed in the last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.functions import Now

from privata.access.tenants import Tenant
from privata.events.models import Event
from privata.infra.plane import kernel, wait
from privata.orders.reading import newest_moving
from privata.organizations.profile import profile_of
from privata.streams.models import Stream
from privata.streams.states import Ending, ResumeSource
from privata.streams.store import DEAD_AFTER_S

#: Rows that are shown of each list.
MOST_OPEN: Final = 100
MOST_CLOSED: Final = 20

#: From this share of the cap on, people should know.
NEARLY_FULL: Final = 0.8

#: Why a stream is over: words, icon, tone.
ENDINGS: Final = {
    Ending.FINISHED: ("Order ended", "check", "ok"),
    Ending.CLIENT_LEFT: ("Client left", "log-out", "plain"),
    Ending.CLOSED_HERE: ("Closed here", "x", "plain"),
    Ending.KEY_DEAD: ("Key expired or revoked", "key-round", "warn"),
    Ending.RESTART: ("Server restarted", "refresh-cw", "plain"),
    Ending.NODE_LOST: ("Server lost", "unplug", "warn"),
    Ending.STALLED: ("Client not reading", "hourglass", "warn"),
}

#: What a stream began with, in a sentence.
SOURCES: Final = {
    ResumeSource.FRESH: "started with the current state of the order",
    ResumeSource.BUFFER: "replayed everything after the client's last event",
    ResumeSource.SNAPSHOT: "the client's last event was too old or unknown, so it started with the"
    " state of the order",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of a list with the last event it sent, if that is known."""

    stream: Stream
    status: str | None
    at: datetime | None

    @property
    def ending(self) -> tuple[str, str, str]:
        """Words, icon and tone of why it is over."""
        return ENDINGS[Ending(self.stream.reason or Ending.CLIENT_LEFT)]

    @property
    def source(self) -> str:
        return SOURCES[ResumeSource(self.stream.source)]

    @property
    def lasted_s(self) -> float | None:
        """Seconds it was open."""
        closed = self.stream.closed_at
        return None if closed is None else (closed - self.stream.opened_at).total_seconds()


def open_streams(tenant: Tenant) -> QuerySet[Stream]:
    """The tenant's open streams on servers that live."""
    return Stream.objects.filter(
        **_mine(tenant),
        closed_at=None,
        node__seen_at__gt=Now() - timedelta(seconds=DEAD_AFTER_S),
    )


def open_stream(tenant: Tenant, stream_id: int) -> Stream | None:
    """One of them."""
    return open_streams(tenant).filter(id=stream_id).first()


def overview(tenant: Tenant) -> dict[str, Any]:
    """The figures and both lists."""
    cap = wait(profile_of(kernel(), actor=tenant.actor)).streams(tenant.environment)
    count = open_streams(tenant).count()
    closed = Stream.objects.filter(**_mine(tenant), closed_at__isnull=False)
    return {
        "open_count": count,
        "cap": cap,
        "full": count >= cap,
        "nearly_full": count >= NEARLY_FULL * cap,
        "open": _with_events(tenant, open_streams(tenant).order_by("-id")[:MOST_OPEN]),
        "closed": _with_events(tenant, closed.order_by("-closed_at")[:MOST_CLOSED]),
    }


def order_to_watch(tenant: Tenant) -> str | None:
    """The newest order that still moves: there is something to see."""
    return wait(newest_moving(kernel(), actor=tenant.actor))


def _mine(tenant: Tenant) -> dict[str, Any]:
    return {
        "organization_id": tenant.organization_id,
        "environment": tenant.environment.value,
    }


def _with_events(tenant: Tenant, streams: QuerySet[Stream]) -> list[Shown]:
    rows = list(streams)
    found = Event.objects.filter(
        **_mine(tenant), order_id__in={row.order_id for row in rows}, channel="order"
    ).values_list("order_id", "order_seq", "type", "created_at")
    events = {(order_id, seq): (kind, at) for order_id, seq, kind, at in found}
    shown = []
    for row in rows:
        kind, at = events.get((row.order_id, row.last_seq), (None, None))
        status = None if kind is None else kind.partition(".")[2]
        shown.append(Shown(row, status, at))
    return shown
