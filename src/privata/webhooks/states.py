"""The states of endpoints and deliveries."""

from __future__ import annotations

from enum import StrEnum


class EndpointStatus(StrEnum):
    """`resuming`: a probe is sent first, then what waited, paced; then it is active again."""

    ACTIVE = "active"
    PAUSED = "paused"
    RESUMING = "resuming"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """`held` is not stored: it is a pending delivery of a paused endpoint (decision 0005).

    `retried`: a retry took over the duty, so it is neither undelivered nor exhausted.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    RETRIED = "retried"


class Channel(StrEnum):
    ORDER = "order"
    OPS = "ops"


class Dialect(StrEnum):
    PRIVATA = "privata"
    STANDARD = "standard"
    SLACK = "slack"


class RecoveryStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
