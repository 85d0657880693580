"""Many deliveries tried again at once: only those that may be, only the actor's."""

from __future__ import annotations

import uuid
from uuid import UUID

import pytest

from privata.core.errors import ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.recovery.bulk_retries import MOST, retry_many
from privata.webhooks.tests.deliveries import (
    GIVE_UP,
    actor_of,
    delivery,
    endpoint,
    publish_order,
)

_GIVE_UP = GIVE_UP.format(where="id = $1", attempts=8)
_LATER = """
UPDATE webhook_due SET attempts = 2, due_at = now() + interval '1 hour',
    leased_until = CASE WHEN $2 THEN now() + interval '1 hour' END
WHERE id = $1
"""


async def ids_of(ctx: AppContext, endpoint_id: UUID) -> list[UUID]:
    rows = await ctx.database.pool.fetch(
        "SELECT id FROM webhook_every_delivery WHERE endpoint_id = $1 ORDER BY event_seq",
        endpoint_id,
    )
    return [row["id"] for row in rows]


async def test_what_failed_is_tried_again_and_the_rest_left_alone(
    ctx: AppContext, organization: UUID
) -> None:
    made, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization, seqs=(1, 2, 3, 4))
    given_up, retrying, sending, fresh = await ids_of(ctx, made)
    pool = ctx.database.pool
    await pool.execute(_GIVE_UP, given_up)
    await pool.execute(_LATER, retrying, False)
    await pool.execute(_LATER, sending, True)
    wanted = [given_up, retrying, sending, fresh, retrying, uuid.uuid4()]
    done = await retry_many(ctx, actor=actor_of(organization), delivery_ids=wanted)
    assert (done.again, done.left) == (2, 3)
    for one in (given_up, retrying):
        assert (await delivery(ctx, one))["status"] == "retried"
        row = await pool.fetchrow(
            "SELECT * FROM webhook_every_delivery WHERE retry_of_id = $1", one
        )
        assert row is not None
        assert (row["status"], row["attempts"]) == ("pending", 0)
        assert row["due_at"] <= await pool.fetchval("SELECT now()")
    assert (await delivery(ctx, sending))["in_flight"]
    noted = await pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE action = 'delivery.retried_many'"
    )
    assert noted == 1


async def test_nothing_of_a_paused_endpoint_or_of_another_environment(
    ctx: AppContext, organization: UUID
) -> None:
    made, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    found = await ids_of(ctx, made)
    await ctx.database.pool.execute(_GIVE_UP, found[0])
    stranger = actor_of(organization, Environment.LIVE)
    assert (await retry_many(ctx, actor=stranger, delivery_ids=found)).again == 0
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET status = 'paused', paused_at = now() WHERE id = $1", made
    )
    mine = actor_of(organization)
    assert (await retry_many(ctx, actor=mine, delivery_ids=found)).left == 1


@pytest.mark.parametrize("count", [0, MOST + 1])
async def test_how_many_at_once(ctx: AppContext, organization: UUID, count: int) -> None:
    wanted = [uuid.uuid4() for _ in range(count)]
    with pytest.raises(ValidationFailed):
        await retry_many(ctx, actor=actor_of(organization), delivery_ids=wanted)
