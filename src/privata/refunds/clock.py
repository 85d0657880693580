"""The clock of the refunds: ends windows, and sees to it that refunds are carried out.

Orders that need a refund are claimed by their `poll_at`, which is the end of their window or, for
live ones, the next time to ask whether the provider has sent the deposit back by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from privata.audit import service as audit
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.database.faults import until_answered
from privata.infra.database.postgres import Transaction
from privata.infra.ending import released_on_stop
from privata.infra.waking import until_woken
from privata.orders import service as orders
from privata.orders.service import (
    FULL_PAUSE_S,
    LEASE_S,
    NET_S,
    SIDE_BY_SIDE,
    TaskLimiter,
    first_of,
    follow,
    preference_of,
)
from privata.providers.port import Report
from privata.refunds import store
from privata.refunds.claims import DueRefunds
from privata.refunds.executing import LEASE_S as REFUND_LEASE_S
from privata.refunds.executing import execute
from privata.refunds.rules import RefundAction, RefundSource, default_choice
from privata.refunds.service import REFUNDS_WAKEUP, note_choice
from privata.routing.service import routing_of

#: Refunds and windows of an environment that are worked on at once.
MOST_AT_ONCE: Final = 32

#: The part of the platform that applies a preference, as the audit log names it.
CLOCK: Final = "refund clock"


class Clock(NamedTuple):
    """What is claimed in an environment, and the tasks that work on it."""

    refunds: DueRefunds
    windows: orders.Polls
    limiter: TaskLimiter


async def follow_refunds(ctx: AppContext) -> None:
    """Carry refunds out and end windows until cancelled. Any number of workers may."""
    try:
        async with (
            ctx.database.listening(REFUNDS_WAKEUP) as wakeups,
            asyncio.TaskGroup() as group,
        ):
            # One for each environment, so that a slow provider does not hold up the other.
            clocks = [
                Clock(
                    DueRefunds(ctx, environment),
                    orders.Polls(ctx, environment, refunds=True),
                    TaskLimiter(group, MOST_AT_ONCE),
                )
                for environment in Environment
            ]
            writing = asyncio.Semaphore(SIDE_BY_SIDE)
            while True:
                # Refunds that are being carried out go on while the database is away.
                if not await until_answered(lambda: _claim(ctx, clocks, writing), CLOCK):
                    wait = await until_answered(lambda: _next(clocks), CLOCK)
                    await until_woken(wakeups, wait)
    except ExceptionGroup as several:
        # The worker tells a lost database from a mistake of ours by the kind of the error.
        raise first_of(several) from None


async def end_windows_once(ctx: AppContext, environment: Environment) -> int:
    """Look at every order whose window may have ended, up to a batch; how many there were."""
    due = await orders.Polls(ctx, environment, refunds=True).claim(MOST_AT_ONCE, LEASE_S)
    writing = asyncio.Semaphore(SIDE_BY_SIDE)
    await asyncio.gather(*(_look(ctx, row, writing) for row in due))
    return len(due)


async def _claim(ctx: AppContext, clocks: Sequence[Clock], writing: asyncio.Semaphore) -> int:
    """Begin with what is due, as much as there is room for; how much it was."""
    found = 0
    for clock in clocks:
        if clock.limiter.room:
            refunds = await clock.refunds.claim(clock.limiter.room, REFUND_LEASE_S)
            for refund in refunds:
                clock.limiter.start(_execute_or_release(ctx, refund))
            found += len(refunds)
        if clock.limiter.room:
            due = await clock.windows.claim(clock.limiter.room, LEASE_S)
            for row in due:
                clock.limiter.start(_look_or_release(ctx, row, writing))
            found += len(due)
    return found


async def _execute_or_release(ctx: AppContext, refund: store.ClaimedRefund) -> None:
    """Carry a claimed refund out; a worker that stops gives it back."""
    await released_on_stop(
        lambda: execute(ctx, refund),
        lambda: store.release_refund(ctx.database.pool, refund),
        f"the refund of {refund.order_id}",
    )


async def _look_or_release(ctx: AppContext, row: orders.Order, writing: asyncio.Semaphore) -> None:
    """Look at a claimed order; a worker that stops gives it back."""
    await released_on_stop(
        lambda: _look(ctx, row, writing),
        lambda: orders.release_poll(ctx.database.pool, row),
        row.id,
    )


async def _next(clocks: Sequence[Clock]) -> float:
    """Seconds until there may be something to do."""
    waits = [NET_S]
    for clock in clocks:
        if not clock.limiter.room:
            waits.append(FULL_PAUSE_S)
            continue
        refund = await clock.refunds.seconds_to_next()
        window = await clock.windows.seconds_to_next(NET_S)
        waits += [max(wait, orders.LOCKED_PAUSE_S) for wait in (refund, window) if wait is not None]
    return min(waits)


async def _look(ctx: AppContext, row: orders.Order, writing: asyncio.Semaphore) -> None:
    """End the window of a claimed order; before its end ask what its provider has done."""
    async with writing:
        ended = await end_window(ctx, row)
    if not ended and row.environment == Environment.LIVE:
        await follow(ctx, row, writing)


async def end_window(ctx: AppContext, claimed: orders.Order) -> bool:
    """Apply the order's preference if its window has ended; False while it has not."""
    converting = await routing_of(ctx).converting(Environment(claimed.environment))
    async with ctx.database.transaction() as tx:
        order = await orders.lock_own_order(
            tx, claimed.id, claimed.organization_id, Environment(claimed.environment)
        )
        if order is None or order.status != OrderStatus.REFUND_REQUIRED:
            return True
        # The row lock makes the clock and a partner's choice take turns: whoever is second finds
        # the first one's refund here and leaves the order to it.
        if await store.fetch_refund(tx, order) is not None:
            await orders.set_poll(tx, order, None)
            return True
        ends, now = orders.refund_window_end(order), ctx.clock.now()
        if now < ends:
            live = order.environment == Environment.LIVE
            lease = now + timedelta(seconds=LEASE_S)
            await orders.set_poll(tx, order, min(ends, lease) if live else ends)
            return False
        await _apply_default(ctx, tx, order, converts=order.provider in converting)
        return True


async def _apply_default(
    ctx: AppContext, tx: Transaction, order: orders.WholeOrder, *, converts: bool
) -> None:
    preference = preference_of(order.refund_preference)
    choice = default_choice(order, preference, converts=converts)
    source, now = RefundSource.DEFAULT, ctx.clock.now()
    await note_choice(tx, order, choice, source=source, by=CLOCK, now=now)
    environment = Environment(order.environment)
    changes = {"action": choice.action.value, "stable_target": choice.stable_target}
    await audit.record(
        tx,
        actor=system_actor(order.organization_id, environment, CLOCK),
        action="refund.defaulted",
        target=order.id,
        changes=changes,
    )
    if choice.action is RefundAction.MANUAL_REVIEW:
        report = Report(OrderStatus.MANUAL_REVIEW)
        await orders.enter(ctx, tx, order, report, source=orders.BY_CLOCK)
