"""Trying many deliveries again at once: those that were chosen, or all that match a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor
from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.webhooks.recovery.retries import take_over
from privata.webhooks.state_sql import RETRYABLE_DUE, RETRYABLE_GIVEN_UP

#: Deliveries that one request tries again. Who has more to send again recovers the endpoint.
MOST: Final = 1000

# Locked in the order of their ids, first what waits, so that two requests at once cannot wait for
# each other. What a claim or a record changes meanwhile is judged again on its new values, and what
# gave up meanwhile is found by the second statement, in the log.
_CHOOSE: Final = """
SELECT d.id FROM {table} AS d
JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = ANY ($3) AND {retryable}
ORDER BY d.id
FOR NO KEY UPDATE OF d
"""

_CHOOSE_DUE: Final = _CHOOSE.format(table="webhook_due", retryable=RETRYABLE_DUE)
_CHOOSE_GIVEN_UP: Final = _CHOOSE.format(table="webhook_delivery", retryable=RETRYABLE_GIVEN_UP)


@dataclass(frozen=True, slots=True)
class Retried:
    """How many are tried again now, and how many were left alone.

    Left alone is what was delivered or retried meanwhile, is being sent, waits for its first
    attempt, was replayed, or belongs to an endpoint that is not active.
    """

    again: int
    left: int


async def retry_many(ctx: AppContext, *, actor: Actor, delivery_ids: Sequence[UUID]) -> Retried:
    """A retry of each of these now, as `retries` makes them; audited as one act.

    `ValidationFailed` for none or for more than `MOST` of them.
    """
    wanted = sorted(set(delivery_ids))
    if not 1 <= len(wanted) <= MOST:
        raise ValidationFailed(f"Choose 1 to {MOST:,} deliveries.")
    async with ctx.database.transaction() as tx:
        whose = actor.organization_id, actor.environment.value
        chosen = await tx.connection.fetch(_CHOOSE_DUE, *whose, wanted)
        chosen += await tx.connection.fetch(_CHOOSE_GIVEN_UP, *whose, wanted)
        done = Retried(len(chosen), len(wanted) - len(chosen))
        if not chosen:
            return done
        made = await take_over(tx, actor, [row["id"] for row in chosen])
        changes = {"retried": tuple(f"{old} as {new}" for new, old in made), "left": done.left}
        await audit.record(
            tx, actor=actor, action="delivery.retried_many", target=str(wanted[0]), changes=changes
        )
        tx.wake(DELIVERIES_WAKEUP)
        tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, "deliveries"))
    return done
