"""How many orders of one provider are asked about at once.

Orders are claimed whoever has them. A provider that hangs, or is slow, would soon hold every place
of a worker: so each has some, and orders beyond them are given back for a moment. Its rate limit is
kept by its client; what waits there is bounded by the same places.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders import store
from privata.orders.following.polling import is_expired
from privata.orders.rows import Order
from privata.routing.service import routing_of

#: Orders of one real provider that one worker asks about at once.
PER_PROVIDER: Final = 16

#: How soon an order is due again that found no place, and the longest wait for one whose provider
#: rests; seconds. Up to half as much comes on top.
NO_PLACE_S: Final = 2.0
MOST_REST_S: Final = 30.0

_rng = random.SystemRandom()


class Places:
    """The places of each real provider in this worker."""

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx
        self._taken: Counter[str] = Counter()

    async def those_who_may(self, claimed: Sequence[Order]) -> list[Order]:
        """The claimed orders that are asked about now; the others are given back for a while."""
        free: Counter[str] = Counter()
        may: list[Order] = []
        later: list[Order] = []
        waits: list[float] = []
        for row in claimed:
            wait = self._wait(row, free)
            if wait:
                later.append(row)
                waits.append(wait * (1 + _rng.random() / 2))
            else:
                free[row.provider] += 1
                may.append(row)
        if later:
            await store.defer_polls(self._ctx.database.pool, later, waits)
        return may

    def _wait(self, row: Order, begun: Counter[str]) -> float:
        if row.environment == Environment.TEST:
            return 0.0
        resting = routing_of(self._ctx).resting(row.provider)
        if resting and not self._ends_in_silence(row):
            return min(max(resting, NO_PLACE_S), MOST_REST_S)
        busy = self._taken[row.provider] + begun[row.provider] >= PER_PROVIDER
        return NO_PLACE_S if busy else 0.0

    def _ends_in_silence(self, row: Order) -> bool:
        """Our own clock ends it, whether its provider rests or not."""
        return is_expired(
            OrderStatus(row.status),
            row.expires_at,
            self._ctx.clock.now(),
            environment=Environment(row.environment),
            silent=True,
        )

    async def taken(self, row: Order, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do `work` in a place of the order's provider."""
        self._taken[row.provider] += 1
        try:
            await work()
        finally:
            self._taken[row.provider] -= 1
