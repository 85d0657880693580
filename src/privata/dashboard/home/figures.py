"""The figures of the home page: one statement per source, each inside a window of two days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from privata.access.tenants import Tenant
from privata.infra.plane import app_context, wait
from privata.orders.figures import DAY, OrdersOfHour, orders_by_hour, swap_times
from privata.webhooks.deliveries import figures as deliveries
from privata.webhooks.endpoints.reading import Partition

HOUR = timedelta(hours=1)

#: Bars of the chart.
HOURS = 24

#: Providers listed beside the chart.
MOST_PROVIDERS = 5


@dataclass(slots=True)
class Tally:
    """Orders of one slice. `finished` is what the success rate is a share of."""

    orders: int = 0
    usd: Decimal = Decimal(0)
    completed: int = 0
    unsuccessful: int = 0
    bad: int = 0

    @property
    def finished(self) -> int:
        return self.completed + self.unsuccessful

    @property
    def success(self) -> float | None:
        """Completed / (completed + failed + expired); None before anything finished."""
        return self.completed / self.finished if self.finished else None

    def add(self, row: OrdersOfHour) -> None:
        self.orders += row.orders
        self.usd += row.usd
        self.completed += row.completed
        self.unsuccessful += row.unsuccessful
        self.bad += row.bad


@dataclass(slots=True)
class OrderFigures:
    """Orders of the last day, of the day before, by hour and by provider."""

    recent: Tally = field(default_factory=Tally)
    before: Tally = field(default_factory=Tally)
    by_hour: dict[datetime, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_provider: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    provider_hours: dict[tuple[str, datetime], Tally] = field(
        default_factory=lambda: defaultdict(Tally)
    )


@dataclass(slots=True)
class TimeFigures:
    """Seconds that swaps took."""

    recent: float | None = None
    before: float | None = None
    slowest: float | None = None
    by_hour: dict[datetime, float] = field(default_factory=dict)
    by_provider: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Deliveries:
    """Deliveries of one slice that were tried at least once."""

    tried: int = 0
    delivered: int = 0

    @property
    def share(self) -> float | None:
        return self.delivered / self.tried if self.tried else None


@dataclass(slots=True)
class DeliveryFigures:
    """Deliveries of the last day, of the day before, and by hour."""

    recent: Deliveries = field(default_factory=Deliveries)
    before: Deliveries = field(default_factory=Deliveries)
    by_hour: dict[datetime, Deliveries] = field(default_factory=lambda: defaultdict(Deliveries))


def hours_until(now: datetime) -> list[datetime]:
    """The beginnings of the last 24 hours, oldest first; the last one is still running."""
    running = now.replace(minute=0, second=0, microsecond=0)
    return [running - (HOURS - 1 - i) * HOUR for i in range(HOURS)]


def order_figures(tenant: Tenant, now: datetime) -> OrderFigures:
    """Counts of orders by creation, over the last 48 hours in whole hours."""
    rows = wait(orders_by_hour(app_context(), actor=tenant.actor, now=now))
    figures = OrderFigures()
    for row in rows:
        figures.by_hour[row.hour].add(row)
        if row.recent:
            figures.recent.add(row)
            figures.by_provider[row.provider].add(row)
            figures.provider_hours[row.provider, row.hour].add(row)
        else:
            figures.before.add(row)
    return figures


def time_figures(tenant: Tenant, now: datetime) -> TimeFigures:
    """Median and 99th percentile of swap times of orders made in the last 48 hours."""
    figures = TimeFigures()
    for row in wait(swap_times(app_context(), actor=tenant.actor, now=now)):
        if row.hour is not None:
            figures.by_hour[row.hour] = row.median
        elif row.provider is not None:
            if row.recent:
                figures.by_provider[row.provider] = row.median
        elif row.recent:
            figures.recent, figures.slowest = row.median, row.slowest
        else:
            figures.before = row.median
    return figures


def delivery_figures(tenant: Tenant, now: datetime) -> DeliveryFigures:
    """Deliveries by creation; what was never tried (held, or just made) counts for nothing."""
    partition = Partition(tenant.organization_id, tenant.environment)
    rows = wait(
        deliveries.by_hour(app_context(), partition, since=now - 2 * DAY, recent_since=now - DAY)
    )
    figures = DeliveryFigures()
    for row in rows:
        window = figures.recent if row.recent else figures.before
        for tally in (window, figures.by_hour[row.hour]):
            tally.tried += row.tried
            tally.delivered += row.delivered
    return figures


def busiest(figures: OrderFigures) -> Iterable[tuple[str, Tally]]:
    """The providers with the most volume of the last day."""
    ranked = sorted(figures.by_provider.items(), key=lambda item: (-item[1].usd, item[0]))
    return ranked[:MOST_PROVIDERS]
