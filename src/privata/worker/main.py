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
from privata.infra.database.faults import is_passing
from privata.ledger.jobs import mature_earnings
from privata.notifications.jobs import send_mails
from privata.orders.export.jobs import export_orders
from privata.orders.following.poller import follow_orders
from privata.payouts.jobs import expire_payouts
from privata.payouts.sandbox import follow_sandbox_payouts
from privata.refunds.clock import follow_refunds
from privata.streams.jobs import sweep_streams
from privata.webhooks.endpoints.pause_emails import tell_of_pauses
from privata.webhooks.engine.claims import oldest_due_age
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.recovery.recovering import recover_endpoints
from privata.webhooks.recovery.resuming import probe_endpoints
from privata.worker.snapshots import watch_snapshots

log = logging.getLogger(__name__)

#: Seconds before a loop that died is started again: doubled each time, and forgotten after it has
#: lived for a while. What waits for the database is started soon after it is back.
FIRST_PAUSE_S = 0.5
AWAY_PAUSE_S = 1.0
LAST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0

#: A due delivery may wait this long before the log says so; looked at this often. Seconds.
LATE_S = 60.0
WATCH_EVERY_S = 15.0

Loop = Callable[[AppContext], Awaitable[None]]


async def work(ctx: AppContext) -> None:
    """Deliver webhooks, follow orders, send mails until cancelled. Any number may run."""
    log.info("working")
    async with asyncio.TaskGroup() as group:
        for loop in LOOPS:
            group.create_task(keep_running(loop, ctx))


async def keep_running(loop: Loop, ctx: AppContext) -> None:
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
            if is_passing(error):
                # The database went away: expected, and no news in a traceback.
                log.warning("%s stopped: %r", loop.__name__, error)
                await asyncio.sleep(AWAY_PAUSE_S)
                continue
            log.exception("%s died", loop.__name__)
        if clock.time() - started >= HEALTHY_AFTER_S:
            pause = FIRST_PAUSE_S
        await asyncio.sleep(pause)
        pause = min(2 * pause, LAST_PAUSE_S)


async def watch(ctx: AppContext) -> None:
    """Say so when deliveries that are due are not being sent."""
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        age = await oldest_due_age(ctx.database.pool)
        if age is not None and age > LATE_S:
            log.warning("the oldest due delivery has been waiting for %d s", age)


#: What a worker does, one loop each.
LOOPS: tuple[Loop, ...] = (
    dispatch,
    follow_orders,
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
    mature_earnings,
    watch,
    watch_snapshots,
)
