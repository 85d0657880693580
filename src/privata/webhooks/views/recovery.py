"""Recovering an endpoint: how much it missed since a time, beginning, following, stopping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, wait
from privata.infra.storable import in_utc
from privata.webhooks.durations import spoken
from privata.webhooks.endpoints import reading
from privata.webhooks.endpoints.reading import EndpointRow
from privata.webhooks.recovery import recoveries
from privata.webhooks.views.common import (
    address,
    ask,
    is_fragment,
    missing_is_404,
    partition_of,
    show,
)
from privata.webhooks.views.head_context import head_context

#: Times to begin at, counted from now.
SPANS: Final = {
    "1h": ("the last hour", timedelta(hours=1)),
    "6h": ("the last 6 hours", timedelta(hours=6)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
_DEFAULT: Final = "24h"

#: Recoveries that the page names.
_PAST: Final = 5


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def recover(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Say how much an endpoint missed since a time; then send it again, in order."""
    endpoint = ask(reading.endpoint, partition_of(tenant, endpoint_id))
    sent = request.POST if request.method == "POST" else request.GET
    span = sent.get("span", "")
    since_text = sent.get("since", "")
    since = _since(span, since_text)
    if request.method == "POST" and since is not None:
        return _begin(request, tenant, endpoint, since)
    context = _context(tenant, endpoint, span, since_text, since)
    if is_fragment(request):
        return show(request, tenant, "_estimate.html", context)
    context |= head_context(tenant, endpoint, "deliveries") | {"spans": SPANS}
    context["recoveries"] = ask(
        recoveries.recoveries_of, actor=tenant.actor, endpoint_id=endpoint_id, limit=_PAST
    )
    return show(request, tenant, "recover.html", context, status=200 if since else 422)


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def cancel(
    request: HttpRequest, tenant: Tenant, endpoint_id: UUID, recovery_id: UUID
) -> HttpResponseBase:
    """Queue no more of a recovery."""
    wait(recoveries.cancel_recovery(app_context(), actor=tenant.actor, recovery_id=recovery_id))
    messages.success(request, "Recovery canceled. Events already queued are still sent.")
    return redirect(address(tenant, "endpoint", endpoint_id=endpoint_id))


def _begin(
    request: HttpRequest, tenant: Tenant, endpoint: EndpointRow, since: datetime
) -> HttpResponseBase:
    try:
        begun = wait(
            recoveries.recover(
                app_context(), actor=tenant.actor, endpoint_id=endpoint.id, since=since
            )
        )
    except ValidationFailed as error:
        messages.error(request, error.message)
        return redirect(address(tenant, "recover", endpoint_id=endpoint.id))
    said = (
        f"Recovering {begun.total:,} events" if begun.total else "No events were missed since then"
    )
    messages.success(request, said)
    return redirect(address(tenant, "endpoint", endpoint_id=endpoint.id))


def _context(
    tenant: Tenant, endpoint: EndpointRow, span: str, since_text: str, since: datetime | None
) -> dict[str, Any]:
    missed = 0
    if since is not None:
        missed = ask(
            recoveries.missed_since, actor=tenant.actor, endpoint_id=endpoint.id, since=since
        )
    return {
        "endpoint": endpoint,
        "span": span or ("since" if since_text else _DEFAULT),
        "since_text": since_text,
        "since": since,
        "missed": missed,
        "takes": spoken(missed / max(1, endpoint.pace_per_s)),
    }


def _since(span: str, text: str) -> datetime | None:
    """The time that was chosen; None for one that is not understood or still to come."""
    now = current_time()
    if span in SPANS:
        return now - SPANS[span][1]
    if not span and not text:
        return now - SPANS[_DEFAULT][1]
    try:
        found = parse_datetime(text)
        if found is None:
            return None
        at = in_utc(found if found.tzinfo else found.replace(tzinfo=UTC))
    except ValueError:
        return None
    return at if at <= now else None
