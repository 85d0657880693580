"""Retries: a further delivery of an event, now, that takes over from one (the seed's *Retry*).

A retry is a record of its own with a new id, a schedule that begins anew and a fresh signature. It
names the delivery it is the retry of, and each has one retry at most, so a chain of them can be
followed both ways. What it takes over from is *retried* then, which is final: neither undelivered
nor exhausted, and its schedule has ended. One that was delivered stays so; its retry is a replay
in all but name and counts as one toward the replays of an hour; the retry of a replay that did not
arrive is that same replay and does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import AlreadyRetried, NotFound, ValidationFailed
from privata.core.tenancy import Actor
from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints import store
from privata.webhooks.endpoints.access import locked_endpoint
from privata.webhooks.recovery.replays import not_too_many
from privata.webhooks.states import DeliveryStatus, EndpointStatus

# What waited enters the log as retried. What is in the log already is marked there; both name the
# retry, so a delivery cannot have two. The caller has locked them.
_TAKE_OVER: Final = """
WITH waited AS (
    DELETE FROM webhook_due AS d
    WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = ANY ($3)
    RETURNING *
), old AS MATERIALIZED (
    SELECT new_id() AS made, id, endpoint_id, event_seq, order_id, replay, recovery_id FROM waited
    UNION ALL
    SELECT new_id(), d.id, d.endpoint_id, d.event_seq, t.order_id,
           d.replay OR d.status = 'delivered',
           CASE WHEN d.status <> 'delivered' THEN d.recovery_id END
    FROM webhook_delivery AS d
    JOIN shared_event AS t ON t.organization_id = d.organization_id AND t.seq = d.event_seq
    WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = ANY ($3)
      AND d.retried_as_id IS NULL
), ended AS (
    INSERT INTO webhook_delivery (
        organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
        lease_token, last_duration_ms, last_status_code, attempts, replay, status, last_outcome,
        recovery_id, retry_of_id, retried_as_id)
    SELECT $1, $2, w.id, w.endpoint_id, w.event_seq, w.created_at, w.last_attempt_at,
           w.lease_token, w.last_duration_ms, w.last_status_code, w.attempts, w.replay, 'retried',
           w.last_outcome, w.recovery_id, w.retry_of_id, old.made
    FROM waited AS w JOIN old ON old.id = w.id
), marked AS (
    UPDATE webhook_delivery AS d
    SET retried_as_id = old.made,
        status = CASE WHEN d.status = 'delivered' THEN d.status ELSE 'retried' END
    FROM old
    WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = old.id
)
INSERT INTO webhook_due (organization_id, environment, id, endpoint_id, event_seq, order_id, replay,
                         recovery_id, retry_of_id)
SELECT $1, $2, made, endpoint_id, event_seq, order_id, replay, recovery_id, id
FROM old ORDER BY event_seq
RETURNING id, retry_of_id
"""


#: Why nothing is retried at an endpoint of such a status; a page may have further reasons.
ENDPOINT_BARS: Final = {
    EndpointStatus.DISABLED: "This endpoint is disabled.",
    EndpointStatus.PAUSED: "Resume the endpoint first.",
}
BEING_SENT: Final = "This delivery is being sent."


async def retry_delivery(
    ctx: AppContext, *, actor: Actor, delivery_id: UUID, keep: Keep[UUID] | None = None
) -> UUID:
    """Owe the delivery's event to its endpoint as a new delivery, due now; its id.

    `NotFound`. `AlreadyRetried` names the retry there is. `ValidationFailed` says why not: it is
    being sent, its endpoint is paused or disabled. `RateLimited`, for one that was delivered,
    after as many replays as an endpoint gets in an hour.
    """
    async with ctx.database.transaction() as tx:
        # Of two retries at once the second waits here for the first, and then finds its record.
        row = await store.lock_delivery(tx, actor, delivery_id)
        if row is None:
            raise NotFound("Delivery not found.")
        await _may_be_retried(tx, actor, row)
        ((made, _),) = await take_over(tx, actor, [delivery_id])
        changes = {"endpoint": str(row["endpoint_id"]), "was": row["status"], "retry": str(made)}
        await audit.record(
            tx, actor=actor, action="delivery.retried", target=str(delivery_id), changes=changes
        )
        tx.wake(DELIVERIES_WAKEUP)
        tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, "deliveries"))
        if keep is not None:
            await keep(tx, made)
    return made


async def take_over(
    tx: Transaction, actor: Actor, delivery_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID]]:
    """A retry of each of these, which the caller has locked and judged: (new id, old id)."""
    rows = await tx.connection.fetch(
        _TAKE_OVER, actor.organization_id, actor.environment.value, delivery_ids
    )
    return [(row["id"], row["retry_of_id"]) for row in rows]


async def _may_be_retried(tx: Transaction, actor: Actor, row: store.Row) -> None:
    bar = ENDPOINT_BARS.get(EndpointStatus(row["endpoint_status"]))
    if bar is not None:
        raise ValidationFailed(bar)
    newer: UUID | None = row["retried_as_id"]
    if newer is not None:
        raise AlreadyRetried(
            f"This delivery was already retried as {newer}. Use that delivery.",
            data={"delivery_id": str(newer)},
        )
    if row["leased"]:
        raise ValidationFailed(BEING_SENT)
    if row["status"] == DeliveryStatus.DELIVERED:
        # Under the endpoint's lock, as replays are counted.
        await locked_endpoint(tx, actor, row["endpoint_id"])
        await not_too_many(tx, actor, row["endpoint_id"])
