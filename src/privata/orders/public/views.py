"""The page with which an end user follows one order, opened by the link's token alone."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from privata.core.explorers import ExplorerLink, explorer_link
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import TERMINAL, OrderStatus
from privata.infra.plane import app_context, wait
from privata.orders import presenting, reading
from privata.orders.public.words import STAGES, words_for
from privata.orders.refund_port import RefundPanel, refund_panel
from privata.orders.rows import Order
from privata.orders.states import LateState
from privata.orders.tracking import tracking_token_fits


@require_safe
def track(request: HttpRequest, order_id: str) -> HttpResponse:
    """The whole page; without the right token it does not exist."""
    return _private(render(request, "orders/track.html", _context(request, order_id)))


@require_safe
def track_state(request: HttpRequest, order_id: str) -> HttpResponse:
    """The part that changes, which the page fetches again while the order moves."""
    return _private(render(request, "orders/_track.html", _context(request, order_id)))


def _context(request: HttpRequest, order_id: str) -> dict[str, Any]:
    token = request.GET.get("token", "")
    # The token is judged before the order is looked for, so an id alone says nothing about
    # whether there is such an order.
    if not ORDER_ID.fullmatch(order_id) or not tracking_token_fits(app_context(), order_id, token):
        raise Http404
    order = wait(reading.order_by_link(app_context(), order_id))
    if order is None:
        raise Http404
    status = OrderStatus(order.status)
    entries = wait(reading.timeline_of(app_context(), order))
    panel = wait(refund_panel(app_context(), order, entries))
    sandbox = order.environment == "test"
    return {
        "order": order,
        "token": token,
        "words": words_for(status, order.failed_reason_code, order.late_state),
        "stages": [(STAGES[stage.status], stage.state) for stage in presenting.stages(entries)],
        "sandbox": sandbox,
        "waiting": status is OrderStatus.WAITING_DEPOSIT,
        "moving": status not in TERMINAL,
        "payout": _explorer(order, panel),
    }


def _explorer(order: Order, panel: RefundPanel | None) -> ExplorerLink | None:
    """Where the outgoing transaction can be looked at: the payout's, or that of a refund."""
    if panel is not None or not order.tx_out_hash:
        return panel.link if panel else None
    returned = order.late_state == LateState.REFUNDED
    network = order.from_network if returned else order.to_network
    return explorer_link(network, order.tx_out_hash, sandbox=order.environment == "test")


def _private(response: HttpResponse) -> HttpResponse:
    """The address holds the token: it goes to nobody else and into no search engine."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
