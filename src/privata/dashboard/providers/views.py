"""The page of providers: who may looks, owners and admins change.

Every change is a form of its own, so that the page works without scripts.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.access.forms import Entered
from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.core.errors import ValidationFailed
from privata.core.roles import Permission
from privata.dashboard.providers.grid import grid
from privata.dashboard.providers.percent import to_bps, to_percent
from privata.infra.plane import app_context, current_time, wait
from privata.routing import reading, setting

#: The field of the markup for all; that of a provider has its name behind it.
FOR_ALL = "markup"


@require_safe
@requires(Permission.VIEW_HOME)
def index(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The grid."""
    return _page(request, tenant)


@require_POST
@requires(Permission.MANAGE_PROVIDERS)
@missing_is_404
def turn(request: HttpRequest, tenant: Tenant, provider: str) -> HttpResponseBase:
    """Use a provider or no longer. Of the last one that is on, a page asks first."""
    on = request.POST.get("on") == "1"
    done = wait(setting.turn(app_context(), actor=tenant.actor, provider=provider, on=on))
    if done is setting.Turned.LAST:
        return redirect(_where("off", tenant, provider=provider))
    messages.success(request, f"{provider} is {'on' if on else 'off'}")
    return redirect(_where("index", tenant))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_PROVIDERS)
@missing_is_404
def off(request: HttpRequest, tenant: Tenant, provider: str) -> HttpResponseBase:
    """Turn off a provider, even the last one. GET says what that means."""
    if request.method == "POST":
        wait(
            setting.turn(
                app_context(), actor=tenant.actor, provider=provider, on=False, even_last=True
            )
        )
        messages.success(request, f"{provider} is off")
        return redirect(_where("index", tenant))
    every = wait(reading.offered(app_context().database.pool, actor=tenant.actor))
    if provider not in {one.name for one in every}:
        raise Http404
    others = [one.name for one in every if one.turned_on and one.name != provider]
    context = {"provider": provider, "others": others, "here": _where("index", tenant)}
    return render(request, "dashboard/provider_off.html", context)


@require_POST
@requires(Permission.MANAGE_PROVIDERS)
def markup(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    """Set the markup that holds where a provider has none of its own."""
    return _set_markup(request, tenant, None)


@require_POST
@requires(Permission.MANAGE_PROVIDERS)
@missing_is_404
def markup_of_one(request: HttpRequest, tenant: Tenant, provider: str) -> HttpResponseBase:
    """Set the markup for one provider; nothing in it: that for all."""
    return _set_markup(request, tenant, provider)


def _set_markup(request: HttpRequest, tenant: Tenant, provider: str | None) -> HttpResponseBase:
    field = FOR_ALL if provider is None else f"{FOR_ALL}-{provider}"
    given = request.POST.get("markup", "")
    try:
        bps = to_bps(given, field)
        if bps is None and provider is None:
            bps = 0
    except ValidationFailed as error:
        return _page(request, tenant, Entered.refused({field: given}, error))
    wait(setting.set_markup(app_context(), actor=tenant.actor, bps=bps, provider=provider))
    messages.success(request, _saved(provider, bps))
    return redirect(_where("index", tenant))


def _saved(provider: str | None, bps: int | None) -> str:
    if bps is None:
        return f"{provider} now has your default markup"
    of_what = "Default markup" if provider is None else f"Markup for {provider}"
    return f"{of_what}: {to_percent(bps)} %"


def _page(request: HttpRequest, tenant: Tenant, entered: Entered | None = None) -> HttpResponse:
    entered = entered or Entered({})
    context = {
        "grid": grid(tenant, current_time()),
        "may_change": tenant.may(Permission.MANAGE_PROVIDERS),
        "entered": entered,
        "messages": get_messages(request),
    }
    return render(request, "dashboard/providers.html", context, status=entered.status)


def _where(page: str, tenant: Tenant, **more: str) -> str:
    return reverse(f"providers:{page}", kwargs={"environment": tenant.environment.value} | more)
