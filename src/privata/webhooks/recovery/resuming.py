"""Coming back from a pause: by hand, or by a probe of our own.

A resumed endpoint gets one delivery first, the oldest that waits; `pausing` decides by its end.
All that waited then goes out, tried before or not, oldest first and at the endpoint's pace
(`waiting`, `claim_sql`, `pace`). Nothing is ever skipped.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.errors import WebhookNotPaused
from privata.core.standing import DELIVERING
from privata.core.tenancy import Actor
from privata.events.ops_events import publish_ops, webhook_resumed
from privata.events.service import DELIVERIES_WAKEUP
from privata.infra.context import AppContext
from privata.infra.database.due_work import DueSql, DueWork
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints import store
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.endpoints.pausing import Reason
from privata.webhooks.state_sql import EXHAUSTED
from privata.webhooks.states import EndpointStatus
from privata.webhooks.waiting import waiting

# The statements are put together out of constants of this file and of `standing`.
# ruff: noqa: S608

#: How often a worker looks for endpoints to probe, in seconds.
LOOK_EVERY_S: Final = 15.0

#: How many endpoints one look sets going.
MOST_PROBES: Final = 50

# By hand, the failures of before are forgotten; a delivery to judge by is taken if one waits,
# else there is nothing to be careful with. Taking over a probe of ours begins anew: whatever that
# came to, all that waits now is owed. A probe under way keeps its mark, `probe_until`.
_RESUME: Final = """
UPDATE webhook_endpoint
SET status = CASE WHEN $2::int > 0 THEN 'resuming' ELSE 'active' END,
    paused_at = CASE WHEN $2::int > 0 THEN paused_at END,
    paused_reason = CASE WHEN $2::int > 0 THEN paused_reason END,
    paused_by = CASE WHEN $2::int > 0 THEN paused_by END,
    failures = '{}', resumed_at = now(),
    resumed_by = $3, waiting_at_resume = $2::int, updated_at = now()
WHERE id = $1 AND organization_id = $4
RETURNING status, now() AS now
"""

_BESIDE: Final = f"""
SELECT {waiting()} AS waiting, {EXHAUSTED} AS exhausted FROM webhook_endpoint AS e
WHERE e.id = $1 AND e.organization_id = $2
"""

# Only what failures have paused: 410 asked us to stop, and a person's pause is a person's to end.
_RESTED: Final = f"""{DELIVERING} AND e.status = 'paused'
      AND e.paused_reason = '{Reason.FAILURES.value}'
      AND greatest(e.paused_at, e.probed_at) <= now() - make_interval(secs => $4::float8)
      AND EXISTS (SELECT FROM webhook_due AS d
                  WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id)"""

_OWN: Final = "JOIN shared_organization AS o ON o.id = e.organization_id"

# Endpoints that somebody else has locked are looked at next time.
DUE_PROBES: Final = DueSql(
    row="e",
    since="greatest(e.paused_at, e.probed_at)",
    waiting=f"webhook_endpoint AS e {_OWN} WHERE {_RESTED}",
    due=f"""
    SELECT e.id, e.organization_id, e.environment FROM webhook_endpoint AS e {_OWN}
    WHERE e.organization_id = {{organization}} AND e.environment = {{environment}}
      AND {_RESTED}
    ORDER BY greatest(e.paused_at, e.probed_at)
    LIMIT {{most}} FOR NO KEY UPDATE OF e SKIP LOCKED""",
    taken=f"""
UPDATE webhook_endpoint AS e
SET status = 'resuming', resumed_at = now(), resumed_by = NULL,
    waiting_at_resume = {waiting()}
FROM due
WHERE e.organization_id = {{organization}} AND e.id = due.id
RETURNING e.id""",
)


@dataclass(frozen=True, slots=True)
class Resumed:
    """`waiting` deliveries are sent; the status is `active` at once when there is none.

    `exhausted` events were given up in the last 30 days: only a recovery sends them.
    """

    endpoint_id: UUID
    status: str
    waiting: int
    exhausted: int


async def resume_endpoint(
    ctx: AppContext, *, actor: Actor, endpoint_id: UUID, keep: Keep[Resumed] | None = None
) -> Resumed:
    """Send a probe and, once it has arrived, what waited, paced and in order; tells `ops`.

    `WebhookNotPaused` if it was not paused, `NotFound`. While a probe of our own is under way
    it is taken over, so a person's resumption is always answered by an event.
    """
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        ours = row["status"] == EndpointStatus.RESUMING and row["resumed_by"] is None
        if row["status"] != EndpointStatus.PAUSED and not (ours and not row["flush_tokens_at"]):
            raise WebhookNotPaused("This endpoint is not paused.")
        resumed = await _resume(tx, actor, row)
        if keep is not None:
            await keep(tx, resumed)
    return resumed


async def _resume(tx: Transaction, actor: Actor, row: store.Row) -> Resumed:
    endpoint_id: UUID = row["id"]
    # The endpoint is locked: what is published from now on comes after what is counted here. While
    # a probe of our own is under way, that one is counted too.
    beside = await tx.connection.fetchrow(_BESIDE, endpoint_id, actor.organization_id)
    assert beside is not None
    waits: int = beside["waiting"]
    after = await tx.connection.fetchrow(
        _RESUME, endpoint_id, waits, actor.label[:254], actor.organization_id
    )
    assert after is not None
    event = webhook_resumed(
        endpoint_id=endpoint_id,
        alias=row["alias"],
        url=row["url"],
        environment=actor.environment,
        reason=Reason.MANUAL.value,
        now=after["now"],
        waiting=waits,
    )
    await publish_ops(
        tx,
        organization_id=actor.organization_id,
        environment=actor.environment,
        event=event,
    )
    changes = {"reason": row["paused_reason"], "waiting": waits}
    await note(tx, actor, "endpoint.resumed", endpoint_id, changes)
    tx.wake(DELIVERIES_WAKEUP)
    return Resumed(endpoint_id, after["status"], waits, beside["exhausted"])


async def begin_probes(ctx: AppContext, every_s: float) -> int:
    """Set a probe going to each endpoint that failures paused and that rested for `every_s`.

    Endpoints for which nothing waits are left alone: a probe is always an event that they lack.
    """
    work = DueWork(DUE_PROBES, every_s, apart=ctx.settings.database_distributed)
    rows = await work.claim(ctx.database.pool, MOST_PROBES, every_s)
    if rows:
        ctx.database.wake(DELIVERIES_WAKEUP)
    return len(rows)


async def probe_endpoints(ctx: AppContext) -> None:
    """Begin probes until cancelled; with `PRIVATA_PROBE_MINUTES=0` it only waits."""
    every_s = 60.0 * ctx.settings.probe_minutes
    while True:
        if every_s:
            await begin_probes(ctx, every_s)
        await asyncio.sleep(LOOK_EVERY_S)
