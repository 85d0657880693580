"""A person's own access tokens, in the settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import Entered, keep_once, take_once
from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, current_time, wait
from privata.tokens import service
from privata.tokens.rules import API_PREFIX, LIFETIMES

_KINDS = (
    ("read", "Read", "Lists of orders, deliveries, endpoints, members, and the audit log."),
    ("write", "Read and write", "Also create, change, pause, and resume endpoints."),
)


@require_safe
@requires(Permission.VIEW_HOME)
def listing(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """One's own tokens in this organization."""
    tokens = wait(service.tokens_of(app_context(), tenant.organization_id, tenant.user_id))
    context = {"tokens": tokens, "now_at": current_time()}
    return _show(request, "list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.VIEW_HOME)
def new(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Make a token; a refused form comes back with everything that was entered."""
    if request.method != "POST":
        return _form(request, Entered({"kind": "read", "days": 30}))
    entered = {name: request.POST.get(name, "") for name in ("name", "kind", "days")}
    days = entered["days"]
    try:
        made = wait(
            service.create_token(
                app_context(),
                actor=tenant.actor,
                name=entered["name"],
                days=int(days) if days.isdecimal() and len(days) < 4 else 0,
                write=entered["kind"] == "write",
            )
        )
    except ValidationFailed as error:
        return _form(request, Entered.refused(entered, error))
    keep_once(request, f"token:{made.id}", made.token)
    environment = tenant.environment.value
    return redirect("settings:token_shown", environment=environment, token_id=made.id)


@require_safe
@requires(Permission.VIEW_HOME)
def shown(request: HttpRequest, tenant: Tenant, token_id: UUID) -> HttpResponseBase:
    """A new token, this once."""
    token = take_once(request, f"token:{token_id}")
    if token is None:
        return redirect("settings:tokens", environment=tenant.environment.value)
    api_url = f"{app_context().settings.base_url}{API_PREFIX}"
    return _show(request, "shown.html", {"token": token, "api_url": api_url})


@require_POST
@requires(Permission.VIEW_HOME)
@missing_is_404
def revoke(request: HttpRequest, tenant: Tenant, token_id: UUID) -> HttpResponseBase:
    """End a token at once."""
    wait(service.revoke_token(app_context(), actor=tenant.actor, token_id=token_id))
    messages.success(request, "Token revoked")
    return redirect("settings:tokens", environment=tenant.environment.value)


def _form(request: HttpRequest, form: Entered) -> HttpResponse:
    context = {
        "form": form,
        "kinds": _KINDS,
        "lifetimes": [(days, f"{days} days") for days in LIFETIMES],
    }
    return _show(request, "new.html", context, status=form.status)


def _show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    common = {"tab": "tokens", "messages": get_messages(request)}
    return render(request, f"tokens/{template}", common | context, status=status)
