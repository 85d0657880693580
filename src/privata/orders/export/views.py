"""Exporting orders: how many there are, a file at once, or a file made by a worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import NotFound, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, wait
from privata.orders.export import files as exports
from privata.orders.list import columns, saved_views
from privata.orders.search.filter_words import chips
from privata.orders.search.filters import OrderFilter, filter_of, parse_filter


@require_safe
@requires(Permission.EXPORT_ORDERS)
def export_page(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """How many rows a file of this filter would have, before it starts; and the files there are."""
    chosen = parse_filter(request.GET)
    count = wait(exports.count_export(app_context(), actor=tenant.actor, chosen=chosen))
    context = {
        "chosen": chosen,
        "query": chosen.query(),
        "chips": chips(chosen),
        "count": count,
        "most": exports.MOST_DIRECT,
        "kept_hours": int(exports.KEPT.total_seconds() // 3600),
        "listed": columns.as_written(_look(tenant).columns),
        "every": columns.EVERY,
        "messages": get_messages(request),
    }
    return render(request, "orders/export.html", context | _files(tenant))


@require_safe
@requires(Permission.EXPORT_ORDERS)
def export_files(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The files as they are now."""
    return render(request, "orders/_exports.html", _files(tenant))


@require_POST
@requires(Permission.EXPORT_ORDERS)
def download_now(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """The file of a filter, written while it is sent."""
    chosen = filter_of(request.POST.get("query", ""))
    try:
        pieces = wait(
            exports.export_now(
                app_context(), actor=tenant.actor, chosen=chosen, wanted=_wanted(request, tenant)
            )
        )
    except ValidationFailed as error:
        return _refused(request, tenant, chosen, error)
    return _file(tenant, pieces, current_time())


@require_POST
@requires(Permission.EXPORT_ORDERS)
def start(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Have a worker make the file."""
    chosen = filter_of(request.POST.get("query", ""))
    try:
        wait(
            exports.start_export(
                app_context(), actor=tenant.actor, chosen=chosen, wanted=_wanted(request, tenant)
            )
        )
    except ValidationFailed as error:
        return _refused(request, tenant, chosen, error)
    messages.success(request, "The file is being created")
    return redirect(_page(tenant) + chosen.query())


@require_safe
@requires(Permission.EXPORT_ORDERS)
def download(request: HttpRequest, tenant: Tenant, export_id: UUID) -> HttpResponseBase:
    """A file that was made; 404 when it is another organization's or has expired."""
    try:
        found, pieces = wait(
            exports.open_export(
                app_context(),
                actor=tenant.actor,
                export_id=export_id,
                fetched=request.method != "HEAD",
            )
        )
    except NotFound as error:
        raise Http404(error.message) from error
    return _file(tenant, pieces, found.as_of)


def _file(tenant: Tenant, pieces: Any, at: datetime) -> StreamingHttpResponse:
    name = f"orders-{tenant.environment}-{at:%Y-%m-%d-%H%M}.csv"
    return StreamingHttpResponse(
        pieces,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _files(tenant: Tenant) -> dict[str, Any]:
    found = wait(exports.exports_of(app_context(), actor=tenant.actor))
    return {"files": [(one, chips(filter_of(one.query))) for one in found]}


def _wanted(request: HttpRequest, tenant: Tenant) -> Sequence[str]:
    if request.POST.get("columns") == "every":
        return columns.EVERY
    return columns.as_written(_look(tenant).columns)


def _look(tenant: Tenant) -> saved_views.Look:
    return wait(saved_views.look_of(app_context(), actor=tenant.actor))


def _refused(
    request: HttpRequest, tenant: Tenant, chosen: OrderFilter, error: ValidationFailed
) -> HttpResponse:
    messages.error(request, error.message)
    return redirect(_page(tenant) + chosen.query())


def _page(tenant: Tenant) -> str:
    return reverse("orders:export", kwargs={"environment": tenant.environment.value})
