"""Following orders: asking each provider when its order is due, and applying what it says.

Many workers may follow at once: an order is claimed by moving its `poll_at` to the end of a lease,
so a worker that dies gives its orders back by time. The environments are followed side by side, and
a slow provider holds up nothing but its own orders.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, Protocol

from privata.core.errors import ProviderError, ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault, until_answered
from privata.infra.ending import released_on_stop
from privata.infra.sealing import UnsealError
from privata.infra.waking import until_woken
from privata.orders import store
from privata.orders.claims import Polls
from privata.orders.following.amounts import believed
from privata.orders.following.pacing import Places
from privata.orders.following.polling import is_lost
from privata.orders.moving import ORDERS_WAKEUP, Moved, advance, expire_in_silence
from privata.orders.provider_secrets import opened_secret
from privata.orders.rows import Order
from privata.providers.failures import Refusal
from privata.providers.port import (
    DEFAULT_TTL,
    Agreed,
    Asset,
    OrderSnapshot,
    Report,
    SandboxPlan,
)
from privata.routing.service import routing_of

log = logging.getLogger(__name__)

#: Open orders of an environment that are asked about at once.
MOST_AT_ONCE = 64

#: Expired orders of an environment that are asked about at once, beside the open ones: looking for
#: late deposits never holds up an order that somebody waits for.
LATE_AT_ONCE = 8

#: How many orders are written at once.
SIDE_BY_SIDE = 8

#: How long a claimed order stays out of others' sight, seconds.
LEASE_S = 30.0

#: How long a provider may take to say where an order stands, seconds.
PROVIDER_DEADLINE_S = 10.0

#: The slowest poll: a net for a lost wake-up, seconds.
NET_S = 1.0

#: How soon to look whether there is room again, seconds.
FULL_PAUSE_S = 0.05

#: How soon to look again at what is due and could not be claimed, as another holds it, seconds.
LOCKED_PAUSE_S = 0.05


#: How long it is tried to write what a provider has said, seconds: no longer than the lease, or
#: another worker would ask beside us.
WRITE_S = LEASE_S - PROVIDER_DEADLINE_S

_NAME = "orders"

#: States in which a swap has gone wrong; the first that is entered counts.
_FAILED: Final = frozenset(
    {OrderStatus.FAILED, OrderStatus.REFUND_REQUIRED, OrderStatus.MANUAL_REVIEW}
)


class Simulated(Protocol):
    """What carries how a test order is to go: an order, or its refund."""

    @property
    def environment(self) -> str: ...

    @property
    def sandbox_scenario(self) -> str | None: ...

    @property
    def sandbox_ttl(self) -> int | None: ...


class TaskLimiter:
    """Tasks that work side by side, a bounded number of them; part of a group that ends them."""

    def __init__(self, group: asyncio.TaskGroup, most: int) -> None:
        self._group = group
        self._most = most
        self._running: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """How many more may start now."""
        return self._most - len(self._running)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do this beside the rest."""
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


#: What is claimed, and the tasks that look at it: for each environment the open orders, and the
#: expired ones.
Followed = list[tuple[Polls, TaskLimiter]]


async def follow_orders(ctx: AppContext) -> None:
    """Follow every open order, and expired ones for late deposits, until cancelled."""
    try:
        async with (
            ctx.database.listening(ORDERS_WAKEUP) as wakeups,
            asyncio.TaskGroup() as group,
        ):
            # One for each environment, so that a slow provider does not hold up the other.
            followed = [
                (
                    Polls(ctx, environment, late=late),
                    TaskLimiter(group, LATE_AT_ONCE if late else MOST_AT_ONCE),
                )
                for environment in Environment
                for late in (False, True)
            ]
            writing, places = asyncio.Semaphore(SIDE_BY_SIDE), Places(ctx)
            while True:
                # Orders that are being asked about go on while the database is away.
                if not await until_answered(lambda: _claim(ctx, followed, writing, places), _NAME):
                    wait = await until_answered(lambda: _next(followed), _NAME)
                    await until_woken(wakeups, wait)
    except ExceptionGroup as several:
        # The worker tells a lost database from a mistake of ours by the kind of the error.
        raise first_of(several) from None


async def _claim(
    ctx: AppContext, followed: Followed, writing: asyncio.Semaphore, places: Places
) -> int:
    """Begin to look at what is due, as much as there is room for; how much it was."""
    found = 0
    for polls, limiter in followed:
        if limiter.room:
            due = await polls.claim(limiter.room, LEASE_S)
            for row in await places.those_who_may(due):
                work = functools.partial(_follow_or_release, ctx, row, writing)
                limiter.start(places.taken(row, work))
            found += len(due)
    return found


async def _follow_or_release(ctx: AppContext, row: Order, writing: asyncio.Semaphore) -> None:
    """Look at a claimed order; a worker that stops gives it back, or it had to wait for its lease's
    end."""
    await released_on_stop(
        lambda: follow(ctx, row, writing),
        lambda: store.release_poll(ctx.database.pool, row),
        row.id,
    )


async def _next(followed: Followed) -> float:
    """Seconds until there may be something to do."""
    waits = [NET_S]
    for polls, limiter in followed:
        if not limiter.room:
            waits.append(FULL_PAUSE_S)
            continue
        wait = await polls.seconds_to_next(NET_S)
        waits.append(NET_S if wait is None else max(wait, LOCKED_PAUSE_S))
    return min(waits)


async def follow_once(ctx: AppContext) -> int:
    """Look at every order that is due, up to a batch each; how many there were."""
    found = 0
    for environment, late in itertools.product(Environment, (False, True)):
        due = await Polls(ctx, environment, late=late).claim(MOST_AT_ONCE, LEASE_S)
        writing = asyncio.Semaphore(SIDE_BY_SIDE)
        await asyncio.gather(*(follow(ctx, row, writing) for row in due))
        found += len(due)
    return found


async def follow(ctx: AppContext, row: Order, writing: asyncio.Semaphore) -> None:
    """Ask the provider of a claimed order where it stands, and apply the answer."""
    try:
        report = await _report(ctx, row)
        if row.environment == Environment.LIVE:
            report = believed(row, report)
    except (ProviderError, UnsealError) as error:
        # The lease runs out and the order is asked about again.
        log.warning("order %s: %s does not report: %s", row.id, row.provider, error)
        await _written(lambda: expire_in_silence(ctx, order_id=row.id, of=row), row.id, writing)
        return
    moved = await _written(
        lambda: advance(ctx, order_id=row.id, report=report, of=row), row.id, writing
    )
    if moved is not None and row.environment == Environment.LIVE:
        _count(ctx, row, moved)


async def _report(ctx: AppContext, row: Order) -> Report:
    routing, now = routing_of(ctx), ctx.clock.now()
    order = snapshot(ctx, row)
    provider = await routing.provider(Environment(row.environment), row.provider)
    try:
        return await routing.call(
            provider,
            PROVIDER_DEADLINE_S,
            lambda deadline: provider.get_order(order, now, deadline=deadline),
        )
    except ProviderRefused as error:
        if error.reason == Refusal.UNKNOWN_ORDER and is_lost(row, now):
            log.warning("order %s: %s does not know it any more", row.id, row.provider)
            return Report(OrderStatus.MANUAL_REVIEW)
        raise


def _count(ctx: AppContext, row: Order, moved: Moved) -> None:
    """Count how a live order ended, for who chooses between equal offers."""
    for status in moved.entered:
        if status is OrderStatus.COMPLETED or status in _FAILED:
            routing_of(ctx).count(row.provider, completed=status is OrderStatus.COMPLETED)
            return


def snapshot(ctx: AppContext, row: Order) -> OrderSnapshot:
    """What an order's provider is asked with; `UnsealError` if its secret does not open."""
    return OrderSnapshot(
        provider_order_id=row.provider_order_id,
        seed=row.quote_id or row.id,
        status=OrderStatus(row.status),
        amount_to_expected=row.amount_to_expected,
        created_at=row.created_at,
        expires_at=row.expires_at,
        sandbox=sandbox_plan(row),
        agreed=Agreed(
            source=Asset(row.from_asset, row.from_network, row.from_asset, row.from_decimals),
            target=Asset(row.to_asset, row.to_network, row.to_asset, row.to_decimals),
            amount_from=row.amount_from,
            rate_type="fixed" if row.rate_type == "fixed" else "float",
            deposit_address=row.deposit_address,
            payout_address=row.payout_address,
        ),
        secret=opened_secret(ctx.sealer, row.id, row.provider_secret),
    )


async def _written(
    work: Callable[[], Awaitable[Moved]], order_id: str, writing: asyncio.Semaphore
) -> Moved | None:
    """Do it, again and again where the database is away: the provider would say the same again, but
    only after the lease. None: it could not be done."""
    try:
        async with writing:
            return await until_answered(work, _NAME, WRITE_S)
    except Exception as error:
        if passing_fault(error) is None:
            raise
        log.warning("order %s: could not be written, asked about again later: %r", order_id, error)
        return None


def sandbox_plan(row: Simulated) -> SandboxPlan | None:
    """How a test order is to go; None for a live one."""
    if row.environment != Environment.TEST or row.sandbox_scenario is None:
        return None
    ttl = DEFAULT_TTL if row.sandbox_ttl is None else row.sandbox_ttl
    return SandboxPlan(row.sandbox_scenario, ttl)


def first_of(several: ExceptionGroup[Exception]) -> Exception:
    """The error with which a group of tasks began to end."""
    first = several.exceptions[0]
    return first_of(first) if isinstance(first, ExceptionGroup) else first
