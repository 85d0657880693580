"""Recovering an endpoint: sending again, in order, what it missed since a time (docs/webhooks.md).

A recovery is a row; workers do the rest (`recovering`). What it queues are replays, so history
stays what it was. An event counts as missed when its delivery failed at least once or gave up.
What still waits for its first attempt arrives by itself, and what a replay has brought or is about
to bring is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from privata.core.errors import NotFound, RecoveryInProgress, ValidationFailed
from privata.core.ids import new_id
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.state_sql import FAILING, GIVEN_UP
from privata.webhooks.states import EndpointStatus, RecoveryStatus

#: Wakes the workers that recover; no payload.
RECOVERIES_WAKEUP: Final = "privata_recoveries"

_MISSED: Final = """
(SELECT d.* FROM webhook_every_delivery AS d
 WHERE {which} AND d.organization_id = {organization} AND d.endpoint_id = $1
   AND d.created_at >= $2 AND d.event_seq > $3
 ORDER BY d.event_seq LIMIT $4)
"""

# While an endpoint is paused these are no matter of a recovery: resuming it sends them.
_FAILING: Final = f"""{FAILING}
   AND (SELECT e.status FROM webhook_endpoint AS e
        WHERE e.organization_id = d.organization_id AND e.id = $1) = 'active'"""  # noqa: S608  # a constant of ours


def missed(organization: str) -> str:
    """What endpoint $1 missed since $2 behind event $3, the first $4 of each kind; `organization`
    is the parameter that names whose it is. Two walks, each on an index that has only failures, so
    that it does not matter how much was delivered."""
    kinds = (GIVEN_UP, _FAILING)
    return "UNION ALL".join(_MISSED.format(which=kind, organization=organization) for kind in kinds)


_COUNT: Final = f"""
SELECT count(*)::int AS total, coalesce(max(event_seq), 0) AS last_seq
FROM ({missed("$5")}) AS missed
"""  # noqa: S608  # put together out of our own constants

_COUNT_MINE: Final = f"{_COUNT} WHERE environment = $6"

_RUNNING: Final = """
SELECT id FROM webhook_recovery
WHERE organization_id = $1 AND environment = $2 AND endpoint_id = $3 AND status = 'running'
"""

_INSERT: Final = """
INSERT INTO webhook_recovery (id, organization_id, environment, endpoint_id, since, status, total,
                              last_seq, created_by, finished_at)
VALUES ($1, $2, $3, $4, $5, $6::text, $7, $8, $9,
        CASE WHEN $6::text <> 'running' THEN now() END)
"""

_PROGRESS: Final = """
SELECT r.id, r.endpoint_id, r.since, r.status, r.total, r.created_by, r.created_at, r.finished_at,
       e.status AS endpoint_status, done.queued, done.delivered, done.failed
FROM webhook_recovery AS r
JOIN webhook_endpoint AS e ON e.organization_id = r.organization_id
 AND e.environment = r.environment AND e.id = r.endpoint_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS queued,
           (count(*) FILTER (WHERE d.status = 'delivered'))::int AS delivered,
           (count(*) FILTER (WHERE d.status <> 'delivered' AND d.attempts > 0))::int AS failed
    FROM webhook_every_delivery AS d
    WHERE d.organization_id = r.organization_id AND d.recovery_id = r.id AND d.status <> 'retried'
) AS done
WHERE r.organization_id = $1 AND r.environment = $2
"""

_ONE: Final = f"{_PROGRESS} AND r.id = $3"

_LATEST: Final = f"{_PROGRESS} AND r.endpoint_id = $3 ORDER BY r.created_at DESC, r.id LIMIT $4"

_END: Final = """
UPDATE webhook_recovery SET status = $2, finished_at = now()
WHERE id = $1 AND organization_id = $3 AND environment = $4 AND status = 'running'
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recovery is, in events.

    `total` were missed when it began; `queued` have a replay by now, of which `delivered` arrived
    and `failed` failed at least once since. What arrived by itself meanwhile is never queued.
    """

    id: UUID
    endpoint_id: UUID
    since: datetime
    status: str
    total: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    endpoint_status: str
    queued: int
    delivered: int
    failed: int


async def recover(
    ctx: AppContext,
    *,
    actor: Actor,
    endpoint_id: UUID,
    since: datetime,
    keep: Keep[Progress] | None = None,
) -> Progress:
    """Begin to send again, in order, what the endpoint missed since `since` (aware).

    With nothing missed it is done at once. `RecoveryInProgress` while another one runs; `NotFound`;
    `ValidationFailed` for a time to come or a disabled endpoint.
    """
    if since.tzinfo is None or since > ctx.clock.now():
        sentence = "must be a past time with an offset"
        raise ValidationFailed(f"since {sentence}.", fields=[("since", sentence)])
    recovery_id = new_id()
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        if row["status"] == EndpointStatus.DISABLED:
            raise ValidationFailed("This endpoint is disabled.")
        running = await tx.connection.fetchval(
            _RUNNING, actor.organization_id, actor.environment.value, endpoint_id
        )
        if running is not None:
            raise RecoveryInProgress(
                "A recovery of this endpoint is already running.",
                data={"recovery_id": str(running)},
            )
        found = await tx.connection.fetchrow(
            _COUNT, endpoint_id, since, 0, None, actor.organization_id
        )
        assert found is not None
        status = RecoveryStatus.RUNNING if found["total"] else RecoveryStatus.DONE
        await tx.connection.execute(
            _INSERT,
            recovery_id,
            actor.organization_id,
            actor.environment.value,
            endpoint_id,
            since,
            status.value,
            found["total"],
            found["last_seq"],
            actor.label[:254],
        )
        changes = {"recovery": recovery_id, "since": since, "missed": found["total"]}
        await note(tx, actor, "endpoint.recovery_started", endpoint_id, changes)
        tx.wake(RECOVERIES_WAKEUP)
        begun = await _progress(tx, actor, recovery_id)
        if keep is not None:
            await keep(tx, begun)
    return begun


async def cancel_recovery(ctx: AppContext, *, actor: Actor, recovery_id: UUID) -> Progress:
    """Queue no more. What is queued already, a second's worth at most, still goes out.

    Does nothing to one that has ended. `NotFound`.
    """
    async with ctx.database.transaction() as tx:
        found = await _progress(tx, actor, recovery_id)
        if await end_recovery(tx, actor, recovery_id, RecoveryStatus.CANCELLED):
            changes = {"recovery": recovery_id, "queued": found.queued, "of": found.total}
            await note(tx, actor, "endpoint.recovery_cancelled", found.endpoint_id, changes)
            found = await _progress(tx, actor, recovery_id)
    return found


async def recovery(ctx: AppContext, *, actor: Actor, recovery_id: UUID) -> Progress:
    """How far it is. `NotFound`."""
    async with ctx.database.transaction() as tx:
        return await _progress(tx, actor, recovery_id)


async def missed_since(ctx: AppContext, *, actor: Actor, endpoint_id: UUID, since: datetime) -> int:
    """How many events of the actor's endpoint a recovery since then would send."""
    found: int = await ctx.database.pool.fetchval(
        _COUNT_MINE, endpoint_id, since, 0, None, actor.organization_id, actor.environment.value
    )
    return found


async def recoveries_of(
    ctx: AppContext, *, actor: Actor, endpoint_id: UUID, limit: int = 10
) -> list[Progress]:
    """The endpoint's latest recoveries, newest first."""
    rows = await ctx.database.pool.fetch(
        _LATEST, actor.organization_id, actor.environment.value, endpoint_id, limit
    )
    return [Progress(*row) for row in rows]


async def end_recovery(
    tx: Transaction, actor: Actor, recovery_id: UUID, status: RecoveryStatus
) -> bool:
    """Enter `done` or `cancelled`; False if it had ended before."""
    ended = await tx.connection.fetchval(
        _END, recovery_id, status.value, actor.organization_id, actor.environment.value
    )
    return ended is not None


async def _progress(tx: Transaction, actor: Actor, recovery_id: UUID) -> Progress:
    row = await tx.connection.fetchrow(
        _ONE, actor.organization_id, actor.environment.value, recovery_id
    )
    if row is None:
        raise NotFound("Recovery not found.")
    return Progress(*row)
