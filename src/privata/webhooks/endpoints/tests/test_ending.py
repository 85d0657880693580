"""Disabling and deleting: nothing waits for such an endpoint; the log keeps what it was sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import NotFound, ValidationFailed, WebhookNotPaused
from privata.infra.context import AppContext
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import service
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    claim_some,
    count,
    endpoint,
    flush_progress,
    publish_order,
    reconnecting,
)
from privata.webhooks.waiting import waiting

_WAITING = f"SELECT {waiting()} FROM webhook_endpoint AS e WHERE e.id = $1"


async def with_some(ctx: AppContext, organization: UUID) -> UUID:
    """An endpoint with one delivered event and three that wait."""
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [attempt_record(one) for one in await claim_some(db)])
    await publish_order(ctx, organization, (1, 2, 3))
    return endpoint_id


async def log(ctx: AppContext, organization: UUID, status: str | None = None) -> list[Any]:
    chosen = None if status is None else listing.DeliveryFilter(status)
    query = listing.DeliveryQuery(status=chosen)
    rows, _ = await listing.deliveries(ctx, actor=actor_of(organization), query=query)
    return rows


@pytest.mark.parametrize("verb", [service.disable_endpoint, service.delete_endpoint])
async def test_nothing_waits_for_an_endpoint_out_of_use(
    ctx: AppContext, organization: UUID, verb: Any
) -> None:
    """It showed what would never be sent as waiting."""
    endpoint_id = await with_some(ctx, organization)
    actor = actor_of(organization)
    assert await ctx.database.pool.fetchval(_WAITING, endpoint_id) == 3
    await verb(ctx, actor=actor, endpoint_id=endpoint_id)
    assert await ctx.database.pool.fetchval(_WAITING, endpoint_id) == 0
    assert await log(ctx, organization, "pending") == []
    ended = await log(ctx, organization, "cancelled")
    assert [(row["status"], row["next_attempt_at"]) for row in ended] == [("cancelled", None)] * 3
    assert await undelivered(ctx, actor=actor, endpoint_id=endpoint_id) == []
    assert await log(ctx, organization, "undelivered") == []
    noted = await ctx.database.pool.fetchval(
        "SELECT changes->>'ended' FROM audit_entry ORDER BY id DESC LIMIT 1"
    )
    assert noted == "3"
    async with reconnecting(ctx) as db:
        assert await claim_some(db) == []
    await publish_order(ctx, organization)
    assert await count(ctx) == 4


async def test_disabling_cannot_be_undone(ctx: AppContext, organization: UUID) -> None:
    """A pause, from a tab that was still open, brought back what had been shown as ended."""
    endpoint_id = await with_some(ctx, organization)
    actor = actor_of(organization)
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed, match="cannot be undone. Create a new endpoint"):
        await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(WebhookNotPaused):
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    ended = await log(ctx, organization, "cancelled")
    assert [row["status"] for row in ended] == ["cancelled"] * 3


async def test_a_deleted_endpoint_is_known_to_the_log_alone(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await with_some(ctx, organization)
    actor = actor_of(organization)
    await service.delete_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert len(await log(ctx, organization)) == 4
    assert await listing.endpoints(ctx, actor=actor) == []
    for look in (
        listing.endpoint(ctx, actor=actor, endpoint_id=endpoint_id),
        service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id),
        resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id),
        service.update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, alias="x"),
        service.delete_endpoint(ctx, actor=actor, endpoint_id=endpoint_id),
    ):
        with pytest.raises(NotFound):
            await look
    assert await flush_progress(ctx, actor, endpoint_id) == (0, 0)
    valid = await ctx.database.pool.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE expires_at IS NULL OR expires_at > now()"
    )
    assert valid == 0
    with pytest.raises(asyncpg.CheckViolationError):
        await ctx.database.pool.execute("UPDATE webhook_endpoint SET status = 'active'")
