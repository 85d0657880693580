"""Orders as the pages read them: always of one tenant, always bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import QuerySet

from privata.core.cursors import Cursor
from privata.core.ids import ORDER_ID
from privata.infra.plane import kernel, wait
from privata.orders import listing
from privata.orders.filters import GROUPS, OrderFilter
from privata.orders.listing import Page
from privata.orders.models import Order, TimelineEntry
from privata.orders.search_sql import Scope, Search
from privata.orders.store import Row
from privata.organizations.doors import Tenant
from privata.webhooks.models import Delivery

#: Rows of a page of the list.
PAGE = 50

#: New orders are counted up to here; beyond, the pill says "99+".
MOST_NEW = 99

#: Segments say how many they hold up to here; counting more is not cheap.
MOST_COUNTED = 999

#: Deliveries shown on an order; one has about six events, more only after replays.
MOST_DELIVERIES = 100


def orders_of(tenant: Tenant) -> QuerySet[Order]:
    """Every order of the tenant: the only way to an order from a page."""
    return Order.objects.filter(
        organization_id=tenant.organization_id, environment=tenant.environment.value
    )


def search_of(tenant: Tenant, chosen: OrderFilter, now: datetime) -> Search:
    """The search of a page among the tenant's orders."""
    return Search(Scope(tenant.organization_id, tenant.environment), chosen, now)


def page_of(search: Search, *, before: Cursor | None = None, after: Cursor | None = None) -> Page:
    """A page of the list: the newest, or the one older than `before`, or newer than `after`."""
    if after is not None and before is None:
        upward = listing.ranged(search, newer_than=after, upward=True)
        page = wait(listing.page_of(kernel(), upward, limit=PAGE))
        if page.rows or page.newer is not None:
            return page
    found = search if before is None else listing.ranged(search, older_than=before)
    return wait(listing.page_of(kernel(), found, limit=PAGE))


def same_rows(search: Search, first: Cursor, last: Cursor) -> list[Row]:
    """The rows from `first` to `last` as they are now: none comes in, so the list never jumps."""
    ends = (replace(first, included=True), replace(last, included=True))
    within = listing.ranged(search, older_than=ends[0], newer_than=ends[1])
    return wait(listing.rows_of(kernel(), within, limit=PAGE))


def count_newer(search: Search, first: Cursor) -> int:
    """How many matching orders came after `first`, up to `MOST_NEW` and one."""
    newer = listing.ranged(search, newer_than=first, upward=True)
    return len(wait(listing.rows_of(kernel(), newer, limit=MOST_NEW + 1, columns="o.id")))


def segment_counts(search: Search) -> dict[str, int]:
    """How many orders each segment holds, where that is cheap to say."""
    if search.chosen.having(statuses=()).active:
        return {}
    counted = {}
    for label in ("In progress", "Needs action"):
        narrowed = search.chosen.having(statuses=tuple(s.value for s in GROUPS[label]))
        only = listing.narrowed(search, narrowed)
        found = wait(listing.count_of(kernel(), only, most=MOST_COUNTED, walk=1))
        if found.exact:
            counted[label] = found.rows
    return counted


def newest(tenant: Tenant, now: datetime, limit: int) -> list[Row]:
    """The tenant's latest orders."""
    return wait(listing.rows_of(kernel(), search_of(tenant, OrderFilter(), now), limit=limit))


def found_by(tenant: Tenant, text: str, now: datetime, limit: int) -> list[Row]:
    """Orders with exactly this id, reference, deposit address or transaction."""
    search = search_of(tenant, OrderFilter(text=text), now)
    return wait(listing.rows_of(kernel(), search, limit=limit))


def order_of(tenant: Tenant, order_id: str) -> Order | None:
    """One order; another organization's and another environment's are missing like any other."""
    if not ORDER_ID.fullmatch(order_id):
        return None
    return orders_of(tenant).filter(id=order_id).first()


def timeline_of(order: Order) -> list[TimelineEntry]:
    """The states the order entered, oldest first."""
    return list(TimelineEntry.objects.filter(order_id=order.id).order_by("seq"))


def deliveries_of(tenant: Tenant, order: Order) -> list[Delivery]:
    """Webhook deliveries of the order's events, newest first."""
    found = Delivery.objects.filter(
        organization_id=tenant.organization_id,
        environment=tenant.environment.value,
        event__order_id=order.id,
    )
    listed = found.select_related("endpoint", "event").defer("event__body")
    return list(listed.order_by("-event_id", "-created_at")[:MOST_DELIVERIES])
