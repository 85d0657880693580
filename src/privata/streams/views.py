"""The page of streams: how many are open, which, and how to watch one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import NotFound
from privata.core.roles import Permission
from privata.infra.plane import app_context, is_fragment, wait
from privata.orders.reading import newest_moving
from privata.streams.reading import open_stream, overview
from privata.streams.service import end_stream


@require_safe
@requires(Permission.VIEW_STREAMS)
def index(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The whole page; for htmx what changes of it."""
    context = wait(overview(app_context(), actor=tenant.actor)) | {
        "may_close": tenant.may(Permission.MANAGE_KEYS),
        "api_url": f"{app_context().settings.base_url}/partner/v1",
        "watched": wait(newest_moving(app_context(), actor=tenant.actor)),
    }
    template = "_streams" if is_fragment(request) else "index"
    return render(request, f"streams/{template}.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_KEYS)
def close(request: HttpRequest, tenant: Tenant, stream_id: int) -> HttpResponseBase:
    """End one stream. GET asks first."""
    here = reverse("streams:index", kwargs={"environment": tenant.environment.value})
    if request.method != "POST":
        try:
            found = wait(open_stream(app_context(), actor=tenant.actor, stream_id=stream_id))
        except NotFound as error:
            raise Http404(error.message) from error
        return render(request, "streams/close.html", {"stream": found, "here": here})
    try:
        wait(end_stream(app_context(), actor=tenant.actor, stream_id=stream_id))
    except NotFound as error:
        # It may have ended while the question was read: what was wanted has happened.
        messages.info(request, error.message)
    else:
        messages.success(request, "Closing the stream")
    return redirect(here)
