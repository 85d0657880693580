"""How an endpoint's queue, its secrets and its recoveries stand, for its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.db.models.query import QuerySet

from privata.webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret, Recovery
from privata.webhooks.outcomes import Outcome
from privata.webhooks.replays import PER_HOUR
from privata.webhooks.states import DeliveryStatus, EndpointStatus, RecoveryStatus

_PENDING = Q(status=DeliveryStatus.PENDING.value)

#: Counting the queue in front of one delivery stops here.
MOST_AHEAD: Final = 10_000


@dataclass(frozen=True, slots=True)
class Recovering:
    """A recovery and how many of its events were queued, delivered and failed so far."""

    recovery: Recovery
    queued: int
    delivered: int
    failed: int

    @property
    def running(self) -> bool:
        return self.recovery.status == RecoveryStatus.RUNNING


def waiting(endpoint: Endpoint) -> int:
    """How many deliveries wait; while it resumes, of those that were due when that began."""
    found = Delivery.objects.filter(_PENDING, endpoint=endpoint)
    if endpoint.status == EndpointStatus.RESUMING and endpoint.resumed_at is not None:
        # The probe and whatever else is in flight is due at its lease's end.
        found = found.filter(Q(due_at__lte=endpoint.resumed_at) | Q(in_flight=True))
    return found.count()


def waiting_for_us(endpoint: Endpoint) -> tuple[int, str]:
    """How many of its deliveries wait because of a fault of ours, and what was said of the last."""
    found = Delivery.objects.filter(
        _PENDING, endpoint=endpoint, last_outcome=Outcome.INTERNAL.value
    ).order_by("-last_attempt_at")
    count = found.count()
    if not count:
        return 0, ""
    last = Attempt.objects.filter(delivery_id=found.values_list("id", flat=True)[0])
    said = last.order_by("-id").values_list("detail", flat=True).first()
    return count, said or ""


def ahead_of(delivery: Delivery) -> int:
    """How many due deliveries of its endpoint are sent before it while that one resumes."""
    due = Delivery.objects.filter(_PENDING, endpoint_id=delivery.endpoint_id, due_at__lte=Now())
    earlier = Q(due_at__lt=delivery.due_at) | Q(
        due_at=delivery.due_at, event_id__lt=delivery.event_id
    )
    # Retries are the oldest of what waited, so they go first.
    if delivery.attempts:
        found = due.filter(earlier, attempts__gt=0)
    else:
        found = due.filter(Q(attempts__gt=0) | earlier)
    return found.values("id")[:MOST_AHEAD].count()


def taken_over(delivery: Delivery) -> bool:
    """Whether a recovery has queued this delivery's event again."""
    return (
        not delivery.replay
        and delivery.status == DeliveryStatus.EXHAUSTED
        and Delivery.objects.filter(
            endpoint_id=delivery.endpoint_id,
            event_id=delivery.event_id,
            replay=True,
            recovery__isnull=False,
        ).exists()
    )


def replays_left(endpoint_id: UUID, now: datetime) -> int:
    """How many replays by hand the endpoint may get now."""
    made = Delivery.objects.filter(
        endpoint_id=endpoint_id,
        replay=True,
        recovery=None,
        created_at__gt=now - timedelta(hours=1),
    ).count()
    return max(0, PER_HOUR - made)


def missed_since(endpoint: Endpoint, since: datetime) -> QuerySet[Delivery]:
    """What a recovery since then would send: the same condition as `recoveries.MISSED`."""
    again = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        event=OuterRef("event"),
        replay=True,
        status__in=[DeliveryStatus.DELIVERED.value, DeliveryStatus.PENDING.value],
    )
    return Delivery.objects.filter(
        Q(status=DeliveryStatus.EXHAUSTED.value) | (_PENDING & Q(attempts__gt=0)),
        ~Exists(again),
        endpoint=endpoint,
        replay=False,
        created_at__gte=since,
    )


def recovering(endpoint: Endpoint) -> Recovering | None:
    """The recovery that runs."""
    found = Recovery.objects.filter(endpoint=endpoint, status=RecoveryStatus.RUNNING.value).first()
    return _counted([found])[0] if found else None


def latest_recoveries(endpoint: Endpoint, limit: int = 5) -> list[Recovering]:
    """Its recoveries, newest first."""
    return _counted(
        list(Recovery.objects.filter(endpoint=endpoint).order_by("-created_at")[:limit])
    )


def valid_secrets(endpoint: Endpoint) -> list[EndpointSecret]:
    """Those that sign now: the current one, and in a rotation before it the old one."""
    mine = EndpointSecret.objects.filter(endpoint=endpoint)
    return list(mine.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).order_by("created_at"))


def all_secrets(endpoint: Endpoint) -> list[EndpointSecret]:
    """The secrets that sign or signed, newest first; old ones end the list."""
    return list(EndpointSecret.objects.filter(endpoint=endpoint).order_by("-created_at")[:10])


def _counted(found: Sequence[Recovery]) -> list[Recovering]:
    rows = {
        row["recovery_id"]: row
        for row in Delivery.objects.filter(recovery__in=[one.id for one in found])
        .values("recovery_id")
        .annotate(
            queued=Count("id"),
            delivered=Count("id", filter=Q(status=DeliveryStatus.DELIVERED.value)),
            failed=Count(
                "id", filter=~Q(status=DeliveryStatus.DELIVERED.value) & Q(attempts__gt=0)
            ),
        )
        .order_by()
    }
    none = {"queued": 0, "delivered": 0, "failed": 0}
    counted = []
    for one in found:
        row = rows.get(one.id, none)
        counted.append(Recovering(one, row["queued"], row["delivered"], row["failed"]))
    return counted
