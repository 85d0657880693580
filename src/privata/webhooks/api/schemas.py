"""Shapes of the webhook routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from privata.core.ids import ORDER_ID
from privata.infra.http.wire import Instant, NextUuidCursor, Wire
from privata.infra.storable import MAX_NUMBER
from privata.webhooks.deliveries import listing, undelivered
from privata.webhooks.endpoints.rotation import MAX_OVERLAP_S, OVERLAP_S
from privata.webhooks.endpoints.rules import (
    MAX_ALIAS,
    MAX_FILTER,
    MAX_PACE,
)
from privata.webhooks.schedule import LONGEST_S, MAX_RETRIES
from privata.webhooks.transport.guard import MAX_URL_CHARS

# What `endpoint_rules` and `schedule` check, told to the document: they give better sentences.
Types = Annotated[
    list[Annotated[str, Field(json_schema_extra={"maxLength": 64})]],
    Field(
        description="event types, or `order.*` for a whole group including future types; null: all",
        json_schema_extra={"minItems": 1, "maxItems": MAX_FILTER},
    ),
]
Schedule = Annotated[
    list[Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": LONGEST_S})]],
    Field(
        description="seconds after the first attempt, increasing; the last is never exceeded; "
        "null: the default",
        json_schema_extra={"maxItems": MAX_RETRIES},
    ),
]
Pace = Annotated[
    int,
    Field(
        description="deliveries per second while resuming and recovering",
        json_schema_extra={"minimum": 1, "maximum": MAX_PACE},
    ),
]
Alias = Annotated[
    str,
    Field(
        description="a display name",
        json_schema_extra={"minLength": 1, "maxLength": MAX_ALIAS},
    ),
]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL_CHARS)]


class CreateEndpoint(Wire):
    """An endpoint to create in the key's environment."""

    url: Url
    alias: Alias
    channel: Literal["order", "ops"] = "order"
    event_filter: Types | None = None
    dialect: Literal["privata", "standard", "slack"] = "privata"


class ChangeEndpoint(Wire):
    """Fields you send are changed. Null is a value where a field can be null."""

    # Read it with `given`: a default made by a factory is never looked at, and keeps the field out
    # of the required ones without letting it be null.

    url: Url = Field(default_factory=str)
    alias: Alias = Field(default_factory=str)
    event_filter: Types | None = None
    strict_ordering: bool = Field(default_factory=bool)
    schedule_s: Schedule | None = None
    pace_per_s: Pace = Field(default_factory=int)

    def given(self) -> dict[str, Any]:
        """What is to be changed, for `service.update_endpoint`."""
        return self.model_dump(exclude_unset=True)


class RotateSecret(Wire):
    """How long the old secret also signs. 0 ends it immediately."""

    overlap_s: Annotated[int, Field(ge=0, le=MAX_OVERLAP_S)] = OVERLAP_S


class Resume(Wire):
    """One endpoint; without it, all paused endpoints."""

    endpoint_id: UUID | None = None


class Recover(Wire):
    """The endpoint, and the time to recover from."""

    endpoint_id: UUID
    since: Instant


class DeliveriesQuery(Wire):
    """Filters of the delivery log, newest first."""

    endpoint_id: UUID | None = None
    status: (
        Literal["pending", "held", "delivered", "exhausted", "retried", "cancelled", "undelivered"]
        | None
    ) = None
    event_type: str | None = Field(
        None,
        max_length=64,
        pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
        description="such as `order.completed`, `webhook.test`, or the name of an ops event",
    )
    order_id: str | None = Field(None, pattern=rf"^{ORDER_ID.pattern}$")
    since: Instant | None = None
    until: Instant | None = None
    cursor: NextUuidCursor | None = Field(None, description="`next_cursor` from the previous page")
    limit: Annotated[int, Field(ge=1, le=listing.MAX_LIMIT)] = 50

    def wanted(self) -> listing.DeliveryQuery:
        """The query as the reader takes it."""
        return listing.DeliveryQuery(
            endpoint_id=self.endpoint_id,
            status=None if self.status is None else listing.DeliveryFilter(self.status),
            event_type=self.event_type,
            order_id=None if self.order_id is None else self.order_id.lower(),
            since=self.since,
            until=self.until,
            older=self.cursor,
            limit=self.limit,
        )


class UndeliveredQuery(Wire):
    """What an endpoint lacks, oldest first."""

    since: Instant = undelivered.BEGINNING
    after: Annotated[int, Field(ge=0, le=MAX_NUMBER, description="the last `seq` on this page")] = 0
    limit: Annotated[int, Field(ge=1, le=undelivered.MAX_LIMIT)] = 100


class Endpoint(BaseModel):
    endpoint_id: UUID
    alias: str
    url: str
    channel: Literal["order", "ops"]
    dialect: Literal["privata", "standard", "slack"]
    event_filter: list[str] | None = Field(description="null: all types on the channel")
    status: Literal["active", "paused", "resuming", "disabled"]
    paused_at: datetime | None
    paused_reason: str | None
    last_error: str | None
    strict_ordering: bool
    schedule_s: list[int] | None
    pace_per_s: int
    secret_hint: str = Field(description="the first characters of the secret")
    old_secret_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = Field(
        description="a deleted endpoint is returned only in this response"
    )


class NewEndpoint(Endpoint):
    """The endpoint with its secret, shown only once."""

    secret: str


class Endpoints(BaseModel):
    endpoints: list[Endpoint]


class RotatedSecret(BaseModel):
    """The new secret, shown only once, and when the old one stops signing."""

    endpoint_id: UUID
    secret: str
    old_secret_expires_at: datetime


class TestEvent(BaseModel):
    event_id: str
    delivery_id: UUID
    held: bool


class Resumed(BaseModel):
    endpoint_id: UUID
    status: Literal["active", "resuming"]
    waiting: int = Field(description="deliveries being sent now, attempted before or not")
    exhausted: int = Field(
        description="events exhausted in the last 30 days that will not be sent again; recover them"
    )


class ResumedAll(BaseModel):
    resumed: list[Resumed]


class Delivery(BaseModel):
    delivery_id: UUID
    endpoint_id: UUID
    event_type: str
    status: Literal["pending", "held", "delivered", "exhausted", "retried", "cancelled"] = Field(
        description=(
            "pending: queued, retrying, or in flight; "
            "held: waits for its endpoint or the organization's status; "
            "retried: replaced by the retry in `retried_as`; "
            "cancelled: its endpoint was disabled or deleted"
        )
    )
    recovery_id: UUID | None
    retry_of: UUID | None = Field(description="the delivery this one retries")
    retried_as: UUID | None = Field(description="the delivery that retries this one")
    next_attempt_at: datetime | None
    event_id: str
    order_id: str | None
    replay: bool
    attempts: int
    last_outcome: str | None
    last_status_code: int | None
    last_duration_ms: int | None
    last_attempt_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class ResponseHeader(BaseModel):
    name: str
    value: str


class Attempt(BaseModel):
    """One request of a delivery. `outcome` is its result, `detail` explains a failure."""

    number: int = Field(description="as in `X-Privata-Attempt`")
    stale: bool = Field(description="it ended after another attempt had started and had no effect")
    url: str
    address: str | None = Field(description="the IP address the URL resolved to")
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    detail: str
    response_headers: list[ResponseHeader] | None = Field(description="in the order received")
    response_excerpt: str = Field(description="the start of the body")
    response_truncated: bool


class DeliveryDetails(Delivery):
    """A delivery with its latest attempts, newest first, at most 50."""

    attempt_log: list[Attempt]


class Deliveries(BaseModel):
    deliveries: list[Delivery]
    next_cursor: str | None


class UndeliveredEvent(BaseModel):
    seq: int
    delivery_id: UUID
    event_id: str
    event_type: str
    order_id: str | None
    status: str
    attempts: int
    last_outcome: str | None
    created_at: datetime


class UndeliveredEvents(BaseModel):
    undelivered: list[UndeliveredEvent]


class Replayed(BaseModel):
    delivery_id: UUID
    endpoint_id: UUID
    held: bool


class Recovery(BaseModel):
    """Counts are in events: `total` missed at the start, `queued` so far."""

    recovery_id: UUID
    endpoint_id: UUID
    since: datetime
    status: Literal["running", "done", "cancelled"]
    total: int
    queued: int
    delivered: int
    failed: int
    endpoint_status: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None
