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
    """A deposit that came after its order had expired: `seen`, then one of the ends.

    `closed`: the operator's word, for one that is neither swapped nor returned.
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
