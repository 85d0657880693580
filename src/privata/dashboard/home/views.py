"""The home page: what needs a person, the figures of the day, and what happened last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.apikeys.listing import any_key
from privata.core.roles import Permission
from privata.dashboard.home import changes, figures
from privata.dashboard.home.attention import attention
from privata.dashboard.home.states import state_of
from privata.infra.plane import app_context, current_time, wait
from privata.orders.figures import DAY
from privata.orders.reading import any_order, newest
from privata.streams.reading import count_open
from privata.webhooks.deliveries.reading import Partition
from privata.webhooks.deliveries.reading import newest as newest_deliveries
from privata.webhooks.endpoints.reading import endpoints

#: Rows of the two lists at the bottom.
RECENT = 10

Part = Callable[[Tenant, datetime], dict[str, Any]]


@require_safe
@requires(Permission.VIEW_HOME)
def page(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The whole page; first steps instead of figures until there is an order."""
    now = current_time()
    if not wait(any_order(app_context(), actor=tenant.actor)):
        return render(request, "dashboard/first_steps.html", _first_steps(tenant))
    context = {"now_at": now}
    for reading in PARTS.values():
        context |= reading(tenant, now)
    return render(request, "dashboard/home.html", context)


@require_safe
@requires(Permission.VIEW_HOME)
def fragment(request: HttpRequest, tenant: Tenant, part: str) -> HttpResponse:
    """One part of the page as it is now."""
    if part not in PARTS:
        raise Http404
    return render(request, f"dashboard/_{part}.html", PARTS[part](tenant, current_time()))


def _attention(tenant: Tenant, now: datetime) -> dict[str, Any]:
    return {"attention": attention(tenant)}


def _kpis(tenant: Tenant, now: datetime) -> dict[str, Any]:
    orders = figures.order_figures(tenant, now)
    times = figures.time_figures(tenant, now)
    sees_deliveries = tenant.may(Permission.VIEW_DELIVERIES)
    deliveries = figures.delivery_figures(tenant, now) if sees_deliveries else None
    hours = figures.hours_until(now)
    by_hour = [orders.by_hour.get(hour, figures.Tally()) for hour in hours]
    context = {
        "now_at": now,
        "orders": orders,
        "times": times,
        "deliveries": deliveries,
        "orders_change": changes.relative(orders.recent.orders, orders.before.orders),
        "usd_change": changes.relative(orders.recent.usd, orders.before.usd),
        "success_change": changes.points(orders.recent.success, orders.before.success),
        "time_change": changes.seconds(times.recent, times.before),
        "orders_line": [tally.orders for tally in by_hour],
        "usd_line": [float(tally.usd) for tally in by_hour],
        "success_line": _carried([tally.success for tally in by_hour]),
        "time_line": _carried([times.by_hour.get(hour) for hour in hours]),
    }
    if deliveries is not None:
        shares = [deliveries.by_hour[hour].share for hour in hours]
        change = changes.points(deliveries.recent.share, deliveries.before.share)
        context |= {"delivery_line": _carried(shares), "delivery_change": change}
    return context


def _chart(tenant: Tenant, now: datetime) -> dict[str, Any]:
    orders = figures.order_figures(tenant, now)
    times = figures.time_figures(tenant, now)
    hours = figures.hours_until(now)
    empty = figures.Tally()
    bars = []
    for hour in hours:
        tally = orders.by_hour.get(hour, empty)
        before = orders.by_hour.get(hour - DAY, empty)
        bars.append(
            {
                "t": f"{hour:%Y-%m-%dT%H:%M:%SZ}",
                "main": tally.completed,
                "bad": tally.bad,
                "prev": before.completed + before.bad,
            }
        )
    providers = [
        {
            "name": name,
            "tally": tally,
            "median": times.by_provider.get(name),
            "states": [state_of(orders.provider_hours.get((name, hour), empty)) for hour in hours],
        }
        for name, tally in figures.busiest(orders)
    ]
    return {"bars": bars, "providers": providers}


def _recent(tenant: Tenant, now: datetime) -> dict[str, Any]:
    context: dict[str, Any] = {"recent_orders": None, "recent_deliveries": None}
    if tenant.may(Permission.VIEW_ORDERS):
        context["recent_orders"] = wait(newest(app_context(), actor=tenant.actor, limit=RECENT))
    if tenant.may(Permission.VIEW_DELIVERIES):
        partition = Partition(tenant.organization_id, tenant.environment)
        context["recent_deliveries"] = wait(newest_deliveries(app_context(), partition, RECENT))
    return context


def _streams(tenant: Tenant, now: datetime) -> dict[str, Any]:
    sees = tenant.may(Permission.VIEW_STREAMS)
    return {"open_streams": wait(count_open(app_context(), actor=tenant.actor)) if sees else None}


PARTS: dict[str, Part] = {
    "streams": _streams,
    "attention": _attention,
    "kpis": _kpis,
    "chart": _chart,
    "recent": _recent,
}


def _first_steps(tenant: Tenant) -> dict[str, Any]:
    ctx, mine, here = app_context(), tenant.organization_id, tenant.environment
    return {
        "api_url": f"{ctx.settings.base_url}/partner/v1",
        "has_key": wait(any_key(ctx, organization_id=mine, environment=here)),
        "has_endpoint": bool(wait(endpoints(ctx, Partition(mine, here)))),
    }


def _carried(values: list[float | None]) -> list[float]:
    """A line without gaps: an hour without data keeps the value before it."""
    known: list[float] = []
    for value in values:
        if value is not None:
            known.append(value)
        elif known:
            known.append(known[-1])
    return known
