"""Working off recoveries: a few replays at a time, at the endpoint's pace, by whichever worker.

A step is one transaction that queues the next replays and moves the recovery's mark behind them.
A worker that dies in the middle leaves nothing of the step, and any other takes the next one.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from privata.core.standing import DELIVERING
from privata.core.tenancy import Environment, system_actor
from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.infra.database.postgres import Transaction
from privata.infra.waking import until_woken
from privata.webhooks.endpoints.access import note
from privata.webhooks.recovery.recoveries import RECOVERIES_WAKEUP, end_recovery, missed
from privata.webhooks.state_sql import IN_FLIGHT
from privata.webhooks.states import EndpointStatus, RecoveryStatus

#: Seconds between two steps of one recovery: each queues at most what goes out in that time.
STEP_S: Final = 1.0

#: Seconds to look again at an endpoint that is paused or whose organization is stopped, and without
#: a wake-up for new recoveries.
PAUSED_S: Final = 5.0
NET_S: Final = 30.0

# One that is taken stays locked until the step is written; what it is now is read with the lock.
DUE_RECOVERIES: Final = DueSql(
    since="w.next_at",
    waiting="webhook_recovery AS w WHERE w.status = 'running' AND w.next_at <= now()",
    due=f"""
    SELECT w.*, e.status AS endpoint_status, e.pace_per_s, {DELIVERING} AS delivering
    FROM webhook_recovery AS w
    JOIN webhook_endpoint AS e ON e.organization_id = w.organization_id
      AND e.environment = w.environment AND e.id = w.endpoint_id
    JOIN shared_organization AS o ON o.id = w.organization_id
    WHERE w.organization_id = {{organization}} AND w.environment = {{environment}}
      AND w.status = 'running' AND w.next_at <= now()
    ORDER BY w.next_at LIMIT {{most}} FOR NO KEY UPDATE OF w SKIP LOCKED""",  # noqa: S608
    taken="SELECT * FROM due",
)

_NEXT: Final = """
SELECT extract(epoch FROM min(next_at) - now())::float8 FROM webhook_recovery
WHERE status = 'running'
"""

_WAITING: Final = """
SELECT count(*)::int FROM webhook_due
WHERE recovery_id = $1 AND organization_id = $2 AND attempts = 0
"""

# One that is being sent at this moment ends the step: it may arrive, and those behind it must not
# overtake it. It is looked at again when it is recorded or its lease has run out.
#
# A delivery that still had retries to come is closed, because its replay takes over the duty: it
# leaves what is due and enters the log as exhausted. The rows are locked first and judged again on
# their newest values, so no claim comes between the look and the close. What is in flight is not
# even locked: records lock whole batches of those, and two that lock in different orders would wait
# for each other.
_QUEUE: Final = f"""
WITH seen AS (
    SELECT d.id, d.event_seq, t.order_id, d.status, {IN_FLIGHT} AS sending
    FROM ({missed("$6")}) AS d
    JOIN shared_event AS t ON t.organization_id = d.organization_id AND t.seq = d.event_seq
    WHERE d.event_seq <= $5
    ORDER BY d.event_seq LIMIT $4
), locked_due AS (
    SELECT d.id FROM webhook_due AS d
    WHERE d.organization_id = $6 AND d.environment = $7
      AND d.id = ANY (ARRAY(SELECT seen.id FROM seen WHERE NOT seen.sending))
      AND NOT {IN_FLIGHT}
    FOR NO KEY UPDATE
), locked_given_up AS (
    SELECT d.id FROM webhook_delivery AS d
    WHERE d.organization_id = $6 AND d.environment = $7
      AND d.id = ANY (ARRAY(SELECT seen.id FROM seen WHERE NOT seen.sending))
      AND d.status = 'exhausted'
    FOR NO KEY UPDATE
), locked AS (
    SELECT id FROM locked_due UNION ALL SELECT id FROM locked_given_up
), ready AS (
    SELECT * FROM seen
    WHERE seen.event_seq < coalesce(
        (SELECT min(other.event_seq) FROM seen AS other
         WHERE NOT EXISTS (SELECT FROM locked WHERE locked.id = other.id)),
        9223372036854775807)
), closed AS (
    DELETE FROM webhook_due AS d USING ready
    WHERE d.organization_id = $6 AND d.environment = $7 AND d.id = ready.id
    RETURNING d.*
), logged AS (
    INSERT INTO webhook_delivery (
        organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
        lease_token, last_duration_ms, last_status_code, attempts, replay, status, last_outcome,
        recovery_id, retry_of_id)
    SELECT organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
           lease_token, last_duration_ms, last_status_code, attempts, replay, 'exhausted',
           last_outcome, recovery_id, retry_of_id
    FROM closed
), made AS (
    INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq, order_id, replay,
                             recovery_id)
    SELECT $6, $7, $1, event_seq, order_id, true, $8 FROM ready ORDER BY event_seq
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*)::int FROM seen) AS found, count(*)::int AS queued,
       max(event_seq) AS reached
FROM ready
"""  # noqa: S608  # put together out of our own constants

_MARK: Final = """
UPDATE webhook_recovery
SET reached_seq = greatest(reached_seq, $2), next_at = now() + make_interval(secs => $3)
WHERE id = $1 AND organization_id = $4 AND environment = $5
"""


async def recover_endpoints(ctx: AppContext) -> None:
    """Work off recoveries until cancelled; any number of workers may."""
    work = due_recoveries(ctx)
    async with ctx.database.listening(RECOVERIES_WAKEUP) as wakeups:
        while True:
            if await recover_step(ctx, work):
                continue
            wait: float | None = await ctx.database.pool.fetchval(_NEXT)
            await until_woken(wakeups, NET_S if wait is None else min(NET_S, max(wait, 0.01)))


def due_recoveries(ctx: AppContext) -> DueWork:
    """The recoveries whose next step is due."""
    return DueWork(DUE_RECOVERIES, apart=ctx.settings.database_distributed)


async def recover_step(ctx: AppContext, work: DueWork | None = None) -> bool:
    """One step of one recovery that is due; False if none is."""
    async with ctx.database.transaction() as tx:
        return await step(tx, work or due_recoveries(ctx))


async def step(tx: Transaction, work: DueWork) -> bool:
    """The step itself, in the caller's transaction."""
    rows = await work.claim(tx.connection, 1)
    if not rows:
        return False
    (row,) = rows
    if row["endpoint_status"] == EndpointStatus.DISABLED:
        await _end(tx, row, RecoveryStatus.CANCELLED)
    elif row["endpoint_status"] != EndpointStatus.ACTIVE or not row["delivering"]:
        await _mark(tx, row, 0, PAUSED_S)
    else:
        await _queue(tx, row)
    return True


async def _queue(tx: Transaction, row: asyncpg.Record) -> None:
    waiting: int = await tx.connection.fetchval(_WAITING, row["id"], row["organization_id"])
    room = row["pace_per_s"] - waiting
    moved = None
    if room > 0:
        moved = await tx.connection.fetchrow(
            _QUEUE,
            row["endpoint_id"],
            row["since"],
            row["reached_seq"],
            room,
            row["last_seq"],
            row["organization_id"],
            row["environment"],
            row["id"],
        )
        assert moved is not None
        if not moved["found"] and not waiting:
            await _end(tx, row, RecoveryStatus.DONE)
            return
    reached = 0 if moved is None else moved["reached"] or 0
    await _mark(tx, row, reached, STEP_S)
    if reached:
        tx.wake(DELIVERIES_WAKEUP)
        for topic in ("endpoints", "deliveries"):
            tx.wake(LIVE_WAKEUP, live_payload(row["organization_id"], row["environment"], topic))


async def _mark(tx: Transaction, row: asyncpg.Record, reached: int, wait_s: float) -> None:
    await tx.connection.execute(
        _MARK, row["id"], reached, wait_s, row["organization_id"], row["environment"]
    )


async def _end(tx: Transaction, row: asyncpg.Record, status: RecoveryStatus) -> None:
    """Done, or cancelled because the endpoint was taken out of use; audited as our own act."""
    recovery_id: UUID = row["id"]
    actor = system_actor(row["organization_id"], Environment(row["environment"]), "recovery")
    if await end_recovery(tx, actor, recovery_id, status):
        action = "finished" if status is RecoveryStatus.DONE else "cancelled"
        await note(
            tx, actor, f"endpoint.recovery_{action}", row["endpoint_id"], {"recovery": recovery_id}
        )
