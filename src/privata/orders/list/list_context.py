"""What the orders list shows besides its rows."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.urls import reverse

from privata.access.tenants import Tenant
from privata.core.cursors import Cursor
from privata.core.roles import Permission
from privata.infra.plane import app_context, wait
from privata.orders import reading
from privata.orders.list import columns, saved_views
from privata.orders.rows import ListedOrder
from privata.orders.search.filter_words import chips
from privata.orders.search.filters import GROUPS, RATES, REFUNDS, SPANS, OrderFilter, ReadFilter
from privata.orders.search.listing import Page
from privata.orders.search.sql import Search
from privata.orders.states import Density
from privata.providers.registry import names_for

#: In the address: all orders, though a view of the person's is shown first otherwise.
EVERYTHING = "?all=1"


def rows_context(
    tenant: Tenant,
    chosen: OrderFilter,
    page: Page[ListedOrder],
    ends: tuple[Cursor | None, Cursor | None],
    *,
    newest: bool,
    new: int = 0,
) -> dict[str, Any]:
    """The table, and where its rows begin and end."""
    first, last = ends
    place = {
        "first": first.encode() if first else "",
        "last": last.encode() if last else "",
        "newest": "1" if newest else "",
    }
    stopped = page.looked_back_to
    return {
        "chosen": chosen,
        "rows": page.rows,
        "new": new,
        "live_query": chosen.query(**place),
        "looked_back_to": stopped.at if stopped else None,
        "further": chosen.query(before=stopped.encode()) if stopped else "",
        "shown_as": wait(saved_views.look_of(app_context(), actor=tenant.actor)),
        "labels": {name: label for name, (label, _) in columns.LISTED.items()},
    }


def list_context(
    request: HttpRequest, tenant: Tenant, read: ReadFilter, search: Search, page: Page[ListedOrder]
) -> dict[str, Any]:
    """The frame of the list: segments, filters, views, columns."""
    chosen = read.chosen
    here = reverse("orders:list", kwargs={"environment": tenant.environment.value})
    views = wait(saved_views.views_of(app_context(), actor=tenant.actor))
    plain = here + (EVERYTHING if any(view.is_default for view in views) else "")

    def link(wanted: OrderFilter) -> str:
        return here + wanted.query() if wanted.active else plain

    return {
        "page": page,
        "problems": read.problems,
        "any_orders": bool(page.rows) or chosen.active or _any_order(tenant),
        "segments": _segments(chosen, search, link),
        "chips": [(chip.name, chip.value, link(chip.without)) for chip in chips(chosen)],
        "link": link,
        "plain": plain,
        "groups": [[status.value for status in group] for group in GROUPS.values()],
        "spans": SPANS,
        "rates": RATES,
        "refunds": REFUNDS,
        "providers": list(names_for(tenant.environment)),
        "views": [(view, here + view.query, view.query == chosen.query()) for view in views],
        "columns": columns.LISTED,
        "densities": [(density.value, density.value.capitalize()) for density in Density],
        "may_export": tenant.may(Permission.EXPORT_ORDERS),
        "messages": get_messages(request),
        "api_url": f"{app_context().settings.base_url}/partner/v1",
    }


def _any_order(tenant: Tenant) -> bool:
    return wait(reading.any_order(app_context(), actor=tenant.actor))


def _segments(chosen: OrderFilter, search: Search, link: Any) -> list[tuple[Any, ...]]:
    """`ui.seg()`'s items; a count stands where it is cheap to know."""
    counted = wait(reading.segment_counts(app_context(), search))
    found: list[tuple[Any, ...]] = [("All", link(chosen.having(statuses=())), not chosen.statuses)]
    for label, group in GROUPS.items():
        statuses = tuple(status.value for status in group)
        wanted = chosen.having(statuses=statuses)
        found.append((label, link(wanted), chosen.statuses == statuses, counted.get(label)))
    return found
