"""The list of endpoints, and adding one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from privata.access.forms import keep_once
from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import UrlRefused, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, is_fragment, wait
from privata.webhooks.deliveries.endpoint_health import health_of
from privata.webhooks.endpoints import reading, service
from privata.webhooks.endpoints.forms import (
    CHANNELS,
    DIALECTS,
    SCOPES,
    TYPE_CHOICES,
    EndpointForm,
    new_form,
)
from privata.webhooks.states import Channel
from privata.webhooks.transport.policies import policies
from privata.webhooks.views.common import address, ask, partition_of, show


@require_safe
@requires(Permission.VIEW_DELIVERIES)
def index(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Every endpoint with how it has been doing; the slots of a new partner."""
    partition = partition_of(tenant)
    endpoints = ask(reading.endpoints, partition)
    health = ask(health_of, partition, [one.id for one in endpoints], current_time())
    used = {endpoint.channel for endpoint in endpoints}
    context = {
        "endpoints": [(endpoint, health[endpoint.id]) for endpoint in endpoints],
        "slots": [channel for channel in Channel if channel.value not in used],
        "localhost": _localhost(tenant),
    }
    template = "_endpoints.html" if is_fragment(request) else "endpoints.html"
    return show(request, tenant, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
def new(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The form of a new endpoint; a refused one comes back with everything that was entered."""
    if request.method != "POST":
        return _form(request, tenant, new_form(request.GET.get("channel", "")))
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _form(request, tenant, form)
    wanted = form.cleaned_data
    try:
        endpoint_id, secret = wait(
            service.create_endpoint(
                app_context(),
                actor=tenant.actor,
                url=wanted["url"],
                alias=wanted["alias"],
                channel=wanted["channel"],
                event_filter=wanted["event_filter"],
                dialect=wanted["dialect"],
            )
        )
    except (UrlRefused, ValidationFailed) as error:
        form.refuse(error)
        return _form(request, tenant, form)
    keep_once(request, f"endpoint:{endpoint_id}", secret)
    return redirect(address(tenant, "created", endpoint_id=endpoint_id))


def _form(request: HttpRequest, tenant: Tenant, form: EndpointForm) -> HttpResponse:
    context = {
        "form": form,
        "types": TYPE_CHOICES,
        "channels": CHANNELS,
        "dialects": DIALECTS,
        "scopes": SCOPES,
        "localhost": _localhost(tenant),
    }
    return show(request, tenant, "new.html", context, status=422 if form.errors else 200)


def _localhost(tenant: Tenant) -> bool:
    """Whether endpoints may be http://localhost here."""
    return policies(app_context().settings)[tenant.environment.value].allow_localhost_http
