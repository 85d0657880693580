"""The command palette: pages by name; orders, deliveries, events, endpoints and keys by id."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.apikeys.listing import keys_found
from privata.core.roles import Permission
from privata.dashboard.navigation import NAVIGATION
from privata.infra.plane import app_context, is_fragment, wait
from privata.orders.reading import ListedOrder, found_by
from privata.orders.search.filter_values import MAX_TEXT
from privata.ui.statuses import look
from privata.webhooks.deliveries import reading as deliveries
from privata.webhooks.deliveries.reading import DeliveryRow
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition

#: Results of each kind.
MOST = 6


class Found(NamedTuple):
    """One result, as `palette_options()` takes it."""

    label: str
    url: str
    icon: str
    note: str = ""


Group = tuple[str, list[Found]]


@require_safe
@requires(Permission.VIEW_HOME)
def page(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Options for the palette; otherwise the whole page, or at once the one thing pasted."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    pages, things = _pages(tenant, text), _things(tenant, text)
    groups = [group for group in (*things, pages) if group[1]]
    if is_fragment(request):
        return render(request, "dashboard/_search.html", {"groups": groups})
    found = [one for _, group in things for one in group]
    if len(found) == 1 and not pages[1]:
        return redirect(found[0].url)
    return render(request, "dashboard/search.html", {"groups": groups, "text": text})


def _pages(tenant: Tenant, text: str) -> Group:
    found = [
        Found(entry.label, entry.url(tenant.environment.value), entry.icon)
        for _, entries in NAVIGATION
        for entry in entries
        if tenant.may(entry.permission) and text.lower() in entry.label.lower()
    ]
    return "Pages", found


def _things(tenant: Tenant, text: str) -> list[Group]:
    if not text:
        return []
    groups: list[Group] = []
    if tenant.may(Permission.VIEW_ORDERS):
        groups.append(("Orders", _orders(tenant, text)))
    if tenant.may(Permission.VIEW_DELIVERIES):
        groups.append(("Deliveries", _deliveries(tenant, text)))
        groups.append(("Endpoints", _endpoints(tenant, text)))
    if tenant.may(Permission.VIEW_KEYS):
        groups.append(("API keys", _keys(tenant, text)))
    return groups


def _orders(tenant: Tenant, text: str) -> list[Found]:
    found = wait(found_by(app_context(), actor=tenant.actor, text=text, limit=MOST))
    return [_order(tenant, one) for one in found]


def _order(tenant: Tenant, order: ListedOrder) -> Found:
    where = {"environment": tenant.environment.value, "order_id": order.id}
    status = look("order", order.status).label
    note = f"{order.from_asset} to {order.to_asset}, {status.lower()}"
    return Found(order.id, reverse("orders:detail", kwargs=where), "arrow-left-right", note)


def _deliveries(tenant: Tenant, text: str) -> list[Found]:
    """By their own id, or by the id of their event."""
    found = deliveries.found_by(app_context(), _partition(tenant), text, limit=MOST)
    return [_delivery(tenant, one) for one in wait(found)]


def _delivery(tenant: Tenant, delivery: DeliveryRow) -> Found:
    where = {"environment": tenant.environment.value, "delivery_id": delivery.id}
    url = reverse("webhooks:delivery", kwargs=where)
    return Found(delivery.event.type, url, "send", f"to {delivery.endpoint.alias}")


def _endpoints(tenant: Tenant, text: str) -> list[Found]:
    found = wait(endpoints.found_by(app_context(), _partition(tenant), text, limit=MOST))
    where = {"environment": tenant.environment.value}
    return [
        Found(
            one.alias,
            reverse("webhooks:endpoint", kwargs=where | {"endpoint_id": one.id}),
            "webhook",
            one.url,
        )
        for one in found
    ]


def _keys(tenant: Tenant, text: str) -> list[Found]:
    found = wait(
        keys_found(
            app_context(),
            organization_id=tenant.organization_id,
            environment=tenant.environment,
            text=text,
            most=MOST,
        )
    )
    where = {"environment": tenant.environment.value}
    return [
        Found(
            one.name,
            reverse("keys:detail", kwargs=where | {"key_id": one.id}),
            "key-round",
            one.current.shown,
        )
        for one in found
    ]


def _partition(tenant: Tenant) -> Partition:
    return Partition(tenant.organization_id, tenant.environment)
