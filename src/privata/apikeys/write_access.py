"""The access checks of this room's writes: fetch, authorise and lock at once; note what was
done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg

from privata.apikeys.rules import expired
from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction

#: What pages that show keys are told of.
LIVE_TOPIC: Final = "keys"

_LOCK_KEY: Final = """
SELECT * FROM api_key WHERE id = $1 AND organization_id = $2 AND environment = $3
FOR NO KEY UPDATE
"""


async def locked_key(tx: Transaction, actor: Actor, key_id: UUID) -> asyncpg.Record:
    """The actor's key, locked against other changes; `NotFound` if it is not theirs."""
    row = await tx.connection.fetchrow(
        _LOCK_KEY, key_id, actor.organization_id, actor.environment.value
    )
    if row is None:
        raise NotFound("Key not found.")
    return row


async def locked_working_key(
    ctx: AppContext, tx: Transaction, actor: Actor, key_id: UUID
) -> asyncpg.Record:
    """The same of a key that can still be used; `ValidationFailed` if it has ended."""
    row = await locked_key(tx, actor, key_id)
    if row["revoked_at"] is not None:
        raise ValidationFailed("This key is revoked. Create a new one.")
    if expired(row["expires_on"], ctx.clock.now()):
        raise ValidationFailed("This key has expired. Create a new one.")
    return row


async def note(
    tx: Transaction,
    actor: Actor,
    action: str,
    key_id: UUID,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Audit a change (`api_key.rotated`) and tell open pages of it."""
    await audit.record(tx, actor=actor, action=action, target=str(key_id), changes=changes)
    tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, LIVE_TOPIC))
