"""The signing secret: how to verify with it, rotating it, and showing a new one this once."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import keep_once, take_once
from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.webhooks.endpoints import reading, rotation
from privata.webhooks.signing.snippets import verifying
from privata.webhooks.states import Dialect
from privata.webhooks.views.common import address, ask, missing_is_404, partition_of, show
from privata.webhooks.views.head_context import head_context

#: For how long the old secret signs beside the new one.
OVERLAPS: Final = (
    (300, "5 minutes", "Default. Enough if your servers read the secret from one place."),
    (3_600, "1 hour", "For a gradual rollout."),
    (86_400, "24 hours", "For manual changes."),
    (
        0,
        "None (the old secret ends now)",
        (
            "Use only if the secret leaked. Your servers reject every request until they have the "
            "new one."
        ),
    ),
)


@require_safe
@requires(Permission.VIEW_DELIVERIES)
@missing_is_404
def secret(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponse:
    """How to verify, and which secrets sign now; never a secret."""
    partition = partition_of(tenant, endpoint_id)
    endpoint = ask(reading.endpoint, partition)
    valid = ask(reading.valid_secrets, partition)
    context = head_context(tenant, endpoint, "secret") | {
        "current": next((one for one in valid if one.expires_at is None), None),
        "old": next((one for one in valid if one.expires_at), None),
        "snippets": verifying(Dialect(endpoint.dialect)),
    }
    return show(request, tenant, "endpoint_secret.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def rotate(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """Choose how long the old secret lives on; then show the new one, this once."""
    partition = partition_of(tenant, endpoint_id)
    endpoint = ask(reading.endpoint, partition)
    context = head_context(tenant, endpoint, "secret")
    context |= {"overlaps": OVERLAPS, "chosen": rotation.OVERLAP_S, "error": ""}
    if request.method != "POST":
        valid = ask(reading.valid_secrets, partition)
        return show(request, tenant, "rotate.html", context | {"valid": valid})
    overlap = request.POST.get("overlap", "")
    known = {str(seconds): seconds for seconds, _, _ in OVERLAPS}
    try:
        made = wait(
            rotation.rotate_secret(
                app_context(),
                actor=tenant.actor,
                endpoint_id=endpoint_id,
                overlap_s=known.get(overlap, rotation.OVERLAP_S),
            )
        )
    except ValidationFailed as error:
        context |= {"error": error.message, "valid": ask(reading.valid_secrets, partition)}
        return show(request, tenant, "rotate.html", context, status=422)
    keep_once(request, f"endpoint:{endpoint_id}", made.secret)
    return redirect(address(tenant, "created", endpoint_id=endpoint_id))


@require_POST
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def end_old(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """End a rotation's window: only the new secret signs from now on."""
    ended = wait(
        rotation.end_old_secret_now(app_context(), actor=tenant.actor, endpoint_id=endpoint_id)
    )
    messages.success(
        request, "The old secret has ended" if ended else "The old secret had already ended"
    )
    return redirect(address(tenant, "secret", endpoint_id=endpoint_id))


@require_safe
@requires(Permission.CONFIGURE_ENDPOINTS)
@missing_is_404
def created(request: HttpRequest, tenant: Tenant, endpoint_id: UUID) -> HttpResponseBase:
    """A new secret, this once; whoever comes again is sent to the endpoint."""
    partition = partition_of(tenant, endpoint_id)
    endpoint = ask(reading.endpoint, partition)
    shown = take_once(request, f"endpoint:{endpoint_id}")
    if shown is None:
        return redirect(address(tenant, "secret", endpoint_id=endpoint_id))
    valid = ask(reading.valid_secrets, partition)
    context = {
        "endpoint": endpoint,
        "secret": shown,
        "snippets": verifying(Dialect(endpoint.dialect)),
        "old": next((one for one in valid if one.expires_at), None),
        "rotated": len(ask(reading.all_secrets, partition)) > 1,
    }
    return show(request, tenant, "created.html", context)
