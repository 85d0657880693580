"""How many orders of one provider are asked about at once, and how soon the others are.

Orders are claimed whoever has them. A provider that hangs, or is slow, would soon hold every place
of a worker: so each has some, and orders beyond them are given back for a moment. So are those for
which the provider's rate, which all workers share, has no call left.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders import store
from privata.orders.following.polling import is_expired
from privata.orders.following.rates import PollRates
from privata.orders.rows import Order
from privata.routing.service import routing_of

#: Orders of one real provider that one worker asks about at once.
PER_PROVIDER: Final = 16

#: How soon an order is due again that found no place, and the longest wait for one whose provider
#: rests or has no call left; seconds. Up to half as much comes on top. The longest is shorter than
#: the pause after an answer to an old order, so those that wait try more often.
NO_PLACE_S: Final = 2.0
MOST_REST_S: Final = 30.0

_rng = random.SystemRandom()


class Places:
    """The places of each real provider in this worker."""

    def __init__(self, ctx: AppContext, rates: PollRates | None = None) -> None:
        self._ctx = ctx
        self._rates = rates or PollRates(ctx.database.pool)
        self._taken: Counter[str] = Counter()
        self._line: dict[str, float] = {}

    async def those_who_may(self, claimed: Sequence[Order]) -> list[Order]:
        """The claimed orders that are asked about now; the others are given back for a while."""
        begun: Counter[str] = Counter()
        placed: list[Order] = []
        later: list[Order] = []
        waits: list[float] = []
        for row in claimed:
            wait = self._wait(row, begun)
            if wait:
                later.append(row)
                waits.append(wait * (1 + _rng.random() / 2))
            else:
                begun[row.provider] += 1
                placed.append(row)
        may, in_line = await self._with_a_call(placed)
        later += in_line
        waits += [self._place_in_line(row.provider) * (1 + _rng.random() / 2) for row in in_line]
        if later:
            await store.defer_polls(self._ctx.database.pool, later, waits)
        return may

    async def _with_a_call(self, placed: Sequence[Order]) -> tuple[list[Order], list[Order]]:
        """The orders for which their provider's rate has a call, and the others."""
        live = Counter(row.provider for row in placed if row.environment == Environment.LIVE)
        left = await self._rates.take(live) if live else {}
        may: list[Order] = []
        in_line: list[Order] = []
        for row in placed:
            if row.environment == Environment.TEST:
                may.append(row)
            elif left[row.provider]:
                left[row.provider] -= 1
                may.append(row)
            else:
                in_line.append(row)
        return may, in_line

    def _place_in_line(self, name: str) -> float:
        """Seconds until an order without a call may expect one, behind those before it.

        Each worker has a line of its own. Where they meet, some orders have to wait once more.
        """
        rate, now = self._rates.of(name), time.monotonic()
        call_s = 0.0 if rate is None else rate.call_s
        self._line[name] = at = max(self._line.get(name, 0.0), now) + call_s
        return min(max(at - now, NO_PLACE_S), MOST_REST_S)

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
