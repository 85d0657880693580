"""SQL of endpoints, their secrets, and single deliveries. The hot path is in claims, recording."""

# What is put together here is of `waiting` and `state_sql`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.webhooks.endpoints.new_secrets import NewSecret
from privata.webhooks.state_sql import IN_FLIGHT
from privata.webhooks.waiting import waiting

Row = asyncpg.Record

_INSERT_ENDPOINT: Final = """
WITH made AS (
    INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, dialect,
                                  event_filter)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
)
INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint, by_program)
VALUES ($2, $3, $9, $1, $10, $11, $12)
"""

_LOCK_ENDPOINT: Final = """
SELECT * FROM webhook_endpoint
WHERE id = $1 AND organization_id = $2 AND environment = $3 AND deleted_at IS NULL
FOR NO KEY UPDATE
"""

_CHANGE_ENDPOINT: Final = """
UPDATE webhook_endpoint
SET alias = $2, url = $3::text, event_filter = $4, dialect = $5, strict_ordering = $6,
    schedule_s = $7, pace_per_s = $8, updated_at = now(),
    failures = CASE WHEN url = $3::text THEN failures ELSE '{}' END
WHERE id = $1 AND organization_id = $9
"""

_MOVE_ENDPOINT: Final = """
UPDATE webhook_endpoint
SET status = $2::text, paused_at = CASE WHEN $2::text = 'paused' THEN now() END,
    paused_reason = $3, paused_by = $4, resumed_by = NULL, probe_until = NULL,
    flush_tokens_at = NULL, updated_at = now()
WHERE id = $1 AND organization_id = $5
"""

# Its secrets sign nothing any more; they stay, so that old attempts can name theirs.
_DELETE_ENDPOINT: Final = """
WITH ended AS (
    UPDATE webhook_secret SET expires_at = now()
    WHERE organization_id = $2 AND environment = $3 AND endpoint_id = $1
      AND (expires_at IS NULL OR expires_at > now())
)
UPDATE webhook_endpoint SET deleted_at = now()
WHERE id = $1 AND organization_id = $2 AND environment = $3
"""

_WAITING: Final = (
    f"SELECT {waiting()} FROM webhook_endpoint AS e WHERE e.id = $1 AND e.organization_id = $2"
)

# The delivery is locked, so neither a claim nor a record comes between the look and the move. What
# is not due, or was finished while we waited for it, is in the log by the second statement.
_LOCK_DUE: Final = f"""
SELECT d.id, 'pending' AS status, d.endpoint_id, d.replay, NULL::uuid AS retried_as_id,
       e.status AS endpoint_status, {IN_FLIGHT} AS leased
FROM webhook_due AS d JOIN webhook_endpoint AS e
  ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = $3
FOR NO KEY UPDATE OF d
"""

_LOCK_FINISHED: Final = """
SELECT d.id, d.status, d.endpoint_id, d.replay, d.retried_as_id, e.status AS endpoint_status,
       false AS leased
FROM webhook_delivery AS d JOIN webhook_endpoint AS e
  ON e.organization_id = d.organization_id AND e.id = d.endpoint_id
WHERE d.organization_id = $1 AND d.environment = $2 AND d.id = $3
FOR NO KEY UPDATE OF d
"""


async def insert_endpoint(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    fields: tuple[str, str, str, str, Sequence[str] | None],
    secret: NewSecret,
) -> None:
    """An endpoint with its first secret. `fields`: channel, alias, URL, dialect, filter."""
    await tx.connection.execute(
        _INSERT_ENDPOINT,
        endpoint_id,
        actor.organization_id,
        actor.environment.value,
        *fields,
        secret.id,
        secret.sealed,
        secret.hint,
        actor.is_program,
    )


async def lock_endpoint(tx: Transaction, actor: Actor, endpoint_id: UUID) -> Row | None:
    """The actor's endpoint, locked against other changes but not against claims."""
    return await tx.connection.fetchrow(
        _LOCK_ENDPOINT, endpoint_id, actor.organization_id, actor.environment.value
    )


async def change_endpoint(
    tx: Transaction, actor: Actor, endpoint_id: UUID, new: Mapping[str, object]
) -> None:
    """Write what a partner may edit, and the dialect that follows the URL."""
    await tx.connection.execute(
        _CHANGE_ENDPOINT,
        endpoint_id,
        new["alias"],
        new["url"],
        new["event_filter"],
        new["dialect"],
        new["strict_ordering"],
        new["schedule_s"],
        new["pace_per_s"],
        actor.organization_id,
    )


async def move_endpoint(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    status: str,
    paused_reason: str | None = None,
    paused_by: str | None = None,
) -> None:
    """Enter a status; the reason and the person belong to `paused` alone."""
    await tx.connection.execute(
        _MOVE_ENDPOINT, endpoint_id, status, paused_reason, paused_by, actor.organization_id
    )


async def delete_endpoint(tx: Transaction, actor: Actor, endpoint_id: UUID) -> None:
    """Take it out of sight; it is disabled already."""
    await tx.connection.execute(
        _DELETE_ENDPOINT, endpoint_id, actor.organization_id, actor.environment.value
    )


async def waiting_for(tx: Transaction, actor: Actor, endpoint_id: UUID) -> int:
    """How many deliveries wait for it."""
    found: int = await tx.connection.fetchval(_WAITING, endpoint_id, actor.organization_id)
    return found


async def lock_delivery(tx: Transaction, actor: Actor, delivery_id: UUID) -> Row | None:
    """The actor's delivery and where its endpoint stands; `leased` while it is being sent."""
    which = actor.organization_id, actor.environment.value, delivery_id
    row = await tx.connection.fetchrow(_LOCK_DUE, *which)
    return row or await tx.connection.fetchrow(_LOCK_FINISHED, *which)
