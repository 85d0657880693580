"""The page of one order."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.explorers import explorer_link
from privata.core.lifecycle import OPEN, OrderStatus
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.orders import moving, presenting, reading
from privata.orders.refund_port import RefundPanel, refund_panel
from privata.orders.rows import Order
from privata.orders.tracking import tracking_url
from privata.orders.typical import Usual, usual_time
from privata.webhooks.deliveries.reading import Partition, of_order

#: Deliveries shown on an order; one has about six events, more only after replays.
MOST_DELIVERIES: Final = 100

#: The tabs of an order, as they stand in its address.
TABS = {
    "summary": "Overview",
    "timeline": "Timeline",
    "transactions": "Transactions",
    "deliveries": "Webhooks",
    "raw": "Raw JSON",
}


@require_safe
@requires(Permission.VIEW_ORDERS)
def detail(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponse:
    """Everything about one order but its refund address."""
    return render(request, "orders/detail.html", _detail(request, tenant, order_id))


@require_safe
@requires(Permission.VIEW_ORDERS)
def detail_fragment(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponse:
    """The part of the page that changes while an order moves."""
    return render(request, "orders/_detail.html", _detail(request, tenant, order_id))


def _detail(request: HttpRequest, tenant: Tenant, order_id: str) -> dict[str, Any]:
    order = wait(reading.order_of(app_context(), actor=tenant.actor, order_id=order_id))
    if order is None:
        raise Http404
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS and (tab != "deliveries" or _sees_deliveries(tenant)) else "summary"
    entries = wait(reading.timeline_of(app_context(), order))
    panel = wait(refund_panel(app_context(), order, entries))
    context = {
        "order": order,
        "tab": tab,
        "tabs": list(TABS.items()),
        "sees_deliveries": _sees_deliveries(tenant),
        "steps": presenting.steps(entries),
        "stages": presenting.stages(entries),
        "slippage": presenting.slippage(order.amount_to_expected, order.amount_to_actual),
        "swap_seconds": presenting.swap_seconds(entries),
        "refund_panel": panel,
        "tracking_url": tracking_url(app_context(), order.id),
    }
    return context | _tab(tenant, order, tab, panel)


def _tab(tenant: Tenant, order: Order, tab: str, panel: RefundPanel | None) -> dict[str, Any]:
    """What only one tab needs."""
    if tab == "timeline":
        return {"usual": _usual(tenant, order)}
    if tab == "transactions":
        return {"transactions": _transactions(order, panel)}
    if tab == "deliveries":
        partition = Partition(tenant.organization_id, tenant.environment)
        return {"deliveries": wait(of_order(app_context(), partition, order.id, MOST_DELIVERIES))}
    if tab == "raw":
        return {"raw": wait(moving.get_order(app_context(), actor=tenant.actor, order_id=order.id))}
    return {}


def _usual(tenant: Tenant, order: Order) -> Usual | None:
    """How long the state the order is in usually takes; a deposit takes as long as people do."""
    status = OrderStatus(order.status)
    if status not in OPEN or status is OrderStatus.WAITING_DEPOSIT:
        return None
    asked = usual_time(
        app_context(),
        actor=tenant.actor,
        status=status,
        provider=order.provider,
        source=order.from_asset,
    )
    return wait(asked)


def _transactions(order: Order, panel: RefundPanel | None) -> list[dict[str, Any]]:
    sandbox = order.environment == "test"
    out = ("Payout", order.to_asset, order.to_network)
    if panel is not None:
        out = ("Refund", panel.asset, panel.network)
    sides = (
        ("Deposit", order.from_asset, order.from_network, order.tx_in_hash),
        (*out, order.tx_out_hash),
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


def _sees_deliveries(tenant: Tenant) -> bool:
    return tenant.may(Permission.VIEW_DELIVERIES)
