"""How an endpoint's queue, its secrets and its recoveries stand, for its pages."""

# What is put together here are constants of `waiting`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.db.models.query import QuerySet

from privata.webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret, Recovery
from privata.webhooks.outcomes import Outcome
from privata.webhooks.recovery.replays import PER_HOUR
from privata.webhooks.states import DeliveryStatus, EndpointStatus, RecoveryStatus
from privata.webhooks.waiting import EXHAUSTED
from privata.webhooks.waiting import waiting as waits_sql

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
    """How many deliveries wait for it; while it resumes, of those that waited when that began."""
    return waiting_of([endpoint.id])[endpoint.id]


def waiting_of(endpoint_ids: Sequence[UUID], most: int | None = None) -> dict[UUID, int]:
    """How many deliveries wait for each, counted no further than `most`.

    By the statement that says it to the API and in `webhook_resumed`: there is one figure.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id, {waits_sql(most)} FROM webhook_endpoint AS e WHERE e.id = ANY (%s)",
            [list(endpoint_ids)],
        )
        return dict(cursor.fetchall())


def exhausted(endpoint: Endpoint) -> int:
    """How many of its events were given up lately, so that resuming does not send them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {EXHAUSTED} FROM webhook_endpoint AS e WHERE e.id = %s", [endpoint.id]
        )
        found: int = cursor.fetchone()[0]
        return found


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
    """How many deliveries of its endpoint are sent before it while that one resumes."""
    resumed_at = delivery.endpoint.resumed_at
    earlier = Delivery.objects.filter(
        Q(due_at__lte=Now()) | Q(last_attempt_at=None) | Q(last_attempt_at__lt=resumed_at),
        _PENDING,
        endpoint_id=delivery.endpoint_id,
        event_id__lt=delivery.event_id,
    )
    return earlier.order_by("event_id").values("id")[:MOST_AHEAD].count()


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
    """How many replays by hand the endpoint may get now; as `replays.not_too_many` counts."""
    made = Delivery.objects.filter(
        endpoint_id=endpoint_id,
        replay=True,
        recovery=None,
        created_at__gt=now - timedelta(hours=1),
    ).exclude(retry_of__status=DeliveryStatus.RETRIED.value)
    return max(0, PER_HOUR - made.count())


def missed_since(endpoint: Endpoint, since: datetime) -> QuerySet[Delivery]:
    """What a recovery since then would send: the same condition as `recoveries.MISSED`."""
    again = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        event=OuterRef("event"),
        replay=True,
        status__in=[DeliveryStatus.DELIVERED.value, DeliveryStatus.PENDING.value],
    )
    missed = Q(status=DeliveryStatus.EXHAUSTED.value)
    if endpoint.status == EndpointStatus.ACTIVE:
        missed |= _PENDING & Q(attempts__gt=0)
    return Delivery.objects.filter(
        missed,
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
        .exclude(status=DeliveryStatus.RETRIED.value)
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
