"""How many deliveries a worker sends at the same time, and of which kinds. Pure.

Order traffic has `concurrency` slots. A quarter of them is for first attempts only, so a heap of
retries to dead receivers cannot keep a new event waiting. Ops events have slots of their own on
top, so that order traffic of any amount cannot keep the news of a pause from arriving.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

#: One in so many slots is for first attempts.
FIRST_SHARE: Final = 4

#: One slot for ops events on top of so many of the others; at least one.
OPS_SHARE: Final = 8


@dataclass(frozen=True, slots=True)
class Room:
    """What a claim may take: order deliveries, how many retries among them, and ops deliveries."""

    orders: int
    retries: int
    ops: int

    def __bool__(self) -> bool:
        return self.orders > 0 or self.ops > 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Whose slot a delivery takes."""

    endpoint_id: UUID
    ops: bool
    retry: bool


def ops_slots(concurrency: int) -> int:
    """The slots of the ops channel."""
    return max(1, concurrency // OPS_SHARE)


class Slots:
    """The slots of one worker, and who has them. `busy` counts the sends of each endpoint."""

    def __init__(self, concurrency: int, per_endpoint: int) -> None:
        self._orders = concurrency
        self._retries = concurrency - concurrency // FIRST_SHARE
        self._ops = ops_slots(concurrency)
        self._per_endpoint = per_endpoint
        self._taken: Counter[str] = Counter()
        self.busy: Counter[UUID] = Counter()

    def take(self, slot: Slot) -> None:
        """Occupy a slot."""
        self._count(slot, 1)

    def free(self, slot: Slot) -> None:
        """Give a slot back."""
        self._count(slot, -1)
        if not self.busy[slot.endpoint_id]:
            del self.busy[slot.endpoint_id]

    def room(self) -> Room:
        """What is free."""
        orders = self._orders - self._taken["orders"]
        return Room(
            orders=orders,
            retries=min(orders, self._retries - self._taken["retries"]),
            ops=self._ops - self._taken["ops"],
        )

    @property
    def in_flight(self) -> int:
        """How many slots are occupied."""
        return self._taken["orders"] + self._taken["ops"]

    @property
    def bounded(self) -> bool:
        """Whether more may be due than was claimed: some slots, or an endpoint's, are all taken."""
        room = self.room()
        return (
            room.orders <= 0
            or room.retries <= 0
            or room.ops <= 0
            or any(sends >= self._per_endpoint for sends in self.busy.values())
        )

    def _count(self, slot: Slot, step: int) -> None:
        self.busy[slot.endpoint_id] += step
        self._taken["ops" if slot.ops else "orders"] += step
        if slot.retry and not slot.ops:
            self._taken["retries"] += step
