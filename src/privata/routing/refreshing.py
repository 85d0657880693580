"""Reading what the providers list and their limits, beside every request.

A provider that is due is claimed by moving its `refresh_at`, so that one worker reads it at a time
and a worker that dies gives it back by time. The calls go through the breaker of this process: a
provider that rests is tried again here, whether anybody asks for quotes or not.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from collections.abc import Iterator
from typing import Final

from privata.core.errors import ProviderError
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.providers.port import Asset, Deadline, Limits, Provider
from privata.routing import outages, refresh_store, store
from privata.routing.service import Routing, routing_of

log = logging.getLogger(__name__)

#: Seconds between two rounds at one provider, a fifth more or less; and after one that failed.
EVERY_S: Final = 60.0
AFTER_FAILURE_S: Final = 20.0
_JITTER: Final = 0.2

#: How long a claimed provider stays out of others' sight: longer than a round, seconds.
LEASE_S: Final = 180.0

#: How often it is looked which are due, seconds.
LOOK_EVERY_S: Final = 1.0

#: How long a provider may take for its list, and for limits; seconds.
LIST_DEADLINE_S: Final = 20.0
CALL_DEADLINE_S: Final = 5.0

#: Pairs whose limits a round asks for, so that a provider's rate is left for orders. There are
#: about a thousand pairs; the limits of one that somebody asks for are known at once.
PAIRS_A_ROUND: Final = 20

_rng = random.SystemRandom()


async def refresh_providers(ctx: AppContext) -> None:
    """Read what is due until cancelled; any number of workers may."""
    routing = routing_of(ctx)
    while True:
        await refresh_due(ctx)
        await routing.write_counts()
        await asyncio.sleep(LOOK_EVERY_S)


async def refresh_due(ctx: AppContext) -> int:
    """Read every provider that is due, side by side; how many there were."""
    names = await refresh_store.claim_due(ctx.database.pool, LEASE_S)
    if names:
        routing = routing_of(ctx)
        routing.believe_no_longer()  # the claim may be of one that was set up just now
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(_refresh(ctx, routing, name))
        routing.believe_no_longer()
    return len(names)


async def _refresh(ctx: AppContext, routing: Routing, name: str) -> None:
    pool = ctx.database.pool
    try:
        provider = await routing.provider(Environment.LIVE, name)
        listed = await routing.call(
            provider, LIST_DEADLINE_S, lambda deadline: provider.currencies(deadline=deadline)
        )
    except ProviderError as error:
        log.warning("provider %s: its list cannot be read: %s", name, error.message)
        await refresh_store.note_failure(pool, name, error.reason, _spread(AFTER_FAILURE_S))
        return
    await refresh_store.keep_list(pool, name, listed)
    await outages.note_up(ctx, name, unseen=outages.FORGOTTEN_AFTER)
    try:
        await _read_limits(ctx, routing, provider, listed)
    except ProviderError as error:
        # What was read is kept; the rest is read in the next round.
        log.info("provider %s: a round ended early: %s", name, error.message)
    await refresh_store.set_next(pool, name, _spread(EVERY_S))


def _spread(seconds: float) -> float:
    return seconds * (1 + _JITTER * (2 * _rng.random() - 1))


async def _read_limits(
    ctx: AppContext, routing: Routing, provider: Provider, listed: tuple[Asset, ...]
) -> None:
    """The limits of pairs that were never asked for, and of those asked for longest ago."""
    pool = ctx.database.pool
    known = await refresh_store.known_pairs(pool, provider.name)
    wanted = sorted(_pairs(listed), key=lambda pair: known.get(_places(*pair), 0.0))
    found: list[tuple[Asset, Asset, Limits | None]] = []
    try:
        for source, target in wanted[:PAIRS_A_ROUND]:
            asking = functools.partial(_limits, provider, source, target)
            limits = await routing.call(provider, CALL_DEADLINE_S, asking)
            found.append((source, target, limits))
    finally:
        await store.remember_limits(pool, provider.name, "float", found)


async def _limits(
    provider: Provider, source: Asset, target: Asset, deadline: Deadline
) -> Limits | None:
    said = await provider.limits(source, target, deadline=deadline)
    return said if said is not None and said.possible else None


def _pairs(listed: tuple[Asset, ...]) -> Iterator[tuple[Asset, Asset]]:
    return ((one, other) for one in listed for other in listed if one != other)


def _places(source: Asset, target: Asset) -> tuple[str, str, str, str]:
    return source.ticker, source.network, target.ticker, target.network
