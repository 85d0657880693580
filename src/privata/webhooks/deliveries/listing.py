"""Deliveries and endpoints as both APIs show them: the rows of the read side, as JSON objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from privata.core.clock import iso
from privata.core.cursors import Cursor
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.webhooks.deliveries import reading
from privata.webhooks.deliveries.reading import DeliveryRow, DeliverySearch
from privata.webhooks.endpoints import reading as endpoint_reading
from privata.webhooks.endpoints.reading import EndpointRow, Partition
from privata.webhooks.states import DeliveryState

MAX_LIMIT: Final = 200


class DeliveryFilter(StrEnum):
    """A delivery's status as partners see it; `undelivered` is what the endpoint lacks."""

    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    RETRIED = "retried"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


_S = DeliveryState

#: For partners what will be sent by itself is one status; the others are the states.
_PENDING: Final = frozenset({_S.QUEUED, _S.RETRYING, _S.IN_FLIGHT})


def status_of(state: DeliveryState) -> str:
    """A state as the partner API names it."""
    return DeliveryFilter.PENDING.value if state in _PENDING else state.value


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries, newest first; `older` continues behind a row that was shown."""

    endpoint_id: UUID | None = None
    status: DeliveryFilter | None = None
    event_type: str | None = None
    order_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    older: Cursor | None = None
    limit: int = 50

    def search(self, actor: Actor) -> DeliverySearch:
        """The same among the actor's deliveries."""
        return DeliverySearch(
            _place(actor, self.endpoint_id),
            states=_states(self.status),
            undelivered=self.status is DeliveryFilter.UNDELIVERED,
            since=self.since,
            until=self.until,
            type=self.event_type or "",
            order_id=self.order_id or "",
            older=self.older,
        )


def _states(status: DeliveryFilter | None) -> frozenset[DeliveryState] | None:
    if status is None or status is DeliveryFilter.UNDELIVERED:
        return None
    return frozenset(state for state in DeliveryState if status_of(state) == status)


async def endpoints(ctx: AppContext, *, actor: Actor) -> list[dict[str, Any]]:
    """The actor's endpoints, oldest first, disabled ones too."""
    return [_endpoint(row) for row in await endpoint_reading.endpoints(ctx, _place(actor))]


async def endpoint(
    ctx: AppContext,
    *,
    actor: Actor,
    endpoint_id: UUID,
    tx: Transaction | None = None,
    deleted: bool = False,
) -> dict[str, Any]:
    """One of them, as it stands in `tx` if given. `NotFound`, also when it is deleted unless
    `deleted` ones are asked for."""
    partition = _place(actor, endpoint_id)
    return _endpoint(await endpoint_reading.endpoint(ctx, partition, tx=tx, deleted=deleted))


async def paused_endpoints(ctx: AppContext, *, actor: Actor) -> list[UUID]:
    """Those that are paused or on their way back."""
    return await endpoint_reading.paused_ids(ctx, _place(actor))


async def deliveries(
    ctx: AppContext, *, actor: Actor, query: DeliveryQuery
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of deliveries and the cursor of the next one, None at the end."""
    page = await reading.page_of(ctx, query.search(actor), limit=query.limit)
    after = page.rows[-1].cursor.encode() if page.has_older else None
    return [shown(row) for row in page.rows], after


async def delivery(
    ctx: AppContext, *, actor: Actor, delivery_id: UUID, tx: Transaction | None = None
) -> dict[str, Any]:
    """One delivery, as it stands in `tx` if given. `NotFound`."""
    return shown(await reading.delivery(ctx, _place(actor), delivery_id, tx=tx))


def _place(actor: Actor, endpoint_id: UUID | None = None) -> Partition:
    return Partition(actor.organization_id, actor.environment, endpoint_id)


def _endpoint(row: EndpointRow) -> dict[str, Any]:
    return {
        "endpoint_id": row.id,
        "alias": row.alias,
        "url": row.url,
        "channel": row.channel,
        "dialect": row.dialect,
        "event_filter": row.event_filter,
        "status": row.status,
        "paused_reason": row.paused_reason,
        "last_error": row.last_error,
        "strict_ordering": row.strict_ordering,
        "schedule_s": row.schedule_s,
        "pace_per_s": row.pace_per_s,
        "secret_hint": row.secret_hint,
        "paused_at": _time(row.paused_at),
        "old_secret_expires_at": _time(row.old_secret_expires_at),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "deleted_at": _time(row.deleted_at),
    }


def shown(row: DeliveryRow) -> dict[str, Any]:
    """A delivery as an object of the API."""
    return {
        "delivery_id": row.id,
        "endpoint_id": row.endpoint.id,
        "event_type": row.event.type,
        "status": status_of(row.state),
        "recovery_id": row.recovery_id,
        "retry_of": row.retry_of,
        "retried_as": row.retried_as,
        "next_attempt_at": _time(row.next_attempt_at),
        "event_id": row.event.event_id,
        "order_id": row.order_id,
        "replay": row.replay,
        "attempts": row.attempts,
        "last_outcome": row.last_outcome,
        "last_status_code": row.last_status_code,
        "last_duration_ms": row.last_duration_ms,
        "last_attempt_at": _time(row.last_attempt_at),
        "created_at": iso(row.created_at),
        "delivered_at": _time(row.delivered_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
