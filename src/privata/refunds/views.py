"""Choosing what happens to a deposit: a form, a look at the address, and the act."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.addresses import AddressError
from privata.core.errors import RequestError
from privata.core.roles import Permission
from privata.infra.context import AppContext
from privata.infra.plane import app_context, wait
from privata.orders import reading
from privata.orders.reading import Order
from privata.refunds import service
from privata.refunds.forms import CONVERT, OTHER, OWN, RefundForm
from privata.refunds.panel import RefundPanel, panel_of, spoken_target
from privata.refunds.rules import RefundSource, StableTarget, checked_address

#: Characters at both ends of an address that people compare.
ENDS: Final = 6

#: Longer than any address.
_MAX_TYPED: Final = 512


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRIGGER_REFUNDS)
def choose(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponseBase:
    """The form; then, with what was entered, a last look; then the act."""
    order = _order(tenant, order_id)
    shown = wait(_panel(app_context(), order))
    if shown is None or not shown.can_act:
        return redirect(_order_url(tenant, order.id))
    if request.method != "POST":
        return _show_form(request, order, shown, RefundForm(order, converts=shown.converts))
    form = RefundForm(order, request.POST, converts=shown.converts)
    step = request.POST.get("step", "")
    if step == "change":
        # Back from the last look: as it was entered, without judging it again.
        blank = RefundForm(order, converts=shown.converts)
        blank.initial = {name: request.POST.get(name, "") for name in blank.fields}
        return _show_form(request, order, shown, blank)
    if not form.is_valid() or not _address_fits(form):
        return _show_form(request, order, shown, form, status=422)
    if step != "confirm":
        return render(request, "refunds/confirm.html", _last_look(order, shown, form))
    try:
        wait(
            service.request_refund(
                app_context(),
                actor=tenant.actor,
                order_id=order.id,
                wish=form.wish(),
                source=RefundSource.DASHBOARD,
            )
        )
    except RequestError as error:
        form.refuse(error)
        return _show_form(request, order, shown, form, status=422)
    return redirect(_order_url(tenant, order.id))


@require_POST
@requires(Permission.TRIGGER_REFUNDS)
def check(request: HttpRequest, tenant: Tenant, order_id: str) -> HttpResponse:
    """Judge an address as it is typed: its form, its checksum, its network; and show its ends."""
    order = _order(tenant, order_id)
    context = _judged(order, request.POST)
    return render(request, "refunds/_address_check.html", context)


async def _panel(ctx: AppContext, order: Order) -> RefundPanel | None:
    entries = await reading.timeline_of(ctx, order)
    return await panel_of(ctx, order, entries, ctx.clock.now())


def _judged(order: Order, sent: Any) -> dict[str, Any]:
    context: dict[str, Any] = {"typed": "", "refused": "", "network": "", "ends": None}
    if sent.get("way") == CONVERT:
        target = sent.get("stable_target", "")
        typed, extra_id = sent.get("stable_address", ""), ""
        if target not in list(StableTarget):
            return context
        network = StableTarget(target).network
    else:
        typed, extra_id = sent.get("address", ""), sent.get("extra_id", "")
        network = order.from_network
    typed = typed.strip()[:_MAX_TYPED]
    context |= {"typed": typed, "network": network}
    if typed:
        try:
            valid = checked_address(network, typed, extra_id.strip() or None)
            context["ends"] = _ends(valid.address)
        except AddressError as error:
            context["refused"] = str(error)
    return context


def _address_fits(form: RefundForm) -> bool:
    """Whether the address that was entered is one of its network; else it is named in the form."""
    judged = _judged(form.order, form.cleaned_data)
    if form.cleaned_data["way"] == OWN or not judged["refused"]:
        return True
    name = "stable_address" if form.cleaned_data["way"] == CONVERT else "address"
    form.add_error(name, judged["refused"])
    return False


def _last_look(order: Order, shown: RefundPanel, form: RefundForm) -> dict[str, Any]:
    way = form.cleaned_data["way"]
    target = form.cleaned_data["stable_target"]
    entered = form.cleaned_data["stable_address" if way == CONVERT else "address"]
    stable = StableTarget(target) if way == CONVERT else None
    return {
        "order": order,
        "panel": shown,
        "form": form,
        "stable": None if stable is None else spoken_target(stable),
        "network": order.from_network if stable is None else stable.network,
        "ends": _ends(entered) if entered and way != OWN else None,
        "extra_id": form.cleaned_data["extra_id"] if way == OTHER else "",
        "sent": {name: form.cleaned_data[name] for name in form.fields},
    }


def _ends(address: str) -> tuple[str, str, str]:
    """First characters, what lies between, last characters."""
    if len(address) <= 2 * ENDS:
        return address, "", ""
    return address[:ENDS], address[ENDS:-ENDS], address[-ENDS:]


def _show_form(
    request: HttpRequest, order: Order, shown: RefundPanel, form: RefundForm, *, status: int = 200
) -> HttpResponse:
    judged = _judged(order, form.data if form.is_bound else form.initial)
    context = {"order": order, "panel": shown, "form": form, **judged}
    return render(request, "refunds/choose.html", context, status=status)


def _order(tenant: Tenant, order_id: str) -> Order:
    order = wait(reading.order_of(app_context(), actor=tenant.actor, order_id=order_id))
    if order is None:
        raise Http404
    return order


def _order_url(tenant: Tenant, order_id: str) -> str:
    where = {"environment": tenant.environment.value, "order_id": order_id}
    return reverse("orders:detail", kwargs=where)
