"""What a resumption sends: all that waits, tried or not, the oldest first, each order in `seq`."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

import pytest

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.endpoints.service import pause_endpoint, update_endpoint
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.decisions import decide
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.recording import AttemptRecord, record_attempts
from privata.webhooks.outcomes import Outcome
from privata.webhooks.recovery.resuming import begin_probes, resume_endpoint
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.tests.deliveries import (
    GIVE_UP,
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
from privata.webhooks.transport.transport import SendResult

#: What had failed before the pause waits for times that are scattered over the next twelve hours.
_TRIED = """
UPDATE webhook_due
SET attempts = 3, due_at = now() + make_interval(mins => $2), last_outcome = 'http_error',
    first_attempt_at = now() - interval '1 hour', last_attempt_at = now() - interval '1 minute'
WHERE event_seq = (SELECT min(seq) + $1 FROM event)
"""

_REFILL = "UPDATE webhook_endpoint SET flush_tokens_at = flush_tokens_at - interval '1 min'"


async def waiting(
    ctx: AppContext, organization: UUID, orders: int = 1, events: int = 5, *, strict: bool = False
) -> UUID:
    """A paused endpoint with orders, of which the odd events have failed before."""
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await update_endpoint(
        ctx, actor=actor, endpoint_id=endpoint_id, pace_per_s=1000, strict_ordering=strict
    )
    for _ in range(orders):
        await publish_order(ctx, organization, range(1, events + 1))
    rng = random.Random(1)
    for nth in range(0, orders * events, 2):
        await ctx.database.pool.execute(_TRIED, nth, rng.randint(1, 720))
    await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    return endpoint_id


async def take(ctx: AppContext, db: ReconnectingConnection) -> list[Claim]:
    """A claim with a full bucket."""
    await ctx.database.pool.execute(_REFILL)
    return await claim_some(db)


async def flush(
    ctx: AppContext, db: ReconnectingConnection, *, bad: tuple[int, ...] = ()
) -> list[Claim]:
    """Send until nothing is claimed any more; attempts of these places of the line fail."""
    sent: list[Claim] = []
    while claimed := await take(ctx, db):
        results: list[AttemptRecord] = []
        for one in claimed:
            sent.append(one)
            good = len(sent) not in bad
            results.append(attempt_record(one) if good else failed(one))
        await record_attempts(db, results)
    return sent


def seqs(sent: list[Claim]) -> list[int]:
    return [int(one.event_id.split("step_")[1].split(":")[0]) for one in sent]


async def test_a_resume_does_not_scramble_an_orders_events(
    ctx: AppContext, organization: UUID
) -> None:
    """They arrived as 3, 2, 5, 1, 4: what was tried before went by its own jittered time."""
    endpoint_id = await waiting(ctx, organization)
    await resume_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        sent = await flush(ctx, db)
    assert seqs(sent) == [1, 2, 3, 4, 5]
    assert [one.probing for one in sent] == [True, False, False, False, False]
    assert (await endpoint_row(ctx, endpoint_id))["status"] == "active"


async def test_a_resume_leaves_nothing_on_its_old_schedule(
    ctx: AppContext, organization: UUID
) -> None:
    """All of it at once, and one figure: what the API says, the event says, and what is sent."""
    endpoint_id = await waiting(ctx, organization, orders=6)
    actor = actor_of(organization)
    resumed = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert await flush_progress(ctx, actor, endpoint_id) == (30, 30)
    async with reconnecting(ctx) as db:
        sent = await flush(ctx, db)
    assert resumed.waiting == len(sent) == 30
    assert [one["waiting"] for one in await ops_told(ctx)] == [30]
    assert await count(ctx, "status = 'delivered'") == 30
    # The oldest that its order lets through is always the next one.
    for order_id in {one.event_id.split(":")[0] for one in sent}:
        mine = [one for one in sent if one.event_id.startswith(order_id)]
        assert seqs(mine) == [1, 2, 3, 4, 5]
    assert await flush_progress(ctx, actor, endpoint_id) == (0, 30)


async def test_the_page_the_api_and_what_is_sent_are_one_figure(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await waiting(ctx, organization, orders=3)
    pool = ctx.database.pool
    for _ in range(2):
        await publish_order(ctx, organization)
    await pool.execute(
        GIVE_UP.format(where="event_seq > (SELECT max(seq) - 2 FROM event)", attempts=1)
    )
    shown = await _shown_waiting(ctx, organization, endpoint_id)
    actor = actor_of(organization)
    resumed = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    assert shown == (resumed.waiting, resumed.exhausted) == (15, 2)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        during = await _shown_waiting(ctx, organization, endpoint_id)
        assert during[0] == (await flush_progress(ctx, actor, endpoint_id))[0] == 15
        await record_attempts(db, [attempt_record(probe)])
        during = await _shown_waiting(ctx, organization, endpoint_id)
        assert during[0] == (await flush_progress(ctx, actor, endpoint_id))[0] == 14
        assert len(await flush(ctx, db)) == 14


async def _shown_waiting(ctx: AppContext, organization: UUID, endpoint_id: UUID) -> tuple[int, int]:
    """What the endpoint's page says: waiting, and exhausted beside it."""
    partition = Partition(organization, Environment.TEST, endpoint_id)
    waits = await endpoints.waiting_of(ctx, partition, [endpoint_id])
    return waits[endpoint_id], await endpoints.exhausted(ctx, partition)


async def test_one_that_fails_in_the_line_holds_up_nobody(
    ctx: AppContext, organization: UUID
) -> None:
    """It goes back to its schedule; its order's next one had to wait for that attempt."""
    endpoint_id = await waiting(ctx, organization)
    await resume_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        sent = await flush(ctx, db, bad=(3,))
    assert seqs(sent) == [1, 2, 3, 4, 5]
    assert (await endpoint_row(ctx, endpoint_id))["status"] == "active"
    left = await delivery(ctx, sent[2].delivery_id)
    assert (left["status"], left["attempts"]) == ("pending", 4)


async def test_strict_ordering_that_fails_again_does_not_keep_the_endpoint_resuming(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await waiting(ctx, organization, orders=2, strict=True)
    await resume_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        sent = await flush(ctx, db, bad=(4,))
        assert (await endpoint_row(ctx, endpoint_id))["status"] == "active"
        stuck = await count(ctx, "status = 'pending'")
        assert stuck + len(sent) == 11
        assert 1 < stuck < 6  # the one that failed, and those of its order that wait for it
        await ctx.database.pool.execute("UPDATE webhook_due SET due_at = now()")
        sent += await flush(ctx, db)
    for order_id in {one.event_id.split(":")[0] for one in sent}:
        mine = seqs([one for one in sent if one.event_id.startswith(order_id)])
        assert mine == sorted(mine)
    assert await count(ctx, "status = 'delivered'") == 10


async def test_what_a_killed_worker_had_keeps_its_place_in_the_line(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await waiting(ctx, organization, orders=2)
    await resume_endpoint(ctx, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        await record_attempts(db, [attempt_record(probe)])
        lost = await take(ctx, db)
        assert sorted(seqs(lost)) == [1, 2]
        # Its leases run out later than anything that waits was due, and nothing passes them.
        assert await take(ctx, db) == []
        await end_leases(ctx)
        again = await take(ctx, db)
        assert [one.delivery_id for one in again] == [one.delivery_id for one in lost]
        await record_attempts(db, [attempt_record(one) for one in again])
        rest = await flush(ctx, db)
    assert len(rest) == 7


async def test_what_fails_again_after_a_pause_is_in_the_next_line(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await waiting(ctx, organization)
    actor = actor_of(organization)
    await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
        await record_attempts(db, [attempt_record(probe)])
        (second,) = await take(ctx, db)
        await record_attempts(db, [failed(second)])
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        again = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        assert again.waiting == 4
        assert seqs(await flush(ctx, db)) == [2, 3, 4, 5]


async def test_what_comes_while_it_resumes_goes_behind_its_order(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id = await waiting(ctx, organization, events=3)
    actor = actor_of(organization)
    await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    order_id = await ctx.database.pool.fetchval("SELECT order_id FROM webhook_due LIMIT 1")
    await publish_order(ctx, organization, (4, 5), order_id)
    assert await flush_progress(ctx, actor, endpoint_id) == (3, 3)
    async with reconnecting(ctx) as db:
        assert seqs(await flush(ctx, db)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("hours", [23, 25])
async def test_probes_of_our_own_do_not_use_up_the_oldest_event(
    ctx: AppContext, organization: UUID, hours: int
) -> None:
    """One every ten minutes would have exhausted it in little more than an hour."""
    endpoint_id = await waiting(ctx, organization)
    pool = ctx.database.pool
    await pool.execute(
        "UPDATE webhook_endpoint SET paused_reason = 'failures', paused_at = now() - $1::interval"
        " WHERE id = $2",
        timedelta(hours=1),
        endpoint_id,
    )
    await pool.execute(
        "UPDATE webhook_due SET attempts = 7,"
        " first_attempt_at = now() - make_interval(hours => $1) WHERE attempts > 0",
        hours,
    )
    assert await begin_probes(ctx, 600) == 1
    async with reconnecting(ctx) as db:
        (probe,) = await claim_some(db)
    assert (probe.probing, probe.unaided, seqs([probe])) == (True, True, [1])
    assert probe.first_attempt_at is not None
    down = SendResult(Outcome.HTTP_ERROR, 1.0, status_code=500)
    decision = decide(
        down,
        attempts=probe.attempts,
        first_attempt_at=probe.first_attempt_at,
        now=probe.claimed_at,
        schedule=DEFAULT_SCHEDULE,
        rng=random.Random(1),
        unaided=probe.unaided,
    )
    assert decision.status == ("pending" if hours < 24 else "exhausted")


async def test_a_resumption_ends_when_all_that_waited_was_under_way(
    ctx: AppContext, organization: UUID
) -> None:
    """It stayed resuming for days, and the next event's first failure paused it again."""
    endpoint_id, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (straggler,) = await claim_some(db)
        await pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        resumed = await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
        assert (resumed.status, resumed.waiting) == ("resuming", 1)
        assert await claim_some(db) == []
        assert (await endpoint_row(ctx, endpoint_id))["status"] == "resuming"
        await record_attempts(db, [attempt_record(straggler)])
        assert await claim_some(db) == []
        row = await endpoint_row(ctx, endpoint_id)
        assert (row["status"], row["paused_at"], row["probe_until"]) == ("active", None, None)
        await publish_order(ctx, organization)
        (one,) = await claim_some(db)
        await record_attempts(db, [failed(one)])
    assert not one.probing
    row = await endpoint_row(ctx, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 1)


async def test_a_probe_of_ours_with_nothing_left_to_send_goes_back_to_the_pause(
    ctx: AppContext, organization: UUID
) -> None:
    """Nothing was proved and nobody was told: the next event is the probe, and that is said."""
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (straggler,) = await claim_some(db)
        await ctx.database.pool.execute(
            "UPDATE webhook_endpoint SET status = 'paused', paused_reason = 'failures',"
            " paused_at = now() - interval '1 hour'"
        )
        assert await begin_probes(ctx, 600) == 1
        await record_attempts(db, [attempt_record(straggler)])
        assert await claim_some(db) == []
        row = await endpoint_row(ctx, endpoint_id)
        assert (row["status"], row["paused_reason"]) == ("paused", "failures")
        assert await ops_told(ctx) == []
        assert await begin_probes(ctx, 600) == 0
        await publish_order(ctx, organization)
        assert await begin_probes(ctx, 600) == 1
        (probe,) = await claim_some(db)
        assert (probe.probing, probe.unaided) == (True, True)
        await record_attempts(db, [attempt_record(probe)])
        await claim_some(db)
    assert (await endpoint_row(ctx, endpoint_id))["status"] == "active"
    assert [told["reason"] for told in await ops_told(ctx)] == ["probe"]
