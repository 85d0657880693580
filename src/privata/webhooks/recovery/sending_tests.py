"""Test events: a signed event of no consequence, through the real queue, to one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from privata.core.clock import iso
from privata.core.errors import ValidationFailed
from privata.core.ids import new_id
from privata.core.tenancy import Actor, Environment
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints import store
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.states import EndpointStatus

TEST_TYPE: Final = "webhook.test"

_DELIVERY: Final = """
SELECT d.id FROM webhook_due AS d
JOIN shared_event AS e ON e.organization_id = d.organization_id AND e.seq = d.event_seq
WHERE e.organization_id = $1 AND e.event_id = $2 AND d.endpoint_id = $3
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """The event and its delivery; `held` while the endpoint is paused."""

    event_id: str
    delivery_id: UUID
    held: bool


async def send_test_event(
    ctx: AppContext, *, actor: Actor, endpoint_id: UUID, keep: Keep[Trial] | None = None
) -> Trial:
    """Publish `webhook.test` to this endpoint alone, whatever its filter.

    It is signed, tried again and recorded like any other. `NotFound`; `ValidationFailed` if the
    endpoint is disabled.
    """
    now = ctx.clock.now()
    event_id = f"test-{new_id()}:webhook_test"
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        if row["status"] == EndpointStatus.DISABLED:
            raise ValidationFailed("This endpoint is disabled.")
        body = _body(actor, row, event_id, now)
        await publish(
            tx,
            organization_id=actor.organization_id,
            environment=actor.environment,
            channel=row["channel"],
            events=[NewEvent(event_id, TEST_TYPE, body)],
            only=endpoint_id,
        )
        delivery_id: UUID = await tx.connection.fetchval(
            _DELIVERY, actor.organization_id, event_id, endpoint_id
        )
        made = Trial(event_id, delivery_id, row["status"] == EndpointStatus.PAUSED)
        changes = {"event_id": event_id, "delivery": delivery_id}
        await note(tx, actor, "endpoint.tested", endpoint_id, changes, topic="deliveries")
        if keep is not None:
            await keep(tx, made)
    return made


def _body(actor: Actor, row: store.Row, event_id: str, now: datetime) -> bytes:
    message: dict[str, Any] = {
        "event": TEST_TYPE,
        "event_id": event_id,
        "reason": "This is a test event. Nothing happened.",
        "alias": row["alias"],
        "endpoint_id": str(row["id"]),
        "ts": iso(now),
    }
    if actor.environment is Environment.TEST:
        message["sandbox"] = True
    return msgspec.json.encode(message)
