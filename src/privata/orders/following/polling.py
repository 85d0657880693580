"""When the worker looks at an order again: pure.

A provider is asked ever more slowly about an open order. Our own clock has the last word in two
places: an order whose deposit never came expires, and a refund window ends.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from privata.core.lifecycle import REPORTABLE, OrderStatus
from privata.core.tenancy import Environment
from privata.orders.rows import Order

FRESH = timedelta(seconds=5)
OLD = timedelta(seconds=60)

#: An order is polled ever more slowly until it is this old.
SLOWEST_AT = timedelta(hours=1)

#: Jitter on top, so that many orders made together are not asked about together.
JITTER = 0.2

#: How long past `expires_at` a provider that still waits for the deposit is believed: it may see a
#: transaction that was sent in the last minute. The sandbox keeps to the second.
EXPIRY_GRACE: Final = {
    Environment.LIVE: timedelta(minutes=10),
    Environment.TEST: timedelta(0),
}

#: How often the provider of an expired order is asked for a late deposit: in the first day, when
#: most of them come, and after it.
LATE_FIRST: Final = timedelta(hours=1)
LATE_THEN: Final = timedelta(hours=6)
LATE_FIRST_DAY: Final = timedelta(hours=24)

#: How long past `expires_at` an order is kept open while its provider says nothing at all: a
#: deposit may have come that only the provider knows of.
SILENT_GRACE: Final = timedelta(hours=24)

#: How long an order whose deposit came may be unknown to its provider. Some take a moment to find
#: what they have; what is not found for so long needs a person.
LOST_AFTER: Final = timedelta(hours=1)


def next_poll(
    status: OrderStatus,
    created_at: datetime,
    now: datetime,
    *,
    change_at: datetime | None,
    expires_at: datetime,
    environment: Environment,
    window_end: datetime | None = None,
    watch_until: datetime | None = None,
    rng: random.Random,
) -> datetime | None:
    """When to look again; None when neither a report nor our clock can move the order any more.

    `window_end` is the end of the refund window of an order that needs a refund. Until then its
    provider is asked slowly, since some send the deposit back by themselves. `watch_until` is how
    long an expired order is looked after for a late deposit; None: not at all. A sandbox order is
    looked at exactly when its scenario or our clock changes it.
    """
    if status is OrderStatus.EXPIRED:
        if watch_until is None or now >= watch_until:
            return None
        if environment is Environment.TEST:
            return change_at
        pace = LATE_FIRST if now < expires_at + LATE_FIRST_DAY else LATE_THEN
        return min(now + pace * (1 + JITTER * rng.random()), watch_until)
    ends: list[datetime] = []
    if status is OrderStatus.WAITING_DEPOSIT:
        # Past it, the interval of the polls is the pace: the provider is silent.
        ends = [at for at in (expires_at + EXPIRY_GRACE[environment],) if at > now]
    elif status is OrderStatus.REFUND_REQUIRED and window_end is not None:
        ends = [window_end]
    elif status not in REPORTABLE:
        return None
    if environment is Environment.TEST:
        return min([*ends, *([change_at] if change_at else [])], default=None)
    age = max(timedelta(0), now - created_at)
    interval = FRESH + (OLD - FRESH) * min(1.0, age / SLOWEST_AT)
    return min([now + interval * (1 + JITTER * rng.random()), *ends])


def is_expired(
    status: OrderStatus,
    expires_at: datetime,
    now: datetime,
    *,
    environment: Environment,
    silent: bool = False,
) -> bool:
    """Whether our own clock ends an order whose provider still waits for the deposit.

    `silent`: the provider did not answer, so nothing is known but the time.
    """
    grace = SILENT_GRACE if silent else EXPIRY_GRACE[environment]
    return status is OrderStatus.WAITING_DEPOSIT and now >= expires_at + grace


def is_lost(order: Order, now: datetime) -> bool:
    """Whether an order that its provider does not know needs a person: a deposit is with them."""
    paid = order.status not in (OrderStatus.WAITING_DEPOSIT, OrderStatus.EXPIRED)
    return paid and now - order.updated_at >= LOST_AFTER
