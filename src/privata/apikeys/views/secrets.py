"""A key's secret: showing a new one this once, rotating, ending the old one, revoking."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import keep_once, take_once
from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.accounts.views.stepup import fresh
from privata.apikeys import rotation, service
from privata.apikeys.listing import KeyView
from privata.apikeys.scopes import Scope
from privata.apikeys.views.common import address, one_key, show
from privata.core.errors import RotationInProgress, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait

#: A key that was used within this time is revoked by typing its name.
_IN_USE: Final = timedelta(hours=1)


@require_safe
@requires(Permission.MANAGE_KEYS)
@missing_is_404
def created(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponseBase:
    """A new secret, this once; whoever comes again is sent to the key."""
    key = one_key(tenant, key_id)
    secret = take_once(request, f"key:{key_id}")
    if secret is None:
        return redirect(address(tenant, "detail", key_id=key_id))
    context = {"key": key, "secret": secret, "try_it": try_it(secret, key.scopes)}
    return show(request, tenant, "created.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_KEYS)
@missing_is_404
def rotate(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponseBase:
    """Say what happens; then show the new secret, this once."""
    key = one_key(tenant, key_id)
    if key.ended:
        return redirect(address(tenant, "detail", key_id=key_id))
    context = {"key": key, "window": rotation.ROTATION_WINDOW // timedelta(minutes=1)}
    if request.method != "POST":
        return show(request, tenant, "rotate.html", context | {"error": ""})
    try:
        made = wait(rotation.rotate_key(app_context(), actor=tenant.actor, key_id=key_id))
    except (RotationInProgress, ValidationFailed) as error:
        # Somebody else rotated or revoked it meanwhile: the page shows the key as it is now.
        context = context | {"key": one_key(tenant, key_id), "error": error.message}
        return show(request, tenant, "rotate.html", context, status=error.status)
    keep_once(request, f"key:{key_id}", made.key)
    return redirect(address(tenant, "created", key_id=key_id))


@require_POST
@requires(Permission.MANAGE_KEYS)
@missing_is_404
def end_old(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponseBase:
    """End a rotation's window: only the new secret works from now on."""
    ended = wait(rotation.end_old_secret(app_context(), actor=tenant.actor, key_id=key_id))
    messages.success(request, "The old key has ended" if ended else "The old key had already ended")
    return redirect(address(tenant, "detail", key_id=key_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_KEYS)
@missing_is_404
def revoke(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponseBase:
    """Ask as much as is at stake, then end the key for good."""
    key = one_key(tenant, key_id)
    if key.revoked_at is not None:
        return redirect(address(tenant, "detail", key_id=key_id))
    if request.method != "POST":
        return _ask(request, tenant, key)
    last_too = request.POST.get("last_live_too") == "on"
    typed = request.POST.get("name", "").strip()
    if _in_use(key) and typed != key.name:
        return _ask(request, tenant, key, typed=typed, wrong_name=True)
    # Without the last live key nothing works any more: that asks for step-up authentication.
    return (fresh(_end) if last_too else _end)(request, tenant, key)


def _end(request: HttpRequest, tenant: Tenant, key: KeyView) -> HttpResponseBase:
    last_too = request.POST.get("last_live_too") == "on"
    try:
        wait(
            service.revoke_key(
                app_context(), actor=tenant.actor, key_id=key.id, last_live_too=last_too
            )
        )
    except ValidationFailed:
        # It is the last live key, perhaps only since the page was opened.
        return _ask(request, tenant, key, typed=request.POST.get("name", ""), unticked=True)
    messages.success(request, "Key revoked")
    return redirect(address(tenant, "list"))


def try_it(key: str, scopes: Collection[str]) -> str:
    """A call that shows whether a key works; `key` is the key, or the shell's variable of it."""
    path = "/currencies"
    if Scope.ORDERS in scopes:
        path = "/estimate?from=BTC&to=ETH&amount=0.1"
    elif Scope.WEBHOOK_ADMIN in scopes:
        path = "/webhook/endpoints"
    url = f"{app_context().settings.base_url}/partner/v1{path}"
    return f'curl "{url}" \\\n  -H "X-API-Key: {key}"'


def _ask(
    request: HttpRequest,
    tenant: Tenant,
    key: KeyView,
    *,
    typed: str = "",
    wrong_name: bool = False,
    unticked: bool = False,
) -> HttpResponse:
    last = not key.ended and wait(
        service.is_last_live_key(app_context(), actor=tenant.actor, key_id=key.id)
    )
    context: dict[str, Any] = {
        "key": key,
        "last_live": last,
        "in_use": _in_use(key),
        "typed": typed,
        "wrong_name": wrong_name,
        "unticked": unticked,
    }
    refused = wrong_name or unticked
    return show(request, tenant, "revoke.html", context, status=422 if refused else 200)


def _in_use(key: KeyView) -> bool:
    used = key.last_used_at
    return not key.ended and used is not None and app_context().clock.now() - used <= _IN_USE
