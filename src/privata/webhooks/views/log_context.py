"""What a delivery log shows, on its own page and on an endpoint's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from privata.access.tenants import Tenant
from privata.core.cursors import Cursor, parse_uuid_cursor
from privata.infra.plane import current_time
from privata.webhooks.deliveries import figures, log_reading, reading
from privata.webhooks.deliveries.log_query import (
    PAGE_ROWS,
    RESPONSES,
    SEGMENT_LABELS,
    SPANS,
    LogQuery,
    Segment,
    parse_query,
)
from privata.webhooks.deliveries.reading import DeliveryRow, DeliverySearch
from privata.webhooks.endpoints import reading as endpoint_reading
from privata.webhooks.endpoints.reading import EndpointRow, Partition
from privata.webhooks.endpoints.rules import ORDER_TYPES
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.states import DeliveryState, EndpointStatus
from privata.webhooks.views.common import address, ask, partition_of
from privata.webhooks.views.delivery_context import delivery_context, most_attempts

#: What the filter offers: the whole group first, then its types, then those of us.
TYPES = (
    "order.*",
    *ORDER_TYPES,
    "webhook.test",
    "webhook_paused",
    "webhook_resumed",
    "api_key_expiring",
    "api_key_locked",
    "api_key_unlocked",
    "payout_sent",
    "late_deposit",
)

#: Segments that are shown when there is something in them.
_SELDOM = (
    Segment.QUEUED,
    Segment.IN_FLIGHT,
    Segment.HELD,
    Segment.RETRIED,
    Segment.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the log."""

    delivery: DeliveryRow
    url: str
    drawer: str
    outcome: str
    fresh: bool
    most: int

    @property
    def may_retry(self) -> bool:
        """Whether another attempt can be asked for now."""
        waits = self.delivery.state in (DeliveryState.RETRYING, DeliveryState.EXHAUSTED)
        return waits and self.delivery.endpoint.status is EndpointStatus.ACTIVE


def log_context(
    request: HttpRequest, tenant: Tenant, endpoint: EndpointRow | None = None
) -> dict[str, Any]:
    """The whole log of a view, with the delivery that its address has open."""
    now = current_time()
    partition = partition_of(tenant, endpoint.id if endpoint else None)
    query = parse_query(request.GET)
    found = ask(log_reading.log_page, partition, query, now)
    base = base_of(tenant, endpoint)
    seen = parse_uuid_cursor(request.GET.get("seen", ""))
    rows = rows_of(tenant, query, endpoint, found.rows, seen)
    context = summary_context(partition, query, now, base) | {
        "rows": rows,
        "base": base,
        "one_endpoint": endpoint,
        "top": _top(found.rows, query, now),
        "new_count": 0,
        "new_url": base + query.with_().string(),
        "live_url": address(tenant, "live") + query.with_().string(**_scope(endpoint)),
        "newer_url": _edge(base, query, found.rows, found.has_newer, newer=True),
        "older_url": _edge(base, query, found.rows, found.has_older, newer=False),
        "spans": SPANS,
        "types": TYPES,
        "many": address(tenant, "retry_matching") + query.with_().string(**_scope(endpoint)),
        "chosen": address(tenant, "retry_chosen") + query.with_().string(**_scope(endpoint)),
        "responses": RESPONSES,
        "any_ever": bool(rows) or ask(figures.any_ever, DeliverySearch(partition)),
        "opened": None,
    }
    opened = request.GET.get("open", "")
    return context | (_opened(request, tenant, endpoint, opened) if opened else {})


def live_context(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """What changed in a view since it was made: figures, rows in sight, how many are new."""
    now = current_time()
    query = parse_query(request.GET)
    endpoint = scope_of(request, tenant)
    partition = partition_of(tenant, endpoint.id if endpoint else None)
    base = base_of(tenant, endpoint)
    top = parse_uuid_cursor(request.GET.get("top", ""))
    ids = uuids(request.GET.get("ids", ""))
    seen = {"seen": top.encode()} if top else {}
    return summary_context(partition, query, now, base) | {
        "rows": rows_of(tenant, query, endpoint, ask(reading.rows_by_id, partition, ids), None),
        "one_endpoint": endpoint,
        "base": base,
        "new_count": ask(log_reading.newer_count, partition, query, top, now),
        "new_url": base + query.with_().string(**seen),
    }


def summary_context(
    partition: Partition, query: LogQuery, now: datetime, base: str
) -> dict[str, Any]:
    """Histogram and segments of a view."""
    counts = ask(log_reading.segment_counts, partition, query, now)
    shown = [
        segment
        for segment in Segment
        if segment not in _SELDOM or counts[segment] or query.segment is segment
    ]
    span = SPANS[query.span]
    return {
        "query": query,
        "segments": [
            (
                SEGMENT_LABELS[segment],
                base + query.with_(segment=segment).string(),
                query.segment is segment,
                None if segment is Segment.ALL else counts[segment],
            )
            for segment in shown
        ],
        "total": counts[query.segment],
        "buckets": ask(log_reading.histogram_of, partition, query, now),
        "marks": _marks(now, query),
        "span": span,
    }


def rows_of(
    tenant: Tenant,
    query: LogQuery,
    endpoint: EndpointRow | None,
    found: Sequence[DeliveryRow],
    seen: Cursor | None,
) -> list[Row]:
    """Rows with their links; those that came after `seen` are fresh."""
    words = query.with_().string(**_scope(endpoint))
    rows = []
    for one in found:
        outcome = RULES[Outcome(one.last_outcome)].label if one.last_outcome else ""
        url = address(tenant, "delivery", delivery_id=one.id)
        fresh = seen is not None and (one.created_at, str(one.id)) > (seen.at, seen.id)
        most = max(most_attempts(one.endpoint), one.attempts)
        rows.append(Row(one, url, f"{url}/sheet{words}", outcome, fresh, most))
    return rows


def scope_of(request: HttpRequest, tenant: Tenant) -> EndpointRow | None:
    """The endpoint that a view is limited to. Raises `NotFound`."""
    named = uuids(request.GET.get("endpoint", ""))
    return ask(endpoint_reading.endpoint, partition_of(tenant, named[0])) if named else None


def uuids(text: str) -> list[UUID]:
    """Ids separated by commas; what is none is left out."""
    found = []
    for part in text.split(",")[:PAGE_ROWS]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found


def base_of(tenant: Tenant, endpoint: EndpointRow | None) -> str:
    """The address of the log of all endpoints, or of one."""
    if endpoint is None:
        return address(tenant, "deliveries")
    return address(tenant, "endpoint", endpoint_id=endpoint.id)


def _scope(endpoint: EndpointRow | None) -> dict[str, str]:
    return {"endpoint": endpoint.id.hex} if endpoint else {}


def _top(rows: Sequence[DeliveryRow], query: LogQuery, now: datetime) -> str:
    """After which place a row is new to the reader."""
    if not rows or not query.is_first_page:
        return Cursor(now, str(UUID(int=0))).encode()
    return rows[0].cursor.encode()


def _edge(
    base: str, query: LogQuery, rows: Sequence[DeliveryRow], there: bool, *, newer: bool
) -> str | None:
    if not rows or not there:
        return None
    cursor = (rows[0] if newer else rows[-1]).cursor
    page = query.page(newer=cursor) if newer else query.page(older=cursor)
    return base + page.string()


def _marks(now: datetime, query: LogQuery) -> list[str]:
    """Five words under the histogram, from its beginning to now."""
    span = SPANS[query.span]
    form = "%H:%M" if span.length.days < 2 else "%d %b"
    marks = [f"{now - span.length * (4 - i) / 4:{form}}" for i in range(4)]
    if span.length.days == 1:
        marks[0] += " yesterday"
    return [*marks, "Now"]


def _opened(
    request: HttpRequest, tenant: Tenant, endpoint: EndpointRow | None, text: str
) -> dict[str, Any]:
    """The drawer for `?open=ID`; an id of nobody's opens nothing."""
    for ident in uuids(text):
        partition = partition_of(tenant, endpoint.id if endpoint else None)
        if ask(reading.rows_by_id, partition, [ident]):
            opened = delivery_context(request, tenant, ident, endpoint=endpoint)
            return {"opened": True} | opened
    return {}
