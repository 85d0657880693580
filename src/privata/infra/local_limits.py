"""Token buckets of one process, for what must be answered whatever the database does."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from privata.infra.limits import MINUTE_S, Allowance

#: Callers that are remembered; of more, those that were silent longest begin anew.
MOST_CALLERS: Final = 10_000


class LocalBuckets:
    """A bucket for each caller: `per_minute` calls, which is also what it holds."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> Allowance:
        """Take a token, if there is one."""
        now = self._monotonic()
        size = float(self._per_minute)
        tokens, counted_at = self._buckets.pop(caller, (size, now))
        tokens = min(size, tokens + (now - counted_at) * size / MINUTE_S)
        granted = tokens >= 1
        self._buckets[caller] = (tokens - granted, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return Allowance(self._per_minute, tokens - granted, granted)
