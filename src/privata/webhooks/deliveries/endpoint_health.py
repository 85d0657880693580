"""How endpoints have been doing lately, for their list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncHour

from privata.webhooks.deliveries.queues import waiting_of
from privata.webhooks.models import Delivery, Endpoint
from privata.webhooks.outcomes import Outcome
from privata.webhooks.states import DeliveryStatus

HOURS: Final = 24

_DELIVERED = Q(status=DeliveryStatus.DELIVERED.value)
_UNDELIVERED = ~_DELIVERED & ~Q(status=DeliveryStatus.RETRIED.value) & Q(attempts__gt=0)


@dataclass(slots=True)
class Health:
    """The last 24 hours of an endpoint, one state an hour, the present hour last."""

    states: list[str] = field(default_factory=lambda: ["none"] * HOURS)
    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    last_failure_at: datetime | None = None

    @property
    def success(self) -> float | None:
        """The share of attempted deliveries that arrived; None without any."""
        tried = self.delivered + self.failed
        return self.delivered / tried if tried else None


def health_of(endpoints: Sequence[Endpoint], now: datetime) -> dict[UUID, Health]:
    """The health of each endpoint, in two statements whatever their number."""
    found = {endpoint.id: Health() for endpoint in endpoints}
    if not found:
        return found
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    recent = Delivery.objects.filter(
        endpoint_id__in=list(found), created_at__gte=this_hour - timedelta(hours=HOURS - 1)
    )
    hours = (
        recent.annotate(hour=TruncHour("created_at"))
        .values_list("endpoint_id", "hour")
        .annotate(
            delivered=Count("id", filter=_DELIVERED),
            failed=Count("id", filter=_UNDELIVERED),
            last=Max("last_attempt_at", filter=~Q(last_outcome=Outcome.DELIVERED.value)),
        )
        .order_by()
    )
    for endpoint_id, hour, delivered, failed, last in hours:
        _add(found[endpoint_id], int((this_hour - hour) / timedelta(hours=1)), delivered, failed)
        known = found[endpoint_id].last_failure_at
        if last is not None and (known is None or last > known):
            found[endpoint_id].last_failure_at = last
    for endpoint_id, count in waiting_of(list(found)).items():
        found[endpoint_id].waiting = count
    return found


def _add(health: Health, hours_ago: int, delivered: int, failed: int) -> None:
    health.delivered += delivered
    health.failed += failed
    state = "none"
    if delivered + failed:
        state = "ok" if not failed else "warn" if delivered > failed else "bad"
    at = HOURS - 1 - min(max(hours_ago, 0), HOURS - 1)
    health.states[at] = state
