"""What others do with orders. From outside, this, `reading` and `schemas` are all of the room."""

from __future__ import annotations

from privata.orders.claims import Polls
from privata.orders.create import NewOrder, Terms, create_order
from privata.orders.following.poller import (
    FULL_PAUSE_S,
    LEASE_S,
    LOCKED_PAUSE_S,
    NET_S,
    SIDE_BY_SIDE,
    TaskLimiter,
    first_of,
    follow,
    sandbox_plan,
)
from privata.orders.moving import (
    BY_CLOCK,
    BY_OPERATOR,
    BY_PROVIDER,
    Moved,
    advance,
    enter,
    entered_at,
    expire_in_silence,
    get_order,
    order_of,
    refund_window_end,
)
from privata.orders.provider_secrets import opened_secret
from privata.orders.rows import Order, TimelineEntry, WholeOrder
from privata.orders.store import (
    joining_order,
    lock_order,
    lock_own_order,
    note_refund,
    noting_change,
    release_poll,
    set_poll,
)
from privata.orders.wire import preference_of

__all__ = [
    "BY_CLOCK",
    "BY_OPERATOR",
    "BY_PROVIDER",
    "FULL_PAUSE_S",
    "LEASE_S",
    "LOCKED_PAUSE_S",
    "NET_S",
    "SIDE_BY_SIDE",
    "Moved",
    "NewOrder",
    "Order",
    "Polls",
    "TaskLimiter",
    "Terms",
    "TimelineEntry",
    "WholeOrder",
    "advance",
    "create_order",
    "enter",
    "entered_at",
    "expire_in_silence",
    "first_of",
    "follow",
    "get_order",
    "joining_order",
    "lock_order",
    "lock_own_order",
    "note_refund",
    "noting_change",
    "opened_secret",
    "order_of",
    "preference_of",
    "refund_window_end",
    "release_poll",
    "sandbox_plan",
    "set_poll",
]
