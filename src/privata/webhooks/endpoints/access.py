"""The access checks of this room's writes: fetch, authorise and lock at once; note what was
done."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import NotFound
from privata.core.tenancy import Actor
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.database.postgres import Transaction
from privata.webhooks.endpoints import store


async def locked_endpoint(tx: Transaction, actor: Actor, endpoint_id: UUID) -> store.Row:
    """The actor's endpoint, locked against other changes; `NotFound` if it is not theirs."""
    row = await store.lock_endpoint(tx, actor, endpoint_id)
    if row is None:
        raise NotFound("Endpoint not found.")
    return row


async def note(
    tx: Transaction,
    actor: Actor,
    action: str,
    target: object,
    changes: Mapping[str, object] | None = None,
    *,
    topic: str = "endpoints",
) -> None:
    """Audit a change (`endpoint.paused`) and tell open pages of it."""
    await audit.record(tx, actor=actor, action=action, target=str(target), changes=changes)
    tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, topic))
