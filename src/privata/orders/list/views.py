"""The orders list, and what a person keeps about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from privata.access.tenants import Tenant
from privata.access.views import requires
from privata.core.cursors import Cursor, parse_cursor
from privata.core.errors import NotFound, ValidationFailed
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.orders import reading
from privata.orders.list import saved_views
from privata.orders.list.columns import LISTED
from privata.orders.list.list_context import list_context, rows_context
from privata.orders.search.filters import filter_of, parse_filter, read_filter
from privata.orders.search.listing import Page

#: What a BIGINT holds; a longer number in an address is no view.
_MOST_ID = 2**63


@require_safe
@requires(Permission.VIEW_ORDERS)
def listing(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The list, a page at a time; opened without a filter it shows the person's first view."""
    if not request.GET:
        views = wait(saved_views.views_of(app_context(), actor=tenant.actor))
        for view in views:
            if view.is_default:
                return redirect(_list(tenant) + view.query)
    read = read_filter(request.GET)
    search = reading.search_of(tenant.actor, read.chosen, app_context().clock.now())
    before, after = _cursor(request, "before"), _cursor(request, "after")
    shown = wait(reading.page_of(app_context(), search, before=before, after=after))
    newest = before is None and shown.newer is None
    ends = (shown.first, shown.last)
    context = rows_context(tenant, read.chosen, shown, ends, newest=newest)
    context |= list_context(request, tenant, read, search, shown)
    return render(request, "orders/list.html", context)


@require_safe
@requires(Permission.VIEW_ORDERS)
def rows(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The rows somebody is looking at as they are now, and how many came since."""
    chosen = parse_filter(request.GET)
    first, last = _cursor(request, "first"), _cursor(request, "last")
    newest = request.GET.get("newest") == "1"
    search = reading.search_of(tenant.actor, chosen, app_context().clock.now())
    if first is None or last is None:
        shown = wait(reading.page_of(app_context(), search))
        context = rows_context(tenant, chosen, shown, (shown.first, shown.last), newest=True)
        return render(request, "orders/_rows.html", context)
    same = Page(wait(reading.same_rows(app_context(), search, first, last)))
    new = wait(reading.count_newer(app_context(), search, first)) if newest else 0
    context = rows_context(tenant, chosen, same, (first, last), newest=newest, new=new)
    return render(request, "orders/_rows.html", context)


@require_POST
@requires(Permission.VIEW_ORDERS)
def save_view(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Keep the filter of the page under a name."""
    query, name = request.POST.get("query", ""), request.POST.get("name", "")
    back = _list(tenant) + filter_of(query).query()
    saving = saved_views.save_view(app_context(), actor=tenant.actor, name=name, query=query)
    return _kept(request, saving, back, "View saved")


@require_POST
@requires(Permission.VIEW_ORDERS)
def rename_view(request: HttpRequest, tenant: Tenant, view_id: int) -> HttpResponse:
    """Give a view another name."""
    renaming = saved_views.rename_view(
        app_context(),
        actor=tenant.actor,
        view_id=_known(view_id),
        name=request.POST.get("name", ""),
    )
    return _kept(request, renaming, _back(request, tenant), "View renamed")


@require_POST
@requires(Permission.VIEW_ORDERS)
def delete_view(request: HttpRequest, tenant: Tenant, view_id: int) -> HttpResponse:
    """Forget a view."""
    deleting = saved_views.delete_view(app_context(), actor=tenant.actor, view_id=_known(view_id))
    return _kept(request, deleting, _back(request, tenant), "View deleted")


@require_POST
@requires(Permission.VIEW_ORDERS)
def default_view(request: HttpRequest, tenant: Tenant, view_id: int) -> HttpResponse:
    """Show a view first, or with `off` no view."""
    chosen = None if request.POST.get("off") else _known(view_id)
    choosing = saved_views.choose_default(app_context(), actor=tenant.actor, view_id=chosen)
    said = "Default view: all orders" if chosen is None else "Set as your default view"
    return _kept(request, choosing, _back(request, tenant), said)


@require_POST
@requires(Permission.VIEW_ORDERS)
def keep_look(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Keep columns and density."""
    keeping = saved_views.keep_look(
        app_context(),
        actor=tenant.actor,
        columns=[one for one in request.POST.getlist("column") if one in LISTED],
        density=request.POST.get("density", ""),
    )
    return _kept(request, keeping, _back(request, tenant), "Columns saved")


def _kept(request: HttpRequest, work: Any, back: str, said: str) -> HttpResponseRedirect:
    try:
        wait(work)
    except NotFound as error:
        raise Http404(error.message) from error
    except ValidationFailed as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said)
    return redirect(back)


def _list(tenant: Tenant) -> str:
    return reverse("orders:list", kwargs={"environment": tenant.environment.value})


def _back(request: HttpRequest, tenant: Tenant) -> str:
    """The list with the filter it was left with, made anew: never an address that was sent."""
    chosen = filter_of(request.POST.get("query", ""))
    return _list(tenant) + (chosen.query() if chosen.active else "?all=1")


def _known(view_id: int) -> int:
    if view_id >= _MOST_ID:
        raise Http404("View not found.")
    return view_id


def _cursor(request: HttpRequest, name: str) -> Cursor | None:
    return parse_cursor(request.GET.get(name, ""))
