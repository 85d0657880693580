"""The states of endpoints and deliveries."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EndpointStatus(StrEnum):
    """`resuming`: a probe is sent first, then what waited, paced; then it is active again."""

    ACTIVE = "active"
    PAUSED = "paused"
    RESUMING = "resuming"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """Where a delivery stands; what anybody is shown is its `DeliveryState`.

    `pending` is stored nowhere: what waits is in a table of its own. The others are in the log.
    `retried`: a retry took over the duty, so it is neither undelivered nor exhausted.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    RETRIED = "retried"


#: What the log keeps of a delivery: it waits for nothing any more.
FINISHED: Final = (DeliveryStatus.DELIVERED, DeliveryStatus.EXHAUSTED, DeliveryStatus.RETRIED)


class DeliveryState(StrEnum):
    """The state of a delivery as `state_sql` defines it; the same for every reader.

    `queued`: its first attempt is to come. `retrying`: an attempt failed, another is to come.
    `in_flight`: it is being sent. `held`: it waits for its paused or resuming endpoint, or for its
    organization's status. `cancelled`: its endpoint was disabled before it arrived.
    """

    QUEUED = "queued"
    RETRYING = "retrying"
    IN_FLIGHT = "in_flight"
    HELD = "held"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    RETRIED = "retried"


#: The endpoint lacks the event, and it is still owed or was given up.
UNDELIVERED_STATES: Final = frozenset(
    {
        DeliveryState.QUEUED,
        DeliveryState.RETRYING,
        DeliveryState.IN_FLIGHT,
        DeliveryState.HELD,
        DeliveryState.EXHAUSTED,
    }
)


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
