"""The log of all deliveries, and one delivery: in the drawer, on its page, tried again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import RateLimited, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.webhooks.deliveries import reading
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.views.common import (
    address,
    ask,
    is_fragment,
    missing_is_404,
    partition_of,
    show,
)
from privata.webhooks.views.delivery_context import RETRY_WORDS, delivery_context
from privata.webhooks.views.log_context import live_context, log_context, scope_of


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def everything(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The deliveries of all endpoints."""
    return show(request, tenant, "deliveries.html", log_context(request, tenant))


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def live(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The moving parts of a log."""
    return show(request, tenant, "_log_live.html", live_context(request, tenant))


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def full(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponse:
    """A delivery at its own address."""
    context = delivery_context(request, tenant, delivery_id, alone=True)
    return show(request, tenant, "delivery.html", context)


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def sheet(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponseBase:
    """The drawer's content; whoever opens its address alone gets the page."""
    if not is_fragment(request):
        return redirect(address(tenant, "delivery", delivery_id=delivery_id))
    return _sheet(request, tenant, delivery_id)


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def story(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponse:
    """The parts of a delivery that change while one reads, or another attempt of it."""
    context = delivery_context(request, tenant, delivery_id, alone=True)
    return show(request, tenant, "_story_live.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def retry(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponseBase:
    """A new delivery that takes over. A refusal is told beside what this one has become meanwhile.

    GET asks first, for browsers without scripts.
    """
    if request.method != "POST":
        delivery = ask(reading.delivery, partition_of(tenant), delivery_id)
        context = {"delivery": delivery, "retry_words": RETRY_WORDS}
        return show(request, tenant, "retry.html", context)
    said, tone, shown = "Retrying as a new delivery", "", delivery_id
    try:
        made = wait(retry_delivery(app_context(), actor=tenant.actor, delivery_id=delivery_id))
        shown = made
    except (RateLimited, ValidationFailed) as error:
        said, tone = error.message, "bad"
    if is_fragment(request) and request.GET.get("from") == "log":
        return show(request, tenant, "_toast.html", {"said": said, "tone": tone})
    if is_fragment(request):
        return _story(request, tenant, delivery_id, said, tone)
    (messages.error if tone else messages.success)(request, said)
    return redirect(address(tenant, "delivery", delivery_id=shown))


def _story(
    request: HttpRequest, tenant: Tenant, delivery_id: UUID, said: str, tone: str
) -> HttpResponse:
    context = delivery_context(request, tenant, delivery_id, alone=True)
    return show(request, tenant, "_story_live.html", context | {"said": said, "tone": tone})


def _sheet(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponse:
    context = delivery_context(request, tenant, delivery_id, endpoint=scope_of(request, tenant))
    return show(request, tenant, "_sheet.html", context)
