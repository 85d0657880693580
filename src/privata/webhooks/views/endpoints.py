"""The list of endpoints, and adding one."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from privata.core.errors import UrlRefused, ValidationFailed
from privata.infra.plane import kernel, wait
from privata.infra.sealing import UnsealError
from privata.organizations.doors import Tenant, page
from privata.organizations.roles import Permission
from privata.webhooks import reading, service
from privata.webhooks.endpoint_rules import ORDER_TYPES
from privata.webhooks.forms import CHANNELS, DIALECTS, SCOPES, EndpointForm, new_form
from privata.webhooks.health import health_of
from privata.webhooks.policies import policies
from privata.webhooks.snippets import verifying
from privata.webhooks.states import Channel, Dialect
from privata.webhooks.views.common import address, missing_is_404, place_of, show

#: Where a new secret waits, sealed, for the one page that shows it.
_SESSION_SECRET = "webhook_secret_once"  # noqa: S105 - the name of a place


@require_GET
@page(Permission.VIEW_DELIVERIES)
def index(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Every endpoint with how it has been doing; the slots of a new partner."""
    endpoints = list(reading.endpoints_of(tenant.organization_id, tenant.environment))
    health = health_of(endpoints, timezone.now())
    used = {endpoint.channel for endpoint in endpoints}
    context = {
        "endpoints": [(endpoint, health[endpoint.id]) for endpoint in endpoints],
        "slots": [channel for channel in Channel if channel.value not in used],
        "localhost": _localhost(tenant),
    }
    fragment = request.headers.get("HX-Request") == "true"
    return show(request, tenant, "_endpoints.html" if fragment else "endpoints.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.CONFIGURE_ENDPOINTS)
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
                kernel(),
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
    sealed = kernel().sealer.seal(secret.encode(), _context(endpoint_id))
    request.session[_SESSION_SECRET] = base64.b64encode(sealed).decode()
    return redirect(address(tenant, "created", endpoint_id=endpoint_id))


@require_GET
@page(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def created(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """The new endpoint's secret, this once; whoever comes again is sent to the endpoint."""
    endpoint = reading.endpoint_or_404(place_of(tenant, endpoint_id))
    secret = _take_secret(request, endpoint_id)
    if secret is None:
        return redirect(address(tenant, "secret", endpoint_id=endpoint_id))
    snippets = verifying(Dialect(endpoint.dialect))
    context = {"endpoint": endpoint, "secret": secret, "snippets": snippets}
    return show(request, tenant, "created.html", context)


def _form(request: HttpRequest, tenant: Tenant, form: EndpointForm) -> HttpResponse:
    context = {
        "form": form,
        "types": ORDER_TYPES,
        "channels": CHANNELS,
        "dialects": DIALECTS,
        "scopes": SCOPES,
        "localhost": _localhost(tenant),
    }
    return show(request, tenant, "new.html", context, status=422 if form.errors else 200)


def _localhost(tenant: Tenant) -> bool:
    """Whether endpoints may be http://localhost here."""
    return policies(kernel().settings)[tenant.environment.value].allow_localhost_http


def _take_secret(request: HttpRequest, endpoint_id: UUID) -> str | None:
    sealed = request.session.pop(_SESSION_SECRET, "")
    try:
        return kernel().sealer.unseal(base64.b64decode(sealed), _context(endpoint_id)).decode()
    except (UnsealError, binascii.Error):
        # None was waiting, or that of another endpoint.
        return None


def _context(endpoint_id: UUID) -> str:
    return f"webhook_secret_once:{endpoint_id}"
