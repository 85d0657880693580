"""The worker: the loops that need no request, side by side, each restarted when it dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from privata.accounts.jobs import tidy_accounts
from privata.apikeys.expiring import warn_of_expiry
from privata.apikeys.lockouts import end_lockouts
from privata.audit.jobs import keep_audit
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.infra.faults import Outage
from privata.infra.readiness import Readiness
from privata.ledger.jobs import mature_earnings
from privata.notifications.jobs import send_mails
from privata.orders.export.jobs import export_orders
from privata.orders.following.outages import tell_of_outages
from privata.orders.following.poller import follow_orders
from privata.payouts.jobs import expire_payouts
from privata.payouts.sandbox import follow_sandbox_payouts
from privata.quotes.prices.polling import follow_prices
from privata.ready import readiness_of
from privata.refunds.clock import follow_refunds
from privata.routing.refreshing import refresh_providers
from privata.streams.jobs import sweep_streams
from privata.webhooks.endpoints.pause_emails import tell_of_pauses
from privata.webhooks.engine.claims import oldest_due_age
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.recovery.recovering import recover_endpoints
from privata.webhooks.recovery.resuming import probe_endpoints
from privata.webhooks.retention import keep_delivery_log
from privata.worker.generation import watch_generation
from privata.worker.health import Lag, probes_served
from privata.worker.old_orders import keep_orders
from privata.worker.snapshots import watch_snapshots
from privata.worker.spent import forget_spent

log = logging.getLogger(__name__)

#: Seconds before a loop that died is started again: doubled each time, and forgotten after it has
#: lived for a while. What waits for the database is started soon after it is back.
FIRST_PAUSE_S = 0.5
AWAY_PAUSE_S = 1.0
LAST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0

#: How often it is looked whether due deliveries are being sent, seconds.
WATCH_EVERY_S = 15.0

Loop = Callable[[AppContext], Awaitable[None]]


async def work(ctx: AppContext) -> None:
    """Deliver webhooks, follow orders, send mails until cancelled. Any number may run."""
    log.info("working")
    outage, lag = Outage(), Lag()
    readiness = readiness_of(ctx, answered=outage.over)
    readiness.add("deliveries", lag.reason)

    async def watch_lag(ctx: AppContext) -> None:
        await watch(ctx, lag)

    async with (
        readiness.watched(),
        probes_served(ctx, readiness),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_drain_when_told(readiness))
        for loop in (*LOOPS, watch_lag):
            group.create_task(keep_running(loop, ctx, outage))


async def _drain_when_told(readiness: Readiness) -> None:
    """Say that this worker is not ready as soon as it is told to stop, while its loops end."""
    try:
        await asyncio.Event().wait()
    finally:
        readiness.drain()


async def keep_running(loop: Loop, ctx: AppContext, outage: Outage) -> None:
    """Run a loop for ever; one that dies is logged and started again after a pause."""
    clock = asyncio.get_running_loop()
    pause = FIRST_PAUSE_S
    while True:
        started = clock.time()
        try:
            await loop(ctx)
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # Told to stop: what it was at broke off with an error of its own.
                raise asyncio.CancelledError from error
            if passing_fault(error) is not None:
                # The database went away: expected, and no news in a traceback, nor in the next
                # loop that finds out.
                outage.note(loop.__name__, error)
                await asyncio.sleep(AWAY_PAUSE_S)
                continue
            log.exception("%s died", loop.__name__)
        if clock.time() - started >= HEALTHY_AFTER_S:
            pause = FIRST_PAUSE_S
        await asyncio.sleep(pause)
        pause = min(2 * pause, LAST_PAUSE_S)


async def watch(ctx: AppContext, lag: Lag) -> None:
    """Say so when deliveries that are due are not being sent."""
    while True:
        lag.seconds = await oldest_due_age(ctx.database.pool)
        reason = lag.reason()
        if reason is not None:
            log.warning("%s", reason)
        await asyncio.sleep(WATCH_EVERY_S)


#: What a worker does, one loop each.
LOOPS: tuple[Loop, ...] = (
    dispatch,
    follow_orders,
    refresh_providers,
    follow_prices,
    tell_of_outages,
    follow_refunds,
    recover_endpoints,
    probe_endpoints,
    tell_of_pauses,
    export_orders,
    warn_of_expiry,
    end_lockouts,
    expire_payouts,
    follow_sandbox_payouts,
    send_mails,
    tidy_accounts,
    sweep_streams,
    keep_audit,
    keep_delivery_log,
    keep_orders,
    forget_spent,
    mature_earnings,
    watch_snapshots,
    watch_generation,
)
