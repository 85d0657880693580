"""Resuming as claims and records: one probe, then the queue at the pace, then active."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from privata.core.errors import NotFound, WebhookNotPaused
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints.service import disable_endpoint, pause_endpoint, update_endpoint
from privata.webhooks.engine import resume_pace as buckets
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.recording import record_attempts
from privata.webhooks.recovery.resuming import begin_probes, resume_endpoint
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.tests.deliveries import (
    GIVE_UP,
    WAIT_AGAIN,
    actor_of,
    attempt_record,
    claim_some,
    count,
    delivery,
    end_leases,
    endpoint,
    endpoint_row,
    failed,
    flush_progress,
    ops_told,
    publish_order,
    reconnecting,
)


async def resumed(ctx: AppContext, organization: UUID, orders: int = 3, pace: int = 20) -> UUID:
    """An endpoint that was paused by hand, with deliveries waiting, and has just been resumed."""
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=pace)
    await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    for _ in range(orders):
        await publish_order(ctx, organization)
    await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    return endpoint_id


async def paused_by_failures(ctx: AppContext, organization: UUID, minutes: int = 11) -> UUID:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET status = 'paused', paused_reason = 'failures',"
        " paused_at = now() - make_interval(mins => $1), failures = ARRAY[now()]",
        minutes,
    )
    return endpoint_id


async def status_of(ctx: AppContext, endpoint_id: UUID) -> str:
    return str((await endpoint_row(ctx, endpoint_id))["status"])


async def refill(ctx: AppContext) -> None:
    """As if the bucket had had the time to fill."""
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET flush_tokens_at = flush_tokens_at - interval '1 min'"
    )


async def prove(ctx: AppContext, db: ReconnectingConnection) -> None:
    """The probe goes out and arrives."""
    (probe,) = await claim_some(db)
    assert (await record_attempts(db, [attempt_record(probe)])).moved


async def test_resuming_is_told_and_audited(ctx: AppContext, organization: UUID) -> None:
    endpoint_id = await resumed(ctx, organization, orders=3)
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], row["resumed_by"]) == ("resuming", "ada@acme.example")
    assert row["failures"] == []
    (told,) = await ops_told(ctx)
    assert (told["event"], told["reason"], told["waiting"]) == ("webhook_resumed", "manual", 3)
    assert (told["alias"], told["url"]) == ("Orders", "http://localhost:1/hook")
    rows = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in rows][-2:] == ["endpoint.paused", "endpoint.resumed"]


async def test_with_nothing_waiting_it_is_active_at_once(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await resumed(ctx, organization, orders=0)
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], row["paused_at"], row["paused_reason"]) == ("active", None, None)
    assert [told["waiting"] for told in await ops_told(ctx)] == [0]


async def test_one_probe_and_nothing_else_until_it_arrived(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await resumed(ctx, organization)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        assert probe.probing
        assert await claim_some(db) == []
        await record_attempts(db, [attempt_record(probe)])
        await refill(ctx)
        rest = await claim_some(db)
        assert [one.probing for one in rest] == [False, False]
        seqs = await ctx.database.pool.fetch("SELECT seq FROM event ORDER BY seq")
        first = await ctx.database.pool.fetchval(
            "SELECT event_seq FROM webhook_every_delivery WHERE id = $1", probe.delivery_id
        )
        assert first == seqs[0]["seq"]
        assert await status_of(ctx, endpoint_id) == "resuming"
        await record_attempts(db, [attempt_record(one) for one in rest])
        assert await claim_some(db) == []
        assert await status_of(ctx, endpoint_id) == "active"
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["paused_at"], row["flush_tokens_at"], row["probe_until"]) == (None, None, None)


async def test_two_workers_take_one_probe(ctx: AppContext, organization: UUID) -> None:
    async with reconnecting(ctx) as a, reconnecting(ctx) as b:
        for _ in range(8):
            endpoint_id = await resumed(ctx, organization)
            both = await asyncio.gather(claim_some(a), claim_some(b))
            taken = [one for batch in both for one in batch]
            assert len(taken) == 1
            assert taken[0].probing
            await disable_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)


async def test_a_probe_waits_for_stragglers(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    for _ in range(2):
        await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (straggler,) = await claim_some(db, 1)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        assert await claim_some(db) == []
        await record_attempts(db, [failed(straggler)])
        assert await status_of(ctx, endpoint_id) == "resuming"
        (probe,) = await claim_some(db)
    # Its attempt began before the resumption, so it still waits, and it is the oldest.
    assert probe.delivery_id == straggler.delivery_id
    assert (probe.probing, probe.attempts) == (True, 1)


async def test_a_probe_that_fails_pauses_again_and_spends_one_attempt(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await resumed(ctx, organization, orders=5)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        await record_attempts(db, [failed(probe)])
        assert await claim_some(db) == []
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], row["paused_reason"]) == ("paused", "manual")
    assert row["last_error"] == "http_error 500"
    assert await count(ctx, "attempts = 0 AND status = 'pending'") == 4
    told = await ops_told(ctx)
    assert [one["event"] for one in told] == ["webhook_resumed", "webhook_paused"]
    assert told[1]["failed_attempts"] == 1


async def test_a_probe_that_fails_through_us_is_made_again(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await resumed(ctx, organization)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        ours = attempt_record(
            probe, status="pending", spent=False, wait_s=5.0, outcome="internal", status_code=None
        )
        await record_attempts(db, [ours])
        assert await status_of(ctx, endpoint_id) == "resuming"
        (again,) = await claim_some(db)
    assert again.probing
    assert (await delivery(ctx, probe.delivery_id))["attempts"] == 0


async def test_a_probe_whose_worker_died_is_made_again(ctx: AppContext, organization: UUID) -> None:
    await resumed(ctx, organization, orders=1)
    async with reconnecting(ctx) as db:
        (lost,) = await claim_some(db)
        await end_leases(ctx)
        assert await claim_some(db) == []
        await ctx.database.pool.execute("UPDATE webhook_endpoint SET probe_until = now()")
        (again,) = await claim_some(db)
    assert again.probing
    assert again.lease_token == lost.lease_token + 1


#: Seconds from the moment at which the bucket was empty to the next look at it.
_WAKE_AFTER = f"""
SELECT extract(epoch FROM {buckets.WAKE} - e.flush_tokens_at)::float8
FROM webhook_endpoint AS e WHERE e.id = $1
"""


@pytest.mark.parametrize(("pace", "full"), [(1, 1), (11, 1), (12, 2), (20, 2), (100, 5)])
async def test_the_queue_goes_out_at_the_pace(
    ctx: AppContext, organization: UUID, pace: int, full: int
) -> None:
    """A full bucket is a few hundredths of a second's worth; then a token is had every so often."""
    endpoint_id = await resumed(ctx, organization, orders=30, pace=pace)
    async with reconnecting(ctx) as db:
        await prove(ctx, db)
        await refill(ctx)
        assert len(await claim_some(db)) == full
        wait = await ctx.database.pool.fetchval(_WAKE_AFTER, endpoint_id)
        assert 0 < wait <= 1.0 / (pace - full + 1) * max(1, full // 2) + 1e-5  # microseconds
        # What the bucket lets through in any second is its size and what flows in meanwhile.
        assert full + (pace - full + 1) - 1 <= pace
        # And all that waits takes at most a tenth longer than the pace says.
        assert pace / (pace - full + 1) < 1.10


async def test_the_pace_holds_over_workers(ctx: AppContext, organization: UUID) -> None:
    await resumed(ctx, organization, orders=30, pace=10)
    async with reconnecting(ctx) as a, reconnecting(ctx) as b:
        await prove(ctx, a)
        for _ in range(8):
            await refill(ctx)
            began = await ctx.database.pool.fetchval("SELECT clock_timestamp()")
            both = await asyncio.gather(claim_some(a), claim_some(b))
            ended = await ctx.database.pool.fetchval("SELECT clock_timestamp()")
            # Both may not take the same token; on a busy machine a second one has flowed in.
            flowed_in = int((ended - began).total_seconds() * 10)
            assert 1 <= sum(map(len, both)) <= 1 + flowed_in


async def test_what_failed_before_goes_first(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    old = await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (one,) = await claim_some(db)
        await record_attempts(db, [failed(one, wait_s=0.0)])
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        await publish_order(ctx, organization)
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        (probe,) = await claim_some(db)
    assert probe.event_id.startswith(old)
    assert probe.attempts == 1


async def test_progress_counts_down(ctx: AppContext, organization: UUID) -> None:
    endpoint_id = await resumed(ctx, organization, orders=4, pace=500)
    actor = actor_of(organization)
    assert await flush_progress(ctx, actor, endpoint_id) == (4, 4)
    async with reconnecting(ctx) as db:
        await prove(ctx, db)
        assert await flush_progress(ctx, actor, endpoint_id) == (3, 4)
        await publish_order(ctx, organization)  # came later: no part of it
        assert await flush_progress(ctx, actor, endpoint_id) == (3, 4)
        await refill(ctx)
        await record_attempts(db, [attempt_record(one) for one in await claim_some(db)])
        await claim_some(db)
    assert await flush_progress(ctx, actor, endpoint_id) == (0, 4)
    with pytest.raises(NotFound):
        live = actor_of(organization, Environment.LIVE)
        await flush_progress(ctx, live, endpoint_id)


async def test_what_is_not_paused_cannot_be_resumed(ctx: AppContext, organization: UUID) -> None:
    endpoint_id = await resumed(ctx, organization)
    actor = actor_of(organization)
    with pytest.raises(WebhookNotPaused):
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    with pytest.raises(WebhookNotPaused):
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)


async def test_one_can_be_retried_while_resuming(ctx: AppContext, organization: UUID) -> None:
    await resumed(ctx, organization)
    chosen = await ctx.database.pool.fetchval("SELECT id FROM webhook_due LIMIT 1")
    await retry_delivery(ctx, actor=actor_of(organization), delivery_id=chosen)


async def test_failures_are_probed_after_a_while(ctx: AppContext, organization: UUID) -> None:
    endpoint_id = await paused_by_failures(ctx, organization)
    assert await begin_probes(ctx, 3600) == 0
    assert await begin_probes(ctx, 600) == 1
    assert await begin_probes(ctx, 600) == 0
    assert await ops_told(ctx) == []  # nothing has changed for the partner yet
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        before = (await endpoint_row(ctx, endpoint_id))["paused_at"]
        await record_attempts(db, [failed(probe, wait_s=0.0)])
        row = await endpoint_row(ctx, endpoint_id)
        assert (row["status"], row["paused_at"]) == ("paused", before)
        assert await ops_told(ctx) == []
        assert await begin_probes(ctx, 600) == 0  # counted from the last probe
        await ctx.database.pool.execute(
            "UPDATE webhook_endpoint SET probed_at = now() - $1::interval", timedelta(minutes=10)
        )
        assert await begin_probes(ctx, 600) == 1
        await prove(ctx, db)
        await claim_some(db)
    assert await status_of(ctx, endpoint_id) == "active"
    (told,) = await ops_told(ctx)
    assert (told["event"], told["reason"], told["waiting"]) == ("webhook_resumed", "probe", 1)


@pytest.mark.parametrize("reason", ["manual", "gone"])
async def test_only_failures_are_probed(ctx: AppContext, organization: UUID, reason: str) -> None:
    await paused_by_failures(ctx, organization)
    await ctx.database.pool.execute("UPDATE webhook_endpoint SET paused_reason = $1", reason)
    assert await begin_probes(ctx, 0.0) == 0


async def test_without_anything_waiting_there_is_no_probe(
    ctx: AppContext, organization: UUID
) -> None:
    await paused_by_failures(ctx, organization)
    await ctx.database.pool.execute(GIVE_UP.format(where="true", attempts="attempts"))
    assert await begin_probes(ctx, 600) == 0
    await ctx.database.pool.execute(
        WAIT_AGAIN.format(where="true", due="now() + interval '1 hour'")
    )
    assert await begin_probes(ctx, 600) == 1  # whenever it was due


async def test_a_person_takes_over_a_probe_of_ours(ctx: AppContext, organization: UUID) -> None:
    endpoint_id = await paused_by_failures(ctx, organization)
    await begin_probes(ctx, 600)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        actor = actor_of(organization)
        taken = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        assert (taken.status, taken.waiting) == ("resuming", 1)
        assert await claim_some(db) == []
        await record_attempts(db, [failed(probe)])
    told = [one["event"] for one in await ops_told(ctx)]
    assert told == ["webhook_resumed", "webhook_paused"]


async def test_taking_over_a_probe_that_failed_through_us_owes_all_that_waits(
    ctx: AppContext, organization: UUID
) -> None:
    """It was active at once with "0 waiting", unproven, and each event kept its long wait."""
    endpoint_id = await paused_by_failures(ctx, organization)
    await begin_probes(ctx, 600)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        spoilt = attempt_record(
            probe,
            status="pending",
            spent=False,
            wait_s=3600.0,
            outcome="internal",
            status_code=None,
        )
        await record_attempts(db, [spoilt])
        await publish_order(ctx, organization)  # after our probe began
        shown, _ = await flush_progress(ctx, actor, endpoint_id)
        taken = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        assert (taken.status, taken.waiting) == ("resuming", shown) == ("resuming", 2)
        assert await flush_progress(ctx, actor, endpoint_id) == (2, 2)
        (again,) = await claim_some(db)
        assert (again.probing, again.unaided) == (True, False)
        assert again.delivery_id == probe.delivery_id
        await record_attempts(db, [attempt_record(again)])
        await refill(ctx)
        await record_attempts(db, [attempt_record(one) for one in await claim_some(db)])
        await claim_some(db)
    assert await status_of(ctx, endpoint_id) == "active"
    assert await count(ctx, "status = 'delivered'") == 2
    assert [told["waiting"] for told in await ops_told(ctx)] == [2]
