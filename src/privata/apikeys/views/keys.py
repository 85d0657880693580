"""The list of keys, making one, and the page of one."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import keep_once
from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.apikeys import service
from privata.apikeys.forms import KeyForm, form_of, new_form, scope_choices
from privata.apikeys.listing import MOST_KEYS, KeyView, keys_of
from privata.apikeys.reach import lacking
from privata.apikeys.service import MintedKey
from privata.apikeys.views.common import address, one_key, show
from privata.apikeys.views.secrets import try_it
from privata.core.errors import RateLimited, ValidationFailed
from privata.core.roles import Permission
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.plane import app_context, is_fragment, wait
from privata.organizations.profile import status_of

#: What an organization that is not approved has to wait for before it gets live keys.
_UNLOCKS: Final = {
    OrganizationStatus.ONBOARDING: "Finish onboarding so we can review your organization."
    " Live keys become available once it is approved.",
    OrganizationStatus.NEEDS_CONTACT: "Contact us to continue your onboarding."
    " Live keys become available once your organization is approved.",
    OrganizationStatus.PENDING_REVIEW: "We are reviewing your organization. Live keys become"
    " available once it is approved. Until then, build against test, which works the same way.",
    OrganizationStatus.REJECTED: "Your organization was not approved, so it has no live keys."
    " Contact us if you think this is a mistake.",
}


@require_safe
@requires(Permission.VIEW_KEYS)
def index(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Every key: those that work, and folded below those that have ended."""
    found = wait(
        keys_of(
            app_context(), organization_id=tenant.organization_id, environments=[tenant.environment]
        )
    )
    now = app_context().clock.now()
    context = {
        "keys": [key for key in found if not key.ended],
        "ended": [key for key in found if key.ended],
        "soon": [key for key in found if key.ends_soon(now)],
        "most": MOST_KEYS if len(found) == MOST_KEYS else None,
        "unlocks": _unlocks(tenant),
    }
    return show(request, tenant, "_live.html" if is_fragment(request) else "list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_KEYS)
def new(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """The form of a new key; a refused one comes back with everything that was entered."""
    unlocks = _unlocks(tenant)
    if unlocks:
        return redirect(address(tenant, "list"))
    if request.method != "POST":
        return _new(request, tenant, new_form(tenant.environment, app_context().clock.now()))
    form = new_form(tenant.environment, app_context().clock.now(), request.POST)
    if not form.is_valid():
        return _new(request, tenant, form)
    try:
        minted = wait(_create(app_context(), tenant, form.decided()))
    except (ValidationFailed, RateLimited) as error:
        form.refuse(error)
        answer = _new(request, tenant, form, status=error.status)
        for header, value in error.headers.items():
            answer.headers[header] = value
        return answer
    keep_once(request, f"key:{minted.id}", minted.key)
    return redirect(address(tenant, "created", key_id=minted.id))


@require_safe
@requires(Permission.VIEW_KEYS)
@missing_is_404
def detail(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponse:
    """One key; those who may not change it read it."""
    key = one_key(tenant, key_id)
    return _detail(request, tenant, key, form_of(key, app_context().clock.now()))


@require_safe
@requires(Permission.VIEW_KEYS)
@missing_is_404
def state(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponse:
    """The part of a key's page that follows rotations and uses."""
    key = one_key(tenant, key_id)
    return show(request, tenant, "_state.html", _facts(tenant, key))


@require_POST
@requires(Permission.MANAGE_KEYS)
@missing_is_404
def change(request: HttpRequest, tenant: Tenant, key_id: UUID) -> HttpResponseBase:
    """Save name, scopes, expiry and addresses; refused ones come back as they were entered."""
    key = one_key(tenant, key_id)
    form = form_of(key, app_context().clock.now(), request.POST)
    if not form.is_valid():
        return _detail(request, tenant, key, form)
    try:
        changed = wait(
            service.edit_key(app_context(), actor=tenant.actor, key_id=key_id, **form.decided())
        )
    except ValidationFailed as error:
        form.refuse(error)
        return _detail(request, tenant, key, form)
    messages.success(request, "Changes saved" if changed else "No changes to save")
    return redirect(address(tenant, "detail", key_id=key_id))


async def _create(ctx: AppContext, tenant: Tenant, wanted: dict[str, Any]) -> MintedKey:
    async with ctx.database.transaction() as tx:
        return await service.create_key(
            tx, ctx, actor=tenant.actor, environment=tenant.environment, **wanted
        )


def _new(request: HttpRequest, tenant: Tenant, form: KeyForm, *, status: int = 422) -> HttpResponse:
    context = {"form": form, "scopes": scope_choices(tenant.role)}
    return show(request, tenant, "new.html", context, status=status if form.errors else 200)


def _detail(request: HttpRequest, tenant: Tenant, key: KeyView, form: KeyForm) -> HttpResponse:
    context = _facts(tenant, key) | {
        "form": form,
        "scopes": scope_choices(tenant.role, key),
        "try_it": try_it("$PRIVATA_API_KEY", key.scopes),
    }
    return show(request, tenant, "detail.html", context, status=422 if form.errors else 200)


def _facts(tenant: Tenant, key: KeyView) -> dict[str, Any]:
    return {
        "key": key,
        "soon": key.ends_soon(app_context().clock.now()),
        "beyond": lacking(tenant.role, key.scopes) if tenant.may(Permission.MANAGE_KEYS) else [],
    }


def _unlocks(tenant: Tenant) -> str:
    """What must happen before keys can be made in this environment; empty: nothing."""
    if tenant.environment is not Environment.LIVE:
        return ""
    status = wait(status_of(app_context(), tenant.organization_id))
    return _UNLOCKS.get(status, "")
