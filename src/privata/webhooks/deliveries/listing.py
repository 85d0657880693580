"""What the API shows of endpoints and deliveries, always the actor's own; plain SQL, no ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from privata.core.clock import iso
from privata.core.cursors import Cursor
from privata.core.errors import NotFound
from privata.core.tenancy import Actor
from privata.infra.kernel import Kernel
from privata.infra.postgres import Transaction
from privata.webhooks.endpoints.store import Row
from privata.webhooks.waiting import untried

MAX_LIMIT: Final = 200

_ENDPOINTS: Final = """
SELECT e.*, current.hint AS secret_hint, old.expires_at AS old_secret_expires_at
FROM webhook_endpoint AS e
LEFT JOIN LATERAL (
    SELECT s.hint FROM webhook_secret AS s
    WHERE s.endpoint_id = e.id AND (s.expires_at IS NULL OR e.deleted_at IS NOT NULL)
    ORDER BY s.created_at DESC LIMIT 1
) AS current ON true
LEFT JOIN LATERAL (
    SELECT max(s.expires_at) AS expires_at FROM webhook_secret AS s
    WHERE s.endpoint_id = e.id AND s.expires_at > now()
) AS old ON true
WHERE e.organization_id = $1 AND e.environment = $2 AND ($3::uuid IS NULL OR e.id = $3)
  AND (e.deleted_at IS NULL OR $4)
ORDER BY e.created_at, e.id
"""

_PAUSED: Final = """
SELECT id FROM webhook_endpoint
WHERE organization_id = $1 AND environment = $2 AND status IN ('paused', 'resuming')
ORDER BY created_at, id
"""


class DeliveryFilter(StrEnum):
    """A delivery's status as partners see it; `undelivered` is what still waits or was given up."""

    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    RETRIED = "retried"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


#: `held` and `cancelled` are no states that are stored (decision 0005).
_STATUS: Final = {
    None: "true",
    DeliveryFilter.PENDING: "d.status = 'pending' AND e.status NOT IN ('paused', 'disabled')",
    DeliveryFilter.HELD: "d.status = 'pending' AND e.status = 'paused'",
    DeliveryFilter.DELIVERED: "d.status = 'delivered'",
    DeliveryFilter.EXHAUSTED: "d.status = 'exhausted'",
    DeliveryFilter.RETRIED: "d.status = 'retried'",
    DeliveryFilter.CANCELLED: "d.status = 'pending' AND e.status = 'disabled'",
    DeliveryFilter.UNDELIVERED: "d.status IN ('pending', 'exhausted')",
}

#: It is sent in its turn, for its endpoint is resuming.
_IN_LINE: Final = f"coalesce(e.status = 'resuming' AND {untried()}, false)"

_DELIVERIES: Final = """
SELECT d.*, e.status AS endpoint_status, t.event_id, t.type, {in_line} AS in_line,
       retry.id AS retried_as
FROM webhook_delivery AS d
JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
JOIN shared_event AS t ON t.seq = d.event_seq
LEFT JOIN webhook_delivery AS retry ON retry.retry_of_id = d.id
WHERE d.organization_id = $1 AND d.environment = $2
  AND ($3::uuid IS NULL OR d.endpoint_id = $3)
  AND ($4::text IS NULL OR t.type = $4)
  AND ($5::text IS NULL OR d.event_seq IN (
      SELECT seq FROM shared_event
      WHERE order_id = $5 AND organization_id = $1 AND environment = $2))
  AND ($6::timestamptz IS NULL OR d.created_at >= $6)
  AND ($7::timestamptz IS NULL OR d.created_at < $7)
  AND ($8::timestamptz IS NULL OR (d.created_at, d.id) < ($8, $9::uuid))
  AND {status}
ORDER BY d.created_at DESC, d.id DESC
LIMIT $10
"""

#: The statement for each status; all of them are ours.
_BY_STATUS: Final = {
    wanted: _DELIVERIES.format(status=sql, in_line=_IN_LINE) for wanted, sql in _STATUS.items()
}

_DELIVERY: Final = f"""
SELECT d.*, e.status AS endpoint_status, t.event_id, t.type, {_IN_LINE} AS in_line,
       retry.id AS retried_as
FROM webhook_delivery AS d
JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
JOIN shared_event AS t ON t.seq = d.event_seq
LEFT JOIN webhook_delivery AS retry ON retry.retry_of_id = d.id
WHERE d.id = $1 AND d.organization_id = $2 AND d.environment = $3
"""  # noqa: S608  # put together out of our own constants

_PLAIN_ENDPOINT: Final = (
    "alias", "url", "channel", "dialect", "event_filter", "status", "paused_reason", "last_error",
    "strict_lanes", "schedule_s", "pace_per_s", "secret_hint",
)  # fmt: skip
_TIMES_ENDPOINT: Final = (
    "paused_at",
    "old_secret_expires_at",
    "created_at",
    "updated_at",
    "deleted_at",
)
_PLAIN_DELIVERY: Final = (
    "event_id", "order_id", "replay", "attempts", "last_outcome", "last_status_code",
    "last_duration_ms",
)  # fmt: skip
_TIMES_DELIVERY: Final = ("last_attempt_at", "created_at", "delivered_at")


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


async def endpoints(kernel: Kernel, *, actor: Actor) -> list[dict[str, Any]]:
    """The actor's endpoints, oldest first, disabled ones too."""
    rows = await kernel.database.pool.fetch(
        _ENDPOINTS, actor.organization_id, actor.environment.value, None, False
    )
    return [_endpoint(row) for row in rows]


async def endpoint(
    kernel: Kernel,
    *,
    actor: Actor,
    endpoint_id: UUID,
    tx: Transaction | None = None,
    deleted: bool = False,
) -> dict[str, Any]:
    """One of them, as it stands in `tx` if given. `NotFound`, also when it is deleted unless
    `deleted` ones are asked for."""
    source = kernel.database.pool if tx is None else tx.connection
    row = await source.fetchrow(
        _ENDPOINTS, actor.organization_id, actor.environment.value, endpoint_id, deleted
    )
    if row is None:
        raise NotFound("Endpoint not found.")
    return _endpoint(row)


async def paused_endpoints(kernel: Kernel, *, actor: Actor) -> list[UUID]:
    """Those that are paused or on their way back."""
    rows = await kernel.database.pool.fetch(_PAUSED, actor.organization_id, actor.environment.value)
    return [row["id"] for row in rows]


async def deliveries(
    kernel: Kernel, *, actor: Actor, query: DeliveryQuery
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of deliveries and the cursor of the next one, None at the end."""
    older = query.older
    rows = await kernel.database.pool.fetch(
        _BY_STATUS[query.status],
        actor.organization_id,
        actor.environment.value,
        query.endpoint_id,
        query.event_type,
        query.order_id,
        query.since,
        query.until,
        None if older is None else older.at,
        None if older is None else older.id,
        query.limit + 1,
    )
    return _page(rows, query.limit)


async def delivery(
    kernel: Kernel, *, actor: Actor, delivery_id: UUID, tx: Transaction | None = None
) -> dict[str, Any]:
    """One delivery, as it stands in `tx` if given. `NotFound`."""
    source = kernel.database.pool if tx is None else tx.connection
    row = await source.fetchrow(
        _DELIVERY, delivery_id, actor.organization_id, actor.environment.value
    )
    if row is None:
        raise NotFound("Delivery not found.")
    return _delivery(row)


def _page(rows: Sequence[Row], limit: int) -> tuple[list[dict[str, Any]], str | None]:
    shown = rows[:limit]
    after = None
    if len(rows) > limit:
        after = Cursor(shown[-1]["created_at"], str(shown[-1]["id"])).encode()
    return [_delivery(row) for row in shown], after


def _endpoint(row: Row) -> dict[str, Any]:
    times = {name: _time(row[name]) for name in _TIMES_ENDPOINT}
    return {"endpoint_id": row["id"]} | {name: row[name] for name in _PLAIN_ENDPOINT} | times


#: What a pending delivery is at an endpoint of such a status.
_PENDING_AT: Final = {
    "paused": DeliveryFilter.HELD.value,
    "disabled": DeliveryFilter.CANCELLED.value,
}


def _delivery(row: Row) -> dict[str, Any]:
    shown = row["status"]
    if shown == DeliveryFilter.PENDING:
        shown = _PENDING_AT.get(row["endpoint_status"], shown)
    # While its endpoint resumes it goes in its turn, whenever it was due before.
    turn = row["in_flight"] or row["in_line"]
    waits = shown == DeliveryFilter.PENDING and not turn
    return {
        "delivery_id": row["id"],
        "endpoint_id": row["endpoint_id"],
        "event_type": row["type"],
        "status": shown,
        "recovery_id": row["recovery_id"],
        "retry_of": row["retry_of_id"],
        "retried_as": row["retried_as"],
        "next_attempt_at": _time(row["due_at"]) if waits else None,
        **{name: row[name] for name in _PLAIN_DELIVERY},
        **{name: _time(row[name]) for name in _TIMES_DELIVERY},
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
