"""The state that a reader sees of a delivery. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from privata.webhooks.states import DeliveryStatus, EndpointStatus


class Shown(StrEnum):
    """The states a reader sees; finer than those that are stored."""

    DELIVERED = "delivered"
    SENDING = "sending"
    PENDING = "pending"
    RETRYING = "retrying"
    HELD = "held"
    RESUMING = "resuming"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    RETRIED = "retried"


class _EndpointRow(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def resumed_at(self) -> datetime | None: ...


class Row(Protocol):
    """What a delivery's shown state depends on."""

    @property
    def status(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def in_flight(self) -> bool: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def last_attempt_at(self) -> datetime | None: ...
    @property
    def endpoint(self) -> _EndpointRow: ...


def in_line(row: Row) -> bool:
    """Whether its endpoint is resuming and it has not had its turn: as `waiting` says it in SQL."""
    endpoint, tried_at = row.endpoint, row.last_attempt_at
    if endpoint.status != EndpointStatus.RESUMING or endpoint.resumed_at is None:
        return False
    return tried_at is None or tried_at < endpoint.resumed_at


def shown_of(row: Row, now: datetime, *, stopped: bool = False) -> Shown:
    """The state a row of the log shows; `stopped`: the organization's status lets nothing go."""
    return shown_state(
        row.status,
        row.endpoint.status,
        row.attempts,
        row.in_flight,
        row.due_at,
        now,
        in_line(row),
        stopped=stopped,
    )


def shown_state(
    status: str,
    endpoint: str,
    attempts: int,
    in_flight: bool,
    due_at: datetime,
    now: datetime,
    waits: bool,
    *,
    stopped: bool = False,
) -> Shown:
    """`in_flight` means something until `due_at` only; `stopped`: by the organization's status."""
    if status == DeliveryStatus.DELIVERED:
        return Shown.DELIVERED
    if status == DeliveryStatus.EXHAUSTED:
        return Shown.EXHAUSTED
    if status == DeliveryStatus.RETRIED:
        return Shown.RETRIED
    if in_flight and due_at > now:
        return Shown.SENDING
    if endpoint == EndpointStatus.DISABLED:
        return Shown.CANCELLED
    if endpoint == EndpointStatus.PAUSED or stopped:
        return Shown.HELD
    if endpoint == EndpointStatus.RESUMING and (waits or due_at <= now):
        return Shown.RESUMING
    return Shown.RETRYING if attempts else Shown.PENDING
