"""How the refund of an order stands, as a part of the order object: pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from privata.core.clock import iso
from privata.core.lifecycle import OrderStatus
from privata.core.refund_window import window_ends
from privata.orders.rows import WholeOrder

#: No action was chosen: the window is open, or a person decides.
WAITING: Final = "waiting"

#: The deposit is on its way back, or decided about, without an action of ours.
DONE: Final = "done"

_UNDECIDED: Final = frozenset({OrderStatus.REFUND_REQUIRED, OrderStatus.MANUAL_REVIEW})


def refund_part(row: WholeOrder, timeline: list[tuple[str, datetime]]) -> dict[str, Any] | None:
    """The order's `refund`; None for an order that has never needed one.

    `row.refund` is its action as the database's JSON, None without one. The address that the
    refund goes to stays inside.
    """
    entered = next((at for status, at in timeline if status == OrderStatus.REFUND_REQUIRED), None)
    if entered is None:
        return None
    ends = window_ends(entered, row.refund_window_hours, row.sandbox_ttl)
    stored = row.refund
    if stored is None:
        undecided = row.status in _UNDECIDED
        return _part(
            state=WAITING if undecided else DONE,
            window_ends_at=iso(ends),
            finished_at=None if undecided else iso(timeline[-1][1]),
        )
    given = msgspec.json.decode(stored, type=dict)
    moments = {
        name: None if given[name] is None else iso(datetime.fromisoformat(given[name]))
        for name in ("requested_at", "finished_at")
    }
    return _part(**given | moments, window_ends_at=iso(ends))


def _part(*, state: str, window_ends_at: str, **more: Any) -> dict[str, Any]:
    return {
        "state": state,
        "action": more.get("action"),
        "stable_target": more.get("stable_target"),
        "source": more.get("source"),
        "requested_at": more.get("requested_at"),
        "window_ends_at": window_ends_at,
        "finished_at": more.get("finished_at"),
        "failure": more.get("failure"),
    }
