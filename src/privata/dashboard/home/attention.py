"""What needs a person: paused endpoints with waiting events, orders that need a refund, and
providers that do not answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from privata.access.tenants import Tenant
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.orders.reading import refund_windows
from privata.routing.reading import down_now
from privata.routing.rows import ProviderDown
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import EndpointRow, Partition
from privata.webhooks.states import EndpointStatus

#: Counting stops here and says so: a backlog of millions must not slow the home page down.
MOST_WAITING = 10_000
MOST_ENDPOINTS = 5
MOST_REFUNDS = 100

#: Older orders that still wait for a refund are found in the list; the page looks back this far.
REFUNDS_SINCE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PausedEndpoint:
    """An endpoint that is paused, and how many events wait for it."""

    endpoint: EndpointRow
    waiting: int

    @property
    def capped(self) -> bool:
        return self.waiting > MOST_WAITING


@dataclass(frozen=True, slots=True)
class Refunds:
    """Orders in `refund_required`, and when the first of their windows closes."""

    count: int
    first_closes: datetime | None

    @property
    def capped(self) -> bool:
        return self.count > MOST_REFUNDS


@dataclass(frozen=True, slots=True)
class Attention:
    """Everything that needs a person."""

    paused: list[PausedEndpoint]
    refunds: Refunds | None
    down: list[ProviderDown]

    @property
    def count(self) -> int:
        return len(self.paused) + (self.refunds is not None) + len(self.down)


def attention(tenant: Tenant) -> Attention:
    """What this person may see of what waits."""
    return Attention(
        _paused(tenant) if tenant.may(Permission.VIEW_DELIVERIES) else [],
        _refunds(tenant) if tenant.may(Permission.VIEW_ORDERS) else None,
        wait(down_now(app_context(), actor=tenant.actor)),
    )


def _paused(tenant: Tenant) -> list[PausedEndpoint]:
    partition = Partition(tenant.organization_id, tenant.environment)
    every = wait(endpoints.endpoints(app_context(), partition))
    paused = sorted(
        (one for one in every if one.status is EndpointStatus.PAUSED and one.paused_at),
        key=lambda one: one.paused_at or one.created_at,
    )[:MOST_ENDPOINTS]
    ids = [one.id for one in paused]
    waiting = wait(endpoints.waiting_of(app_context(), partition, ids, MOST_WAITING + 1))
    return [PausedEndpoint(one, waiting[one.id]) for one in paused]


def _refunds(tenant: Tenant) -> Refunds | None:
    found = refund_windows(
        app_context(), actor=tenant.actor, since=REFUNDS_SINCE, limit=MOST_REFUNDS + 1
    )
    windows = wait(found)
    if not windows:
        return None
    return Refunds(len(windows), min((at for at in windows if at is not None), default=None))
