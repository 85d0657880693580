"""Asking the sources for prices, beside every request, and keeping what is believed.

A source that is due is claimed by moving its `ask_at`, so that one worker asks it at a time and a
worker that dies gives it back by time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.providers.port import PriceFeed
from privata.providers.registry import chainlink, coingecko
from privata.quotes.prices import exchanges, judging, store
from privata.quotes.prices.values import plausible
from privata.routing.service import Listed

log = logging.getLogger(__name__)

#: Seconds until a source is asked again that failed, and between two looks at which are due.
AFTER_FAILURE_S: Final = 60.0
LOOK_EVERY_S: Final = 1.0
_JITTER: Final = 0.1

#: How long a claimed source stays out of others' sight: longer than a round, seconds.
LEASE_S: Final = 90.0

_MINUTE_S: Final = 60

_rng = random.SystemRandom()


async def follow_prices(ctx: AppContext) -> None:
    """Ask what is due until cancelled; any number of workers may."""
    if ctx.settings.prices == ["static"]:
        await asyncio.Event().wait()
    while True:
        await ask_due(ctx)
        await asyncio.sleep(LOOK_EVERY_S)


async def ask_due(ctx: AppContext) -> int:
    """Ask every source that is due, side by side; how many there were."""
    feeds = ctx.state.of(Feeds, lambda: Feeds(ctx.settings))
    chosen = ctx.settings.prices
    listed = await exchanges.listed_by_name(ctx) if "providers" in chosen else {}
    names = {*listed, *feeds.by_name}
    if not names:
        return 0
    if not names <= feeds.registered:
        await store.register(ctx.database.pool, names)
        feeds.registered |= names
    due = await store.claim(ctx.database.pool, names, LEASE_S)
    async with asyncio.TaskGroup() as group:
        for name in due:
            group.create_task(_ask(ctx, feeds, name, listed.get(name), names))
    return len(due)


class Feeds:
    """The sources that are no providers, as the settings choose them, and their connections."""

    def __init__(self, settings: Settings) -> None:
        self.by_name: dict[str, PriceFeed] = {}
        self.registered: set[str] = set()
        if "chainlink" in settings.prices:
            assert settings.chainlink_url is not None  # the settings see to it
            self.by_name["chainlink"] = chainlink(
                settings.chainlink_url,
                _pairs(settings.chainlink_feeds),
                timedelta(minutes=settings.chainlink_stale_minutes),
            )
        if "coingecko" in settings.prices:
            key = settings.coingecko_key
            self.by_name["coingecko"] = coingecko(
                settings.coingecko_url,
                _pairs(settings.coingecko_ids),
                {settings.coingecko_key_header: key} if key else {},
                timedelta(minutes=settings.price_stale_minutes),
            )

    async def close(self) -> None:
        """Close every connection."""
        while self.by_name:
            await self.by_name.popitem()[1].close()


def _pairs(words: Collection[str]) -> dict[str, str]:
    return {word.partition("=")[0]: word.partition("=")[2] for word in words}


async def _ask(
    ctx: AppContext, feeds: Feeds, name: str, one: Listed | None, names: Collection[str]
) -> None:
    pool = ctx.database.pool
    try:
        found: Mapping[str, Decimal | None]
        if one is None:
            found = await feeds.by_name[name].read(ctx.clock.now())
            every_s = float(ctx.settings.price_poll_seconds)
        else:
            found, every_s = await exchanges.read(ctx, one), exchanges.EVERY_S
    except ProviderError as error:
        log.warning("prices: %s", error.message)
        await store.set_next(pool, name, _spread(AFTER_FAILURE_S), error.reason)
        return
    await keep(ctx, name, found, names)
    await store.set_next(pool, name, _spread(every_s), None)


def _spread(seconds: float) -> float:
    return seconds * (1 + _JITTER * (2 * _rng.random() - 1))


async def keep(
    ctx: AppContext, source: str, found: Mapping[str, Decimal | None], names: Collection[str]
) -> None:
    """Write what a source said, and judge each asset by all that was said of it lately.

    `names` are the sources that count: what one that was turned off said before does not.
    """
    said = {ticker: usd for ticker, usd in found.items() if usd is not None}
    meant = {ticker for ticker, usd in said.items() if plausible(ticker, usd)}
    for ticker in said.keys() - meant:
        log.error("prices: what %s says of %s is not believed", source, ticker)
    fresh_s = float(ctx.settings.price_stale_minutes * _MINUTE_S)
    async with ctx.database.transaction() as tx:
        # The race of two sources that report at once, each unseen by the other: they take turns.
        await store.take_turn(tx)
        kept = {ticker: usd if ticker in meant else None for ticker, usd in found.items()}
        await store.report(tx, source, kept)
        fresh = await store.fresh(tx, meant, {*names, source}, fresh_s)
        last = await store.last_accepted(tx, meant)
        for ticker in meant:
            verdict = judging.judged(fresh[ticker], last.get(ticker))
            if isinstance(verdict, judging.Accepted):
                await store.accept(tx, ticker, verdict.usd, verdict.sources)
            else:
                log.error("prices: a jump of %s to %s is not believed", ticker, verdict.usd)
                await store.refuse(tx, ticker, verdict.usd)
