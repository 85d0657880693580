"""How often a provider is asked about an order (SPEC 7, 8): pure."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from privata.core.lifecycle import REPORTABLE, OrderStatus

FRESH = timedelta(seconds=5)
OLD = timedelta(seconds=60)

#: An order is polled ever more slowly until it is this old.
SLOWEST_AT = timedelta(hours=1)

#: Jitter on top, so that many orders made together are not asked about together.
JITTER = 0.2


def next_poll(
    status: OrderStatus,
    created_at: datetime,
    now: datetime,
    *,
    change_at: datetime | None,
    sandbox: bool,
    rng: random.Random,
) -> datetime | None:
    """When to ask again; None when no report can move the order any more.

    A sandbox order is asked about exactly when its scenario changes, or never.
    """
    if status not in REPORTABLE:
        return None
    if sandbox:
        return change_at
    age = max(timedelta(0), now - created_at)
    interval = FRESH + (OLD - FRESH) * min(1.0, age / SLOWEST_AT)
    return now + interval * (1 + JITTER * rng.random())
