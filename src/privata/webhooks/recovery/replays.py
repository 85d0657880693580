"""Replays: a new delivery of an event that was told before, byte for byte (docs/webhooks.md).

A replay is signed with the secret of its own time and has a schedule of its own. It is allowed
whatever became of the first delivery. For a paused endpoint it is held like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from privata.core.errors import NotFound, RateLimited, ValidationFailed
from privata.core.tenancy import Actor
from privata.events.service import DELIVERIES_WAKEUP
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.states import EndpointStatus

#: Replays by hand that one endpoint may get in an hour; recoveries have a pace instead.
PER_HOUR: Final = 10

_HOUR_S: Final = 3600

_FIND: Final = """
SELECT id, endpoint_id, event_seq FROM webhook_every_delivery
WHERE id = $1 AND organization_id = $2 AND environment = $3
"""

# A retry that took over from a replay that had not arrived is the same replay, asked for once.
_RECENT: Final = """
SELECT count(*)::int AS made,
       extract(epoch FROM min(d.created_at) + interval '1 hour' - now())::float8 AS wait_s
FROM webhook_every_delivery AS d
LEFT JOIN webhook_every_delivery AS old
  ON old.organization_id = d.organization_id AND old.environment = d.environment
     AND old.id = d.retry_of_id
WHERE d.organization_id = $1 AND d.environment = $2 AND d.endpoint_id = $3
  AND d.replay AND d.recovery_id IS NULL
  AND d.created_at > now() - interval '1 hour' AND old.status IS DISTINCT FROM 'retried'
"""

_INSERT: Final = """
INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq, order_id, replay)
SELECT d.organization_id, d.environment, d.endpoint_id, d.event_seq, t.order_id, true
FROM webhook_every_delivery AS d
JOIN shared_event AS t ON t.organization_id = d.organization_id AND t.seq = d.event_seq
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = $3
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The new delivery; `held` while its endpoint is paused."""

    delivery_id: UUID
    endpoint_id: UUID
    held: bool


async def replay_delivery(
    ctx: AppContext, *, actor: Actor, delivery_id: UUID, keep: Keep[Replayed] | None = None
) -> Replayed:
    """Owe the delivery's event to its endpoint once more.

    `NotFound`; `ValidationFailed` if the endpoint is disabled; `RateLimited` after `PER_HOUR` of
    them in an hour.
    """
    async with ctx.database.transaction() as tx:
        row = await tx.connection.fetchrow(
            _FIND, delivery_id, actor.organization_id, actor.environment.value
        )
        if row is None:
            raise NotFound("Delivery not found.")
        return await _replay(tx, actor, row["endpoint_id"], row["id"], keep)


async def replays_left(ctx: AppContext, partition: Partition, endpoint_id: UUID) -> int:
    """How many replays by hand the endpoint may get now."""
    recent = await ctx.database.pool.fetchrow(_RECENT, *partition.scope, endpoint_id)
    assert recent is not None
    return max(0, PER_HOUR - int(recent["made"]))


async def not_too_many(tx: Transaction, actor: Actor, endpoint_id: UUID) -> None:
    """`RateLimited` if the endpoint, which the caller has locked, got its replays of the hour."""
    recent = await tx.connection.fetchrow(
        _RECENT, actor.organization_id, actor.environment.value, endpoint_id
    )
    assert recent is not None
    if recent["made"] >= PER_HOUR:
        wait_s = min(max(1, round(recent["wait_s"]) + 1), _HOUR_S)
        raise RateLimited(
            f"An endpoint is limited to {PER_HOUR} replays per hour. Start a recovery instead.",
            headers={"Retry-After": str(wait_s)},
        )


async def _replay(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    original: UUID,
    keep: Keep[Replayed] | None,
) -> Replayed:
    # Counted under the endpoint's lock, so that two at once cannot both be the tenth.
    endpoint = await locked_endpoint(tx, actor, endpoint_id)
    if endpoint["status"] == EndpointStatus.DISABLED:
        raise ValidationFailed("This endpoint is disabled.")
    await not_too_many(tx, actor, endpoint_id)
    made: UUID = await tx.connection.fetchval(
        _INSERT, actor.organization_id, actor.environment.value, original
    )
    replayed = Replayed(made, endpoint_id, endpoint["status"] == EndpointStatus.PAUSED)
    changes = {"endpoint": endpoint_id, "replay": made}
    await note(tx, actor, "delivery.replayed", original, changes, topic="deliveries")
    tx.wake(DELIVERIES_WAKEUP)
    if keep is not None:
        await keep(tx, replayed)
    return replayed
