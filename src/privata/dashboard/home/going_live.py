"""What is missing before live orders, each with the page where it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.roles import Permission
from privata.core.standing import UNFINISHED, OrganizationStatus
from privata.core.tenancy import Environment
from privata.infra.plane import app_context, wait
from privata.orders.reading import any_completed
from privata.payouts.reading import can_be_paid
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.states import Channel, EndpointStatus


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the checklist: state is done, now (it can be done) or blocked (it cannot yet)."""

    title: str
    text: str
    state: str
    url: str | None = None
    label: str = ""


@require_safe
@requires(Permission.VIEW_HOME)
def page(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The checklist."""
    items = checklist(tenant)
    context = {
        "tab": "going_live",
        "items": items,
        "missing": sum(item.state != "done" for item in items),
        "messages": get_messages(request),
    }
    return render(request, "dashboard/going_live.html", context)


def checklist(tenant: Tenant) -> list[Item]:
    """Everything that going live needs, with what is missing and where it is done."""
    return [
        _onboarding(tenant),
        _review(tenant),
        _endpoint(tenant),
        _sandbox_order(tenant),
        _payout_address(tenant),
    ]


def _onboarding(tenant: Tenant) -> Item:
    if tenant.status in UNFINISHED:
        there = reverse("onboarding:start")
        return Item("Onboarding", "Complete 4 short steps.", "now", there, "Continue")
    return Item("Onboarding", "Your company is set up.", "done")


def _review(tenant: Tenant) -> Item:
    title = "Review by the operator"
    if tenant.status is OrganizationStatus.APPROVED:
        return Item(title, "Your company is approved. You can create live keys.", "done")
    if tenant.status is OrganizationStatus.REJECTED:
        there = reverse("settings:organization", kwargs={"environment": tenant.environment.value})
        return Item(title, "Your company was not approved.", "blocked", there, "See why")
    text = "We are reviewing your information. You do not need to do anything."
    return Item(title, text, "blocked")


def _endpoint(tenant: Tenant) -> Item:
    title = "An endpoint for live orders"
    live = Partition(tenant.organization_id, Environment.LIVE)
    every = wait(endpoints.endpoints(app_context(), live))
    in_use = [one for one in every if one.status is not EndpointStatus.DISABLED]
    found = next((one for one in in_use if one.channel == Channel.ORDER), None)
    if found is not None:
        return Item(title, f"{found.url} passed the checks.", "done")
    there = reverse("webhooks:new", kwargs={"environment": Environment.LIVE.value})
    may = tenant.may(Permission.CONFIGURE_ENDPOINTS)
    text = "Receives every step of an order. We check the URL when you add it."
    return Item(title, text, "now", there if may else None, "Add endpoint")


def _payout_address(tenant: Tenant) -> Item:
    title = "A verified payout address"
    if wait(can_be_paid(app_context(), tenant.organization_id)):
        return Item(title, "Your earnings can be paid out.", "done")
    text = (
        "Give the operator your address and prove ownership with a signature. Earnings add up "
        "until then."
    )
    return Item(title, text, "now", "/docs/payouts", "How verification works")


def _sandbox_order(tenant: Tenant) -> Item:
    title = "A completed sandbox order"
    if wait(any_completed(app_context(), tenant.organization_id, Environment.TEST)):
        return Item(title, "Your integration completed an order.", "done")
    there = reverse("orders:list", kwargs={"environment": Environment.TEST.value})
    text = "Complete one simulated order with your test key."
    return Item(title, text, "now", there, "Create order")
