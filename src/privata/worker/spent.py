"""Forgets what has done its duty and is looked at no more: old quotes, and answers of old calls."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from privata.infra.context import AppContext
from privata.infra.http import idempotency
from privata.orders.opening.store import forget_attempts
from privata.quotes import store as quotes
from privata.routing.outages import forget_outages
from privata.routing.store import forget_scores

#: Seconds between two rounds. Any number of workers may make them.
EVERY_S: Final = 3600.0

#: Rows removed by one statement, and statements of one round for each kind.
BATCH: Final = 1_000
MOST_BATCHES: Final = 100


async def forget_spent(ctx: AppContext) -> None:
    """Once at the start and then hourly, for ever."""
    while True:
        await forget_once(ctx)
        await asyncio.sleep(EVERY_S)


async def forget_once(ctx: AppContext) -> None:
    """Remove all that is past its time, in small statements, up to the bound of a round."""
    pool, kept = ctx.database.pool, timedelta(days=ctx.settings.quote_days)
    await _in_batches(functools.partial(quotes.forget_old, pool, kept))
    await _in_batches(functools.partial(forget_attempts, pool, kept))
    await _in_batches(functools.partial(forget_outages, pool))
    await _in_batches(functools.partial(forget_scores, pool))
    await _in_batches(functools.partial(idempotency.forget_old, pool))


async def _in_batches(forget: Callable[[int], Awaitable[int]]) -> None:
    for _ in range(MOST_BATCHES):
        if await forget(BATCH) < BATCH:
            return
