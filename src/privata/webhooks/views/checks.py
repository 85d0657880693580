"""Checks while one types or wonders: a URL, and a signature that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import UrlRefused
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, wait
from privata.infra.sealing import UnsealError
from privata.webhooks.endpoints import reading, service
from privata.webhooks.endpoints.reading import Partition, SecretRow
from privata.webhooks.signing.debugger import MAX_PASTED, Key, check_header, fits
from privata.webhooks.signing.signatures import Message, secret_context
from privata.webhooks.signing.slack import is_slack
from privata.webhooks.states import Channel, Dialect
from privata.webhooks.views.common import ask, is_fragment, missing_is_404, partition_of, show
from privata.webhooks.views.delivery_context import delivery_context

#: Longer than any URL that is accepted.
_MAX_URL = 2100


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
def url(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Judge a URL as it is typed, by what each attempt will judge; one message for what fails."""
    text = request.POST.get("url", "")[:_MAX_URL]
    channel = request.POST.get("channel", "")
    context = {"text": text, "refused": "", "slack": "", "checked": bool(text)}
    if text:
        try:
            wait(service.check_url(app_context(), tenant.environment, text))
        except UrlRefused as error:
            context["refused"] = error.message
        if is_slack(text):
            context["slack"] = "ops" if channel == Channel.OPS else "order"
    return show(request, tenant, "_url_check.html", context)


@require_POST
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def signature(request: HttpRequest, tenant: Tenant, delivery_id: UUID) -> HttpResponseBase:
    """Say which part of a pasted signature header does not fit an attempt."""
    context = delivery_context(request, tenant, delivery_id, alone=True)
    attempt, delivery = context["attempt"], context["delivery"]
    pasted = request.POST.get("header", "")[:MAX_PASTED]
    findings = []
    if attempt is not None:
        message = Message(
            event_id=delivery.event.event_id,
            delivery_id=str(delivery.id),
            attempt=attempt.number,
            timestamp=attempt.signed_at,
            body=context["body"],
        )
        dialect = Dialect(delivery.endpoint.dialect)
        keys = keys_of(partition_of(tenant, delivery.endpoint_id), attempt.secret_ids)
        findings = check_header(dialect, pasted, message, keys, current_time().timestamp())
    context |= {"findings": findings, "pasted": pasted, "all_fits": fits(findings)}
    whole = not is_fragment(request)
    return show(request, tenant, "delivery.html" if whole else "_findings.html", context)


def keys_of(partition: Partition, signed_with: Sequence[UUID]) -> list[Key]:
    """The endpoint's secrets in plain, for a check that lets none of them out."""
    found = []
    for row in ask(reading.all_secrets, partition):
        opened = _open(row)
        if opened is not None:
            found.append(Key(row.hint, opened, when(row), row.id in signed_with))
    return found


def when(row: SecretRow) -> str:
    """The part a secret plays now."""
    if row.expires_at is None:
        return "signs now"
    if row.expires_at > current_time():
        return f"signs until {row.expires_at:%H:%M:%S} UTC"
    return f"ended {row.expires_at:%d %b %Y, %H:%M} UTC"


def _open(row: SecretRow) -> str | None:
    try:
        return app_context().sealer.unseal(row.sealed, secret_context(row.id)).decode()
    except UnsealError:
        return None
