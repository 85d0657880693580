"""Recording: a batch in one statement, fenced, repeatable, and what 410 does."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg
import pytest

from privata.infra.context import AppContext
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.tests.deliveries import (
    attempt_record,
    attempts,
    claim_some,
    count,
    delivery,
    end_leases,
    endpoint,
    failed,
    make_due,
    publish_order,
    reconnecting,
)
from privata.webhooks.transport.http1 import (
    EXCERPT_BYTES,
    KEPT_HEAD_CHARS,
    ResponseReader,
    safe_text,
)


async def test_a_batch_is_recorded_whole(ctx: AppContext, organization: UUID) -> None:
    await endpoint(ctx, organization)
    for _ in range(3):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        good, retried, over = await claim_some(db)
        recorded = await record_attempts(
            db,
            [
                attempt_record(good),
                attempt_record(retried, status="pending", wait_s=60.0, outcome="http_error",
                           status_code=500),
                attempt_record(over, status="exhausted", outcome="timeout", status_code=None,
                           address=None, response_headers=None),
            ],
        )  # fmt: skip
    assert (recorded.count, recorded.partitions) == (3, frozenset({(organization, "test")}))
    row = await delivery(ctx, good.delivery_id)
    assert row["status"] == "delivered"
    assert row["delivered_at"] is not None
    assert (row["attempts"], row["in_flight"], row["last_status_code"]) == (1, False, 200)
    assert row["last_attempt_at"] == good.claimed_at
    row = await delivery(ctx, retried.delivery_id)
    assert row["first_attempt_at"] == row["last_attempt_at"] == retried.claimed_at
    assert (row["status"], row["attempts"], row["last_outcome"]) == ("pending", 1, "http_error")
    assert 55 < (row["due_at"] - retried.claimed_at).total_seconds() < 70
    row = await delivery(ctx, over.delivery_id)
    assert (row["status"], row["delivered_at"]) == ("exhausted", None)
    (kept,) = await attempts(ctx, good.delivery_id)
    assert (kept["number"], kept["stale"], kept["outcome"]) == (1, False, "delivered")
    assert kept["response_headers"] == '[["server", "x"]]'


async def test_our_own_fault_costs_no_attempt(ctx: AppContext, organization: UUID) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        ours = attempt_record(
            claimed, status="pending", spent=False, wait_s=5.0, outcome="internal", status_code=None
        )
        await record_attempts(db, [ours])
    row = await delivery(ctx, claimed.delivery_id)
    assert (row["status"], row["attempts"], row["first_attempt_at"]) == ("pending", 0, None)
    assert row["last_outcome"] == "internal"


async def test_who_lost_the_lease_changes_nothing(ctx: AppContext, organization: UUID) -> None:
    """A worker that stood still records after another one: recorded as stale, and no more."""
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (zombie,) = await claim_some(db)
        await end_leases(ctx)
        (owner,) = await claim_some(db)
        late = attempt_record(zombie, status="exhausted", outcome="timeout", gone=True)
        assert (await record_attempts(db, [late])).count == 0
        assert await count(ctx, "status = 'pending' AND in_flight") == 1
        assert (await record_attempts(db, [attempt_record(owner)])).count == 1
    row = await delivery(ctx, zombie.delivery_id)
    assert (row["status"], row["attempts"]) == ("delivered", 1)
    kept = [(one["lease_token"], one["stale"]) for one in await attempts(ctx, row["id"])]
    assert kept == [(1, True), (2, False)]
    active = await ctx.database.pool.fetchval("SELECT status FROM webhook_endpoint")
    assert active == "active"


async def test_both_leases_of_one_delivery_in_one_batch(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (old,) = await claim_some(db)
        await end_leases(ctx)
        (new,) = await claim_some(db)
        recorded = await record_attempts(
            db, [attempt_record(old, status="exhausted"), attempt_record(new)]
        )
    assert recorded.count == 1
    assert (await delivery(ctx, new.delivery_id))["status"] == "delivered"
    kept = {one["lease_token"]: one["stale"] for one in await attempts(ctx, new.delivery_id)}
    assert kept == {1: True, 2: False}


async def test_a_batch_whose_answer_was_lost_is_sent_again(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        failed = attempt_record(claimed, status="pending", wait_s=60.0)
        assert (await record_attempts(db, [failed])).count == 1
        assert (await record_attempts(db, [failed])).count == 0
    row = await delivery(ctx, claimed.delivery_id)
    assert (row["attempts"], row["status"]) == (1, "pending")
    (kept,) = await attempts(ctx, claimed.delivery_id)
    assert kept["stale"] is False


async def test_410_pauses_the_endpoint_and_holds_the_rest(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization, (1, 2))
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        gone = attempt_record(head, status="pending", wait_s=60.0, gone=True, status_code=410)
        await record_attempts(db, [gone])
        row = await ctx.database.pool.fetchrow("SELECT * FROM webhook_endpoint")
        assert row is not None
        assert (row["status"], row["paused_reason"]) == ("paused", "gone")
        assert row["paused_at"] is not None
        await make_due(ctx)
        assert await claim_some(db) == []
    assert await count(ctx, "status = 'pending'") == 2


async def test_410_of_a_url_that_was_changed_meanwhile_pauses_nothing(
    ctx: AppContext, organization: UUID
) -> None:
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (head,) = await claim_some(db)
        await ctx.database.pool.execute("UPDATE webhook_endpoint SET url = 'http://localhost:2'")
        await record_attempts(
            db, [attempt_record(head, status="pending", gone=True, status_code=410)]
        )
    status = await ctx.database.pool.fetchval("SELECT status FROM webhook_endpoint")
    assert status == "active"


async def test_what_a_receiver_says_takes_a_bounded_part_of_the_log(
    ctx: AppContext, organization: UUID
) -> None:
    """50 headers of a KiB each were kept with every attempt, 8 times for each delivery."""
    reader = ResponseReader()
    head = "".join(f"x-{n}: {'v' * 400}\r\n" for n in range(60))
    body = b"\xff" * 250 + "ü".encode() * 5000
    reader.feed(f"HTTP/1.1 200 OK\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    headers = reader.kept_headers()
    assert 0 < sum(len(name) + len(value) for name, value in headers) <= KEPT_HEAD_CHARS
    excerpt = safe_text(reader.excerpt)
    assert len(excerpt.encode()) <= 4 * EXCERPT_BYTES
    await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim_some(db)
        stored = json.dumps(headers)
        record = attempt_record(claimed, response_headers=stored, response_excerpt=excerpt)
        await record_attempts(db, [record])
        (row,) = await attempts(ctx, claimed.delivery_id)
        assert row["response_excerpt"] == excerpt
        await publish_order(ctx, organization)
        (claimed,) = await claim_some(db)
        await record_attempts(db, [failed(claimed)])
        # The tables themselves refuse more, whoever writes them.
        for column, value in (
            ("response_excerpt", "repeat('x', 4097)"),
            ("response_headers", "to_jsonb(repeat('x', 16384))"),
        ):
            for table in ("webhook_delivery", "webhook_attempt"):
                with pytest.raises(asyncpg.CheckViolationError, match=f"{table}_bounded"):
                    await ctx.database.pool.execute(f"UPDATE {table} SET {column} = {value}")
