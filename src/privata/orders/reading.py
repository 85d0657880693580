"""Orders as the dashboard reads them: always of one tenant, always bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from privata.core.ids import ORDER_ID
from privata.orders.filters import Cursor, OrderFilter
from privata.orders.models import Order, TimelineEntry
from privata.organizations.doors import Tenant
from privata.webhooks.models import Delivery

#: Rows of a page of the list.
PAGE = 50

#: New orders are counted up to here; beyond, the pill says "99+".
MOST_NEW = 99

#: Deliveries shown on an order; one has about six events, more only after replays.
MOST_DELIVERIES = 100

#: What the list shows, so that no row brings more over than that.
_LISTED = (
    *("id", "environment", "partner_order_ref", "provider", "status", "created_at", "usd_value"),
    *("from_asset", "from_network", "from_decimals", "amount_from"),
    *("to_asset", "to_network", "to_decimals", "amount_to_expected", "amount_to_actual"),
    "markup_bps",
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from the newest to the oldest, and the cursors of the pages beside them."""

    rows: Sequence[Order]
    newer: Cursor | None = None
    older: Cursor | None = None

    @property
    def first(self) -> Cursor | None:
        return cursor_of(self.rows[0]) if self.rows else None

    @property
    def last(self) -> Cursor | None:
        return cursor_of(self.rows[-1]) if self.rows else None


def cursor_of(order: Order) -> Cursor:
    """The place of an order in the list."""
    return Cursor(order.created_at, order.id)


def orders_of(tenant: Tenant) -> QuerySet[Order]:
    """Every order of the tenant: the only way to an order from a page."""
    return Order.objects.filter(
        organization_id=tenant.organization_id, environment=tenant.environment.value
    )


def matching(tenant: Tenant, chosen: OrderFilter, now: datetime) -> QuerySet[Order]:
    """The tenant's orders that pass the filter, newest first."""
    found = orders_of(tenant)
    if chosen.statuses:
        found = found.filter(status__in=chosen.statuses)
    if chosen.text:
        found = found.filter(_exactly(chosen.text))
    if chosen.source:
        found = found.filter(from_asset=chosen.source)
    if chosen.target:
        found = found.filter(to_asset=chosen.target)
    if chosen.provider:
        found = found.filter(provider=chosen.provider)
    since = chosen.since(now)
    if since is not None:
        found = found.filter(created_at__gte=since)
    return found.order_by("-created_at", "-id").only(*_LISTED)


def page_of(
    tenant: Tenant,
    chosen: OrderFilter,
    now: datetime,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
) -> Page:
    """A page of the list: the newest, or the one older than `before`, or newer than `after`."""
    found = matching(tenant, chosen, now)
    if after is not None and before is None:
        upward = found.filter(_newer(after)).order_by("created_at", "id")
        rows = list(upward[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        if not rows:
            return page_of(tenant, chosen, now)
        return Page(rows, cursor_of(rows[0]) if more else None, cursor_of(rows[-1]))
    if before is not None:
        found = found.filter(_older(before))
    rows = list(found[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    newer = cursor_of(rows[0]) if rows and before is not None else None
    return Page(rows, newer, cursor_of(rows[-1]) if more else None)


def same_rows(
    tenant: Tenant, chosen: OrderFilter, now: datetime, first: Cursor, last: Cursor
) -> list[Order]:
    """The rows from `first` to `last` as they are now: none comes in, so the list never jumps."""
    found = matching(tenant, chosen, now)
    inside = found.filter(~_newer(first) & ~_older(last))
    bounded = inside.filter(created_at__lte=first.created_at, created_at__gte=last.created_at)
    return list(bounded[:PAGE])


def count_newer(tenant: Tenant, chosen: OrderFilter, now: datetime, first: Cursor) -> int:
    """How many matching orders came after `first`, up to `MOST_NEW` and one."""
    return matching(tenant, chosen, now).filter(_newer(first))[: MOST_NEW + 1].count()


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


def _exactly(text: str) -> Q:
    """Order id, the partner's reference, deposit address, or a transaction of either side."""
    if ORDER_ID.fullmatch(text.lower()):
        return Q(id=text.lower())
    return (
        Q(partner_order_ref=text)
        | Q(deposit_address=text)
        | Q(tx_in_hash=text)
        | Q(tx_out_hash=text)
    )


def _older(cursor: Cursor) -> Q:
    # The first condition is implied by the second; the index can be entered by it.
    return Q(created_at__lte=cursor.created_at) & (
        Q(created_at__lt=cursor.created_at) | Q(id__lt=cursor.order_id)
    )


def _newer(cursor: Cursor) -> Q:
    return Q(created_at__gte=cursor.created_at) & (
        Q(created_at__gt=cursor.created_at) | Q(id__gt=cursor.order_id)
    )
