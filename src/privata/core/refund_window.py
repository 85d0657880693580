"""How long a partner may choose about a deposit that cannot be swapped (docs/refunds.md): pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: The window of an order whose provider names none.
DEFAULT_WINDOW_HOURS: Final = 24


def window_ends(entered: datetime, hours: int | None, sandbox_ttl: int | None = None) -> datetime:
    """When the window of an order that entered `refund_required` at `entered` ends.

    `hours` is the order's `refund_window_hours`. A test order that was made with a `sandbox_ttl` of
    1 to 3600 seconds lives faster: an hour of its window lasts so many seconds. With 0, or without
    one, its window is the real one, so that there is time to act.
    """
    hour = timedelta(seconds=sandbox_ttl) if sandbox_ttl else timedelta(hours=1)
    return entered + hour * (DEFAULT_WINDOW_HOURS if hours is None else hours)
