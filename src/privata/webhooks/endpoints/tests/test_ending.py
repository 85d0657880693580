"""Disabling and deleting: nothing waits for such an endpoint; the log keeps what it was sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import NotFound, ValidationFailed, WebhookNotPaused
from privata.infra.kernel import Kernel
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import service
from privata.webhooks.engine.settling import settle
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    count,
    endpoint,
    flush_progress,
    line,
    publish_order,
    settlement,
)
from privata.webhooks.waiting import waiting

_WAITING = f"SELECT {waiting()} FROM webhook_endpoint AS e WHERE e.id = $1"


async def with_some(kernel: Kernel, organization: UUID) -> UUID:
    """An endpoint with one delivered event and three that wait."""
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        await settle(db, [settlement(one) for one in await claim_some(db)])
    await publish_order(kernel, organization, (1, 2, 3))
    return endpoint_id


async def log(kernel: Kernel, organization: UUID, status: str | None = None) -> list[Any]:
    chosen = None if status is None else listing.DeliveryFilter(status)
    query = listing.DeliveryQuery(status=chosen)
    rows, _ = await listing.deliveries(kernel, actor=actor_of(organization), query=query)
    return rows


@pytest.mark.parametrize("verb", [service.disable_endpoint, service.delete_endpoint])
async def test_nothing_waits_for_an_endpoint_out_of_use(
    kernel: Kernel, organization: UUID, verb: Any
) -> None:
    """It showed what would never be sent as waiting."""
    endpoint_id = await with_some(kernel, organization)
    actor = actor_of(organization)
    assert await kernel.database.pool.fetchval(_WAITING, endpoint_id) == 3
    await verb(kernel, actor=actor, endpoint_id=endpoint_id)
    assert await kernel.database.pool.fetchval(_WAITING, endpoint_id) == 0
    assert await log(kernel, organization, "pending") == []
    ended = await log(kernel, organization, "cancelled")
    assert [(row["status"], row["next_attempt_at"]) for row in ended] == [("cancelled", None)] * 3
    assert await undelivered(kernel, actor=actor, endpoint_id=endpoint_id) == []
    assert await log(kernel, organization, "undelivered") == []
    noted = await kernel.database.pool.fetchval(
        "SELECT changes->>'ended' FROM audit_entry ORDER BY id DESC LIMIT 1"
    )
    assert noted == "3"
    async with line(kernel) as db:
        assert await claim_some(db) == []
    await publish_order(kernel, organization)
    assert await count(kernel) == 4


async def test_disabling_cannot_be_undone(kernel: Kernel, organization: UUID) -> None:
    """A pause, from a tab that was still open, brought back what had been shown as ended."""
    endpoint_id = await with_some(kernel, organization)
    actor = actor_of(organization)
    await service.disable_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(ValidationFailed, match="cannot be undone. Create a new endpoint"):
        await service.pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(WebhookNotPaused):
        await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    ended = await log(kernel, organization, "cancelled")
    assert [row["status"] for row in ended] == ["cancelled"] * 3


async def test_a_deleted_endpoint_is_known_to_the_log_alone(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await with_some(kernel, organization)
    actor = actor_of(organization)
    await service.delete_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    assert len(await log(kernel, organization)) == 4
    assert await listing.endpoints(kernel, actor=actor) == []
    for look in (
        listing.endpoint(kernel, actor=actor, endpoint_id=endpoint_id),
        service.pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id),
        resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id),
        service.update_endpoint(kernel, actor=actor, endpoint_id=endpoint_id, alias="x"),
        service.delete_endpoint(kernel, actor=actor, endpoint_id=endpoint_id),
    ):
        with pytest.raises(NotFound):
            await look
    assert await flush_progress(kernel, actor, endpoint_id) == (0, 0)
    valid = await kernel.database.pool.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE expires_at IS NULL OR expires_at > now()"
    )
    assert valid == 0
    with pytest.raises(asyncpg.CheckViolationError):
        await kernel.database.pool.execute("UPDATE webhook_endpoint SET status = 'active'")
