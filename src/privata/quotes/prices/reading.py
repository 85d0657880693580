"""The prices as one process knows them: some seconds old, and there from the first question on."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.quotes.prices import store
from privata.quotes.prices.values import Prices

#: How long a process believes what it read, seconds.
BELIEVED_S: Final = 5.0

_MINUTE_S: Final = 60


async def prices_of(ctx: AppContext) -> Prices:
    """What assets are worth in US dollars; no source is asked."""
    return await ctx.state.of(_Known, lambda: _Known(ctx)).prices()


class _Known:
    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx
        self._prices: Prices | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def close(self) -> None:
        """There is nothing to give back."""

    async def prices(self) -> Prices:
        if self._ctx.settings.prices == ["static"]:
            return Prices({})
        if self._prices is None or time.monotonic() - self._read_at >= BELIEVED_S:
            # Those who come together read once.
            async with self._reading:
                if self._prices is None or time.monotonic() - self._read_at >= BELIEVED_S:
                    self._prices = await self._read(self._prices)
        return self._prices

    async def _read(self, before: Prices | None) -> Prices:
        stale_s = float(self._ctx.settings.price_stale_minutes * _MINUTE_S)
        try:
            found = Prices(await store.prices(self._ctx.database.pool, stale_s))
        except Exception as error:
            if before is None or passing_fault(error) is None:
                raise
            found = before
        self._read_at = time.monotonic()
        return found
