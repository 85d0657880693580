"""What the webhook pages read, always of one organization and environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import (
    BooleanField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
)
from django.db.models.functions import Now
from django.db.models.query import QuerySet

from privata.core.cursors import Cursor
from privata.core.errors import NotFound
from privata.core.standing import OrganizationStatus, webhooks_go
from privata.core.tenancy import Environment
from privata.events.models import Event
from privata.ui.components import Bucket
from privata.webhooks.deliveries.log_query import (
    PAGE_ROWS,
    RESPONSES,
    SPANS,
    LogQuery,
    Segment,
)
from privata.webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret
from privata.webhooks.states import DeliveryStatus, EndpointStatus

#: Counting new rows stops here; the page then says "100+".
MOST_NEW: Final = 100

_PENDING = Q(status=DeliveryStatus.PENDING.value)

#: The organization's status lets nothing go out (`core.standing`).
_STOPPED = Q()
for _environment in Environment:
    _STOPPED |= Q(
        environment=_environment.value,
        organization__status__in=[
            status.value for status in OrganizationStatus if not webhooks_go(status, _environment)
        ],
    )
#: For an endpoint that is out of use nothing waits, whatever else would hold it.
_ENDED = Q(endpoint__status=EndpointStatus.DISABLED.value)

_HELD = ~_ENDED & (
    _STOPPED
    | Q(endpoint__status=EndpointStatus.PAUSED.value)
    | (
        Q(endpoint__status=EndpointStatus.RESUMING.value)
        & (
            Q(due_at__lte=Now())
            | Q(last_attempt_at=None)
            | Q(last_attempt_at__lt=F("endpoint__resumed_at"))
        )
    )
)

#: The one place that says which deliveries a segment has; these segments do not overlap.
_PARTS: Final = {
    Segment.DELIVERED: Q(status=DeliveryStatus.DELIVERED.value),
    Segment.HELD: _PENDING & _HELD,
    Segment.RETRYING: _PENDING & ~_HELD & ~_ENDED & Q(attempts__gt=0),
    Segment.QUEUED: _PENDING & ~_HELD & ~_ENDED & Q(attempts=0),
    Segment.CANCELLED: _PENDING & _ENDED,
    Segment.FAILED: Q(status=DeliveryStatus.EXHAUSTED.value),
    Segment.RETRIED: Q(status=DeliveryStatus.RETRIED.value),
}

#: What the endpoint has not got: a replay that arrived settles its event too.
_UNDELIVERED: Final = Q(
    ~_PARTS[Segment.DELIVERED]
    & ~_PARTS[Segment.RETRIED]
    & ~_PARTS[Segment.CANCELLED]
    & Q(replay=False)
    & ~Exists(
        Delivery.objects.filter(
            endpoint=OuterRef("endpoint"),
            event=OuterRef("event"),
            replay=True,
            status=DeliveryStatus.DELIVERED.value,
        )
    )
)
_SEGMENTS: Final = _PARTS | {Segment.UNDELIVERED: _UNDELIVERED}


@dataclass(frozen=True, slots=True)
class Place:
    """Whose deliveries: a tenant's, of all its endpoints or of one."""

    organization_id: UUID
    environment: Environment
    endpoint_id: UUID | None = None

    def deliveries(self) -> QuerySet[Delivery]:
        found = Delivery.objects.filter(
            organization_id=self.organization_id, environment=self.environment.value
        )
        return found.filter(endpoint_id=self.endpoint_id) if self.endpoint_id else found


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of the log, newest first, and whether there are others on either side."""

    rows: list[Delivery]
    has_newer: bool
    has_older: bool


def endpoints_of(organization_id: UUID, environment: Environment) -> QuerySet[Endpoint]:
    """The tenant's endpoints, oldest first, without those that are deleted."""
    return Endpoint.objects.filter(
        organization_id=organization_id, environment=environment.value, deleted_at=None
    ).order_by("created_at", "id")


def endpoint_or_404(place: Place) -> Endpoint:
    """`NotFound` for an endpoint that is missing or another organization's."""
    mine = endpoints_of(place.organization_id, place.environment)
    found = mine.filter(id=place.endpoint_id).first() if place.endpoint_id else None
    if found is None:
        raise NotFound("Endpoint not found.")
    return found


def log_page(place: Place, query: LogQuery, now: datetime) -> Page:
    """One page of the log: keyset, so deep pages cost what the first one costs."""
    found = _filtered(place, query, now)
    if query.newer is not None:
        rows = list(_shown(_newer_than(found, query.newer).order_by("created_at", "id")))
        more = len(rows) > PAGE_ROWS
        return Page(rows[:PAGE_ROWS][::-1], has_newer=more, has_older=True)
    if query.older is not None:
        found = _older_than(found, query.older)
    rows = list(_shown(found.order_by("-created_at", "-id")))
    more = len(rows) > PAGE_ROWS
    return Page(rows[:PAGE_ROWS], has_newer=query.older is not None, has_older=more)


def matching(place: Place, query: LogQuery, now: datetime) -> QuerySet[Delivery]:
    """Every delivery of a view, whatever the page."""
    return _filtered(place, query, now)


def retryable(found: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those of `found` that `bulk.retry_many` would try again now."""
    again = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        event=OuterRef("event"),
        replay=True,
        status__in=[DeliveryStatus.DELIVERED.value, DeliveryStatus.PENDING.value],
    ).exclude(id=OuterRef("id"))
    failed = _PENDING & Q(attempts__gt=0) & ~Q(in_flight=True, due_at__gt=Now())
    return found.filter(
        failed | _SEGMENTS[Segment.FAILED],
        ~Exists(again),
        endpoint__status=EndpointStatus.ACTIVE.value,
    )


def rows_by_id(place: Place, ids: Iterable[UUID]) -> list[Delivery]:
    """These rows as they are now, whatever the filters: a row in view does not vanish."""
    wanted = list(ids)[:PAGE_ROWS]
    return list(_shown(place.deliveries().filter(id__in=wanted).order_by("-created_at", "-id")))


def newer_count(place: Place, query: LogQuery, top: Cursor | None, now: datetime) -> int:
    """How many rows of this view came after `top`; at most `MOST_NEW`."""
    found = _filtered(place, query, now)
    if top is not None:
        found = _newer_than(found, top)
    return found.values("id")[:MOST_NEW].count()


def neighbours(
    place: Place, query: LogQuery, delivery: Delivery, now: datetime
) -> tuple[UUID | None, UUID | None]:
    """The ids of the next newer and the next older row in the same view."""
    found = _filtered(place, query, now)
    here = Cursor(delivery.created_at, str(delivery.id))
    newer = _newer_than(found, here).order_by("created_at", "id").values_list("id", flat=True)
    older = _older_than(found, here).order_by("-created_at", "-id").values_list("id", flat=True)
    return newer.first(), older.first()


def segment_counts(place: Place, query: LogQuery, now: datetime) -> dict[Segment, int]:
    """How many rows each segment of this view has."""
    wanted: dict[str, Any] = {
        segment.value: Count("id", filter=chosen) for segment, chosen in _SEGMENTS.items()
    }
    row = _unsegmented(place, query, now).aggregate(**wanted)
    counts = {segment: row[segment.value] for segment in _SEGMENTS}
    return {Segment.ALL: sum(counts[part] for part in _PARTS)} | counts


def histogram_of(place: Place, query: LogQuery, now: datetime) -> list[Bucket]:
    """The view's deliveries over time: delivered, failed at least once, not yet attempted."""
    span = SPANS[query.span]
    width = span.length / span.slices
    rows = (
        _unsegmented(place, query, now)
        .annotate(slot=_Slot(F("created_at"), width=width.total_seconds()))
        .values_list("slot")
        .annotate(
            delivered=Count("id", filter=_SEGMENTS[Segment.DELIVERED]),
            failed=Count(
                "id",
                filter=~_SEGMENTS[Segment.DELIVERED]
                & ~_SEGMENTS[Segment.RETRIED]
                & Q(attempts__gt=0),
            ),
            queued=Count("id", filter=_PENDING & ~_ENDED & Q(attempts=0)),
        )
        .order_by()
    )
    last = int(now.timestamp() // width.total_seconds())
    buckets = [Bucket(0, 0, 0)] * span.slices
    for slot, delivered, failed, queued in rows:
        at = span.slices - 1 - (last - slot)
        # The clocks of database and program differ a little, and the range begins mid-slice.
        at = min(max(at, 0), span.slices - 1)
        old = buckets[at]
        buckets[at] = Bucket(old.delivered + delivered, old.failed + failed, old.queued + queued)
    return buckets


def delivery_or_404(place: Place, delivery_id: UUID) -> Delivery:
    """A delivery with its endpoint and event; `NotFound` if it is not the tenant's."""
    found = (
        place.deliveries()
        .filter(id=delivery_id)
        .select_related("endpoint", "event")
        .annotate(read_at=_READ_AT)
        .first()
    )
    if found is None:
        raise NotFound("Delivery not found.")
    return found


def attempts_of(delivery: Delivery) -> list[Attempt]:
    """Its attempts, newest first."""
    return list(Attempt.objects.filter(delivery=delivery).order_by("-started_at", "-id"))


def secrets_of(attempt: Attempt) -> Sequence[EndpointSecret]:
    """The secrets an attempt was signed with, oldest first."""
    return list(EndpointSecret.objects.filter(id__in=attempt.secret_ids).order_by("created_at"))


def waited_for(delivery: Delivery) -> str | None:
    """The type of the earlier event of the order that keeps this one waiting.

    It must have its first attempt before; in a strict lane it must be finished.
    """
    strict = delivery.endpoint.strict_lanes
    if delivery.order_id is None or delivery.status != DeliveryStatus.PENDING:
        return None
    if delivery.attempts and not strict:
        return None
    earlier = Delivery.objects.filter(
        _PENDING,
        endpoint_id=delivery.endpoint_id,
        order_id=delivery.order_id,
        event_id__lt=delivery.event_id,
    )
    if not strict:
        earlier = earlier.filter(attempts=0)
    return earlier.order_by("event_id").values_list("event__type", flat=True).first()


def siblings(delivery: Delivery) -> list[Delivery]:
    """The other deliveries of the same event to the same endpoint: replays, or the original; but
    those that `retries` names."""
    same = Delivery.objects.filter(endpoint_id=delivery.endpoint_id, event_id=delivery.event_id)
    return list(
        same.exclude(id=delivery.id)
        .exclude(id__in=[one for one in (delivery.retry_of_id,) if one])
        .exclude(retry_of__isnull=False, retry_of=delivery)
        .select_related("endpoint")
        .annotate(read_at=_READ_AT)
        .order_by("created_at")[:_MOST_SIBLINGS]
    )


def retries(delivery: Delivery) -> tuple[Delivery | None, Delivery | None]:
    """The delivery that this one is the retry of, and the one that is its retry."""
    which = Q(retry_of=delivery)
    if delivery.retry_of_id is not None:
        which |= Q(id=delivery.retry_of_id)
    found = Delivery.objects.filter(which).select_related("endpoint").annotate(read_at=_READ_AT)
    before = after = None
    for one in found:
        if one.id == delivery.retry_of_id:
            before = one
        else:
            after = one
    return before, after


#: Other deliveries of an event that are named.
_MOST_SIBLINGS: Final = 20

#: The database's time: leases and due times are its own.
_READ_AT = ExpressionWrapper(Now(), output_field=DateTimeField())


class _Slot(Func):
    """The number of the slice of `width` seconds that a time falls into, from 1970."""

    template = "floor(extract(epoch FROM %(expressions)s) / %(width)s)::bigint"


def _shown(found: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """What a row shows; the bodies of events stay in the database."""
    rows = (
        found.select_related("endpoint", "event")
        .defer("event__body")
        .annotate(
            read_at=_READ_AT,
            leased=ExpressionWrapper(
                Q(in_flight=True) & Q(due_at__gt=Now()), output_field=BooleanField()
            ),
        )
    )
    return rows[: PAGE_ROWS + 1]


def _filtered(place: Place, query: LogQuery, now: datetime) -> QuerySet[Delivery]:
    found = _unsegmented(place, query, now)
    return found if query.segment is Segment.ALL else found.filter(_SEGMENTS[query.segment])


def _unsegmented(place: Place, query: LogQuery, now: datetime) -> QuerySet[Delivery]:
    found = place.deliveries().filter(created_at__gte=query.since(now) - timedelta(seconds=1))
    if query.type.endswith(".*"):
        found = found.filter(event__type__startswith=query.type[:-1])
    elif query.type:
        found = found.filter(event__type=query.type)
    if query.response:
        chosen = RESPONSES[query.response]
        if chosen.codes:
            found = found.filter(last_status_code__range=chosen.codes)
        else:
            found = found.filter(last_outcome__in=[one.value for one in chosen.outcomes])
    return found.filter(_search(place, query.search)) if query.search else found


def _search(place: Place, text: str) -> Q:
    """A delivery, event or order id, whole: what people paste."""
    try:
        return Q(id=UUID(text))
    except ValueError:
        pass
    events = Event.objects.filter(
        Q(order_id=text.lower()) | Q(event_id=text.lower()),
        organization_id=place.organization_id,
        environment=place.environment.value,
    )
    return Q(event_id__in=events.values("seq"))


def _newer_than(found: QuerySet[Delivery], place: Cursor) -> QuerySet[Delivery]:
    later = Q(created_at=place.at, id__gt=place.id) | Q(created_at__gt=place.at)
    return found.filter(later, created_at__gte=place.at)


def _older_than(found: QuerySet[Delivery], place: Cursor) -> QuerySet[Delivery]:
    earlier = Q(created_at=place.at, id__lt=place.id) | Q(created_at__lt=place.at)
    return found.filter(earlier, created_at__lte=place.at)
