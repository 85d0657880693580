"""The states of endpoints and deliveries."""

from __future__ import annotations

from enum import StrEnum


class EndpointStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """`held` is not stored: it is a pending delivery of a paused endpoint (decision 0005)."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"


class Channel(StrEnum):
    ORDER = "order"
    OPS = "ops"


class Dialect(StrEnum):
    PRIVATA = "privata"
    STANDARD = "standard"
