"""One endpoint: its deliveries, settings and secret; pausing, resuming, disabling it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import UrlRefused, ValidationFailed, WebhookNotPaused
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.webhooks.endpoints import reading, service
from privata.webhooks.endpoints.forms import SCOPES, TYPE_CHOICES, EndpointForm, form_of
from privata.webhooks.endpoints.reading import EndpointRow
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.transport.policies import policies
from privata.webhooks.views.common import (
    address,
    ask,
    missing_is_404,
    partition_of,
    show,
)
from privata.webhooks.views.head_context import head_context, waiting_for
from privata.webhooks.views.log_context import log_context
from privata.webhooks.views.tools import asked_test


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def log(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponse:
    """The endpoint's deliveries."""
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    context = head_context(tenant, endpoint, "deliveries") | log_context(request, tenant, endpoint)
    context |= asked_test(request, tenant, endpoint_id)
    return show(request, tenant, "endpoint_log.html", context)


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def head(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponse:
    """The head alone: it follows pausing and resuming by others, and the queue's length."""
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    context = head_context(tenant, endpoint, request.GET.get("tab", "deliveries"))
    return show(request, tenant, "_endpoint_head.html", context)


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def settings(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponse:
    """Name, URL and events; those who may not change them read them."""
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    return _settings(request, tenant, endpoint, form_of(endpoint))


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def change(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Save the settings; refused ones come back with everything that was entered."""
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    form = form_of(endpoint, request.POST)
    if not form.is_valid():
        return _settings(request, tenant, endpoint, form)
    try:
        _save(tenant, endpoint, form.cleaned_data)
    except (UrlRefused, ValidationFailed) as error:
        form.refuse(error)
        return _settings(request, tenant, endpoint, form)
    messages.success(request, "Changes saved")
    return redirect(address(tenant, "settings", endpoint_id=endpoint.id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def pause(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Hold deliveries. GET asks first, for browsers without scripts."""
    if request.method != "POST":
        return _confirm(request, tenant, endpoint_id, "pause")
    return _do(request, tenant, endpoint_id, service.pause_endpoint, "Deliveries paused")


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def resume(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Send what waited and what comes. Somebody else may have resumed it meanwhile."""
    try:
        return _do(request, tenant, endpoint_id, resume_endpoint, "Deliveries resumed")
    except WebhookNotPaused as error:
        messages.info(request, error.message)
        return redirect(address(tenant, "endpoint", endpoint_id=endpoint_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def disable(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Take the endpoint out of use. GET asks first, for browsers without scripts."""
    if request.method != "POST":
        return _confirm(request, tenant, endpoint_id, "disable")
    return _do(request, tenant, endpoint_id, service.disable_endpoint, "Endpoint disabled")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def delete(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Delete the endpoint. GET asks first, for browsers without scripts."""
    if request.method != "POST":
        return _confirm(request, tenant, endpoint_id, "delete")
    wait(service.delete_endpoint(app_context(), actor=tenant.actor, endpoint_id=endpoint_id))
    messages.success(request, "Endpoint deleted. Its deliveries stay in the log.")
    return redirect(address(tenant, "endpoints"))


def _settings(
    request: HttpRequest, tenant: Tenant, endpoint: EndpointRow, form: EndpointForm
) -> HttpResponse:
    context = head_context(tenant, endpoint, "settings") | {
        "form": form,
        "types": TYPE_CHOICES,
        "scopes": SCOPES,
        "localhost": policies(app_context().settings)[
            tenant.environment.value
        ].allow_localhost_http,
    }
    return show(
        request, tenant, "endpoint_settings.html", context, status=422 if form.errors else 200
    )


def _save(tenant: Tenant, endpoint: EndpointRow, wanted: dict[str, Any]) -> None:
    wait(
        service.update_endpoint(
            app_context(),
            actor=tenant.actor,
            endpoint_id=endpoint.id,
            alias=wanted["alias"],
            # A URL that stays is not judged again: its host may be down just now.
            url=None if wanted["url"] == endpoint.url else wanted["url"],
            event_filter=wanted["event_filter"],
            strict_ordering=wanted["strict_ordering"],
            schedule_s=wanted["schedule"],
            pace_per_s=wanted["pace_per_s"],
        )
    )


def _confirm(request: HttpRequest, tenant: Tenant, endpoint_id: UUID, what: str) -> HttpResponse:
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    context = {"endpoint": endpoint, "what": what, "waiting": waiting_for(tenant, endpoint)}
    return show(request, tenant, "confirm.html", context)


def _do(
    request: HttpRequest,
    tenant: Tenant,
    endpoint_id: UUID,
    verb: Callable[..., Coroutine[Any, Any, object]],
    done: str,
) -> HttpResponseBase:
    try:
        wait(verb(app_context(), actor=tenant.actor, endpoint_id=endpoint_id))
        messages.success(request, done)
    except ValidationFailed as error:  # somebody has disabled it since the page was made
        messages.error(request, error.message)
    return redirect(address(tenant, "endpoint", endpoint_id=endpoint_id))
