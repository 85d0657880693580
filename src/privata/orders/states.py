"""States of what surrounds the orders: exports and the list's look."""

from __future__ import annotations

from enum import StrEnum


class ExportState(StrEnum):
    """`queued → running → done → expired`, or `failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class LateState(StrEnum):
    """The state of a late deposit: `seen`, then one of the final states.

    `closed`: settled by the operator, neither swapped nor refunded.
    """

    SEEN = "seen"
    SWAPPED = "swapped"
    REFUNDED = "refunded"
    CLOSED = "closed"


LATE_ENDS = frozenset(LateState) - {LateState.SEEN}


class Density(StrEnum):
    """How tall the rows of a list are."""

    REGULAR = "regular"
    COMPACT = "compact"
