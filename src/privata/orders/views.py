"""The orders list and the page of one order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from privata.infra.plane import kernel, wait
from privata.orders import presenting, reading, service
from privata.orders.explorers import explorer_link
from privata.orders.filters import GROUPS, SPANS, Cursor, OrderFilter, parse_cursor, parse_filter
from privata.orders.models import Order
from privata.orders.tracking import tracking_url
from privata.organizations.doors import Tenant, page
from privata.organizations.roles import Permission
from privata.providers.registry import providers_for
from privata.webhooks.story import shown_state

#: The tabs of an order, as they stand in its address.
TABS = {
    "summary": "Summary",
    "timeline": "Timeline",
    "transactions": "Transactions",
    "deliveries": "Webhooks",
    "raw": "Raw JSON",
}


@require_safe
@page(Permission.VIEW_ORDERS)
def listing(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The list, a page at a time."""
    chosen = parse_filter(request.GET)
    now = datetime.now(UTC)
    before, after = _cursor(request, "before"), _cursor(request, "after")
    shown = reading.page_of(tenant, chosen, now, before=before, after=after)
    newest = before is None and shown.newer is None
    context = {
        **_rows(chosen, shown.rows, shown.first, shown.last, newest=newest),
        "page": shown,
        "new": 0,
        "any_orders": bool(shown.rows) or reading.orders_of(tenant).exists(),
        "spans": SPANS,
        "groups": [(label, [s.value for s in group]) for label, group in GROUPS.items()],
        "providers": [provider.name for provider in providers_for(tenant.environment)],
        "api_url": _api_url(),
    }
    return render(request, "orders/list.html", context)


@require_safe
@page(Permission.VIEW_ORDERS)
def rows(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The rows somebody is looking at as they are now, and how many came since."""
    chosen = parse_filter(request.GET)
    now = datetime.now(UTC)
    first, last = _cursor(request, "first"), _cursor(request, "last")
    newest = request.GET.get("newest") == "1"
    if first is None or last is None:
        shown = reading.page_of(tenant, chosen, now)
        context = _rows(chosen, shown.rows, shown.first, shown.last, newest=True) | {"new": 0}
        return render(request, "orders/_rows.html", context)
    same = reading.same_rows(tenant, chosen, now, first, last)
    new = reading.count_newer(tenant, chosen, now, first) if newest else 0
    context = _rows(chosen, same, first, last, newest=newest) | {"new": new}
    return render(request, "orders/_rows.html", context)


@require_safe
@page(Permission.VIEW_ORDERS)
def detail(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponse:
    """Everything about one order but its refund address."""
    return render(request, "orders/detail.html", _detail(request, tenant, order_id))


@require_safe
@page(Permission.VIEW_ORDERS)
def detail_fragment(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponse:
    """The part of the page that changes while an order moves."""
    return render(request, "orders/_detail.html", _detail(request, tenant, order_id))


def _rows(
    chosen: OrderFilter, shown: Any, first: Cursor | None, last: Cursor | None, *, newest: bool
) -> dict[str, Any]:
    place = {
        "first": first.encode() if first else "",
        "last": last.encode() if last else "",
        "newest": "1" if newest else "",
    }
    return {"chosen": chosen, "rows": shown, "live_query": chosen.query(**place)}


def _detail(request: HttpRequest, tenant: Tenant, order_id: str) -> dict[str, Any]:
    order = reading.order_of(tenant, order_id)
    if order is None:
        raise Http404
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS and (tab != "deliveries" or _sees_deliveries(tenant)) else "summary"
    entries = reading.timeline_of(order)
    context = {
        "order": order,
        "tab": tab,
        "tabs": list(TABS.items()),
        "sees_deliveries": _sees_deliveries(tenant),
        "steps": presenting.steps(entries),
        "stages": presenting.stages(entries),
        "slippage": presenting.slippage(order.amount_to_expected, order.amount_to_actual),
        "swap_seconds": presenting.swap_seconds(entries),
        "closes_at": presenting.refund_closes(
            order.status, entries[-1].at, order.refund_window_hours
        ),
        "tracking_url": tracking_url(kernel(), order.id),
    }
    return context | _tab(tenant, order, tab)


def _tab(tenant: Tenant, order: Order, tab: str) -> dict[str, Any]:
    """What only one tab needs."""
    if tab == "transactions":
        return {"transactions": _transactions(order)}
    if tab == "deliveries":
        now = datetime.now(UTC)
        found = reading.deliveries_of(tenant, order)
        return {"deliveries": [(one, _shown(one, now)) for one in found]}
    if tab == "raw":
        return {"raw": wait(service.get_order(kernel(), actor=tenant.actor, order_id=order.id))}
    return {}


def _transactions(order: Order) -> list[dict[str, Any]]:
    sandbox = order.environment == "test"
    sides = (
        ("Deposit", order.from_asset, order.from_network, order.tx_in_hash),
        ("Payout", order.to_asset, order.to_network, order.tx_out_hash),
    )
    return [
        {
            "label": label,
            "asset": asset,
            "network": network,
            "hash": tx_hash,
            "link": explorer_link(network, tx_hash, sandbox=sandbox) if tx_hash else None,
        }
        for label, asset, network, tx_hash in sides
    ]


def _shown(delivery: Any, now: datetime) -> str:
    state = shown_state(
        delivery.status,
        delivery.endpoint.status,
        delivery.attempts,
        delivery.in_flight,
        delivery.due_at,
        now,
    )
    return state.value


def _sees_deliveries(tenant: Tenant) -> bool:
    return tenant.may(Permission.VIEW_DELIVERIES)


def _cursor(request: HttpRequest, name: str) -> Cursor | None:
    return parse_cursor(request.GET.get(name, ""))


def _api_url() -> str:
    return f"{kernel().settings.base_url}/partner/v1"
