"""Which providers there are for whom, and calls to them: the one way from an order to an exchange.

A test key gets the simulator and nothing else, a live key never gets it: every provider comes from
`Routing.enabled` or `Routing.provider`, both of which ask for the environment. What a process
believes of the database is some seconds old; a node that has just started answers at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.providers.failures import Fault, unavailable
from privata.providers.port import Asset, Deadline, Provider
from privata.providers.registry import SIMULATOR, canonical
from privata.routing import outages, store
from privata.routing.adapters import Adapters
from privata.routing.breaker import Breaker, BreakerState, Permit, asked, failed, resting, succeeded

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How long a process believes what it read of the providers, seconds.
BELIEVED_S: Final = 2.0

#: How long a process that ends waits for what it notes beside its calls, seconds.
CLOSE_S: Final = 2.0

#: Faults that say nothing about the provider: we called it more often than we may.
_OUR_OWN: Final = frozenset({Fault.OUR_RATE, Fault.RATE_LIMITED, Fault.RESTING})


@dataclass(frozen=True, slots=True)
class Listed:
    """A provider of a partner: what it swaps as far as is known, and the partner's markup for it.

    `success` is the share of its orders of the last 24 hours that completed.
    """

    provider: Provider
    assets: frozenset[Asset]
    success: Decimal | None = None
    markup_bps: int = 0

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name


@dataclass(frozen=True, slots=True)
class _View:
    """What was read: all usable live providers, and which of them are enabled."""

    live: Mapping[str, Listed]
    enabled: frozenset[str]


@dataclass(slots=True)
class _Tally:
    """What is counted here and not written yet."""

    completed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


def routing_of(ctx: AppContext) -> Routing:
    """The routing of this process."""
    return ctx.state.of(Routing, lambda: Routing(ctx))


class Routing:
    """The providers as one process knows them, with a circuit breaker for each."""

    def __init__(self, ctx: AppContext, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ctx = ctx
        self._monotonic = monotonic
        self._adapters = Adapters(ctx.sealer)
        self._view: _View | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._noting = asyncio.Lock()
        self._notes: set[asyncio.Task[None]] = set()
        self._tally = _Tally()

    async def enabled(
        self, environment: Environment, organization_id: UUID | None = None
    ) -> tuple[Listed, ...]:
        """The providers that are asked for quotes: less those that the partner turned off.

        Each has the markup that the partner set for it, or for all.
        """
        found = await self._of(environment)
        if organization_id is None:
            return found
        chosen = {
            one.provider: one
            for one in await store.choices(self._ctx.database.pool, organization_id, environment)
        }
        markup = chosen[""].markup_bps or 0 if "" in chosen else 0
        kept = []
        for one in found:
            choice = chosen.get(one.name)
            if choice is None or choice.enabled:
                own = None if choice is None else choice.markup_bps
                kept.append(
                    Listed(one.provider, one.assets, one.success, markup if own is None else own)
                )
        return tuple(kept)

    async def _of(self, environment: Environment) -> tuple[Listed, ...]:
        if environment is Environment.TEST:
            return (Listed(SIMULATOR, frozenset(await SIMULATOR.currencies())),)
        view = await self._fresh()
        return tuple(one for name, one in view.live.items() if name in view.enabled)

    async def provider(self, environment: Environment, name: str) -> Provider:
        """The provider of an order, enabled or not; `ProviderUnavailable` if it cannot be used."""
        if environment is Environment.TEST:
            if name == SIMULATOR.name:
                return SIMULATOR
        else:
            found = (await self._fresh()).live.get(name)
            if found is not None:
                return found.provider
        raise unavailable(name, Fault.NOT_SET_UP)

    async def converting(self, environment: Environment) -> frozenset[str]:
        """The providers, enabled or not, that can send a stablecoin instead of a deposit."""
        if environment is Environment.TEST:
            return frozenset({SIMULATOR.name}) if SIMULATOR.refunds.converts else frozenset()
        live = (await self._fresh()).live
        return frozenset(name for name, one in live.items() if one.provider.refunds.converts)

    async def public_environment(self) -> Environment:
        """What is shown without a key: live prices if a provider is enabled, else the sandbox's."""
        return Environment.LIVE if (await self._fresh()).enabled else Environment.TEST

    async def call(
        self, provider: Provider, seconds: float, work: Callable[[Deadline], Awaitable[T]]
    ) -> T:
        """Call a provider within so many seconds; `ProviderError` is all that comes of it.

        One that has failed again and again is not called while it rests.
        """
        permit = self._admitted(provider)
        try:
            async with asyncio.timeout(seconds):
                found = await work(Deadline.after(seconds))
        except ProviderRefused:
            self._settle(provider, permit, None)
            raise
        except ProviderUnavailable as error:
            self._settle(provider, permit, error.reason)
            raise
        except TimeoutError:
            self._settle(provider, permit, Fault.TIMEOUT)
            raise unavailable(provider.name, Fault.TIMEOUT) from None
        except Exception as error:
            # An answer that its adapter did not expect must cost no other provider anything.
            log.exception("provider %s: its adapter has a defect", provider.name)
            self._settle(provider, permit, Fault.DEFECT)
            raise unavailable(provider.name, Fault.DEFECT) from error
        self._settle(provider, permit, None)
        return found

    def resting(self, name: str) -> float:
        """Seconds for which a provider is not called; 0: it may be."""
        return resting(self._breakers.get(name, Breaker()), self._monotonic())

    def state(self, name: str) -> BreakerState:
        """How this process's breaker for a provider stands."""
        return self._breakers.get(name, Breaker()).state

    def count(self, name: str, *, completed: bool) -> None:
        """A live order ended at this provider. Written by and by: see `write_counts`."""
        (self._tally.completed if completed else self._tally.failed)[name] += 1

    async def write_counts(self) -> None:
        """Write what was counted; what cannot be written is counted again."""
        tally, self._tally = self._tally, _Tally()
        names = tally.completed.keys() | tally.failed.keys()
        scores = [(name, tally.completed[name], tally.failed[name]) for name in sorted(names)]
        try:
            await store.add_scores(self._ctx.database.pool, scores)
        except BaseException:
            self._tally.completed += tally.completed
            self._tally.failed += tally.failed
            raise

    async def close(self) -> None:
        """Close every connection to providers."""
        if self._notes:
            _, late = await asyncio.wait(self._notes, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._adapters.close()

    def believe_no_longer(self) -> None:
        """Read anew at the next question: this process has changed something."""
        self._read_at = float("-inf")

    async def _fresh(self) -> _View:
        if self._view is None or self._monotonic() - self._read_at >= BELIEVED_S:
            # Those who come together read once.
            async with self._reading:
                if self._view is None or self._monotonic() - self._read_at >= BELIEVED_S:
                    self._view = await self._read(self._view)
        return self._view

    async def _read(self, before: _View | None) -> _View:
        try:
            rows = await store.usable(self._ctx.database.pool)
        except Exception as error:
            # Without its database a node creates nothing, but it may say what it knows.
            if before is None or passing_fault(error) is None:
                raise
            # Not at every question: each would wait for a connection.
            self._read_at = self._monotonic()
            return before
        self._read_at = self._monotonic()
        live = {}
        for row in rows:
            provider = self._adapters.of(row)
            if provider is not None:
                live[row.name] = Listed(provider, _assets(row.listed), row.success)
        await self._adapters.close_retired()
        enabled = frozenset(row.name for row in rows if row.enabled and row.name in live)
        return _View(live, enabled)

    def _admitted(self, provider: Provider) -> Permit | None:
        if provider.environment is Environment.TEST:
            return None
        name = provider.name
        breaker, permit = asked(self._breakers.get(name, Breaker()), self._monotonic())
        self._breakers[name] = breaker
        if permit is None:
            raise unavailable(name, Fault.RESTING)
        return permit

    def _settle(self, provider: Provider, permit: Permit | None, fault: str | None) -> None:
        if permit is None or fault in _OUR_OWN:
            return
        name = provider.name
        before = self._breakers[name]
        if fault is None:
            after = succeeded(before, permit)
        else:
            after = failed(before, permit, self._monotonic())
        self._breakers[name] = after
        if after.state is BreakerState.OPEN and before != after:
            log.warning("provider %s rests for %g s: %s", name, after.rest_s, fault)
            self._note(outages.note_down(self._ctx, name, fault or ""))
        elif after.state is BreakerState.CLOSED and before.state is not BreakerState.CLOSED:
            log.info("provider %s answers again", name)
            self._note(outages.note_up(self._ctx, name))

    def _note(self, work: Coroutine[Any, Any, None]) -> None:
        """Write it beside the call that found out, which does not wait for it."""
        task = asyncio.create_task(self._noted(work))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _noted(self, work: Coroutine[Any, Any, None]) -> None:
        # One after another: what was found first is written first.
        async with self._noting:
            try:
                await work
            except Exception as error:
                if passing_fault(error) is None:
                    raise
                log.warning("an outage could not be noted: %r", error)


def _assets(listed: str | None) -> frozenset[Asset]:
    if listed is None:
        return frozenset()
    pairs = msgspec.json.decode(listed, type=list[tuple[str, str]])
    return frozenset(asset for pair in pairs if (asset := canonical(*pair)) is not None)
