"""What a resumption sends: all that waits, tried or not, the oldest first, each order in `seq`."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

import pytest

from privata.core.tenancy import Environment
from privata.infra.kernel import Kernel
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Place
from privata.webhooks.endpoints.service import pause_endpoint, update_endpoint
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.reconnecting import Line
from privata.webhooks.engine.settling import Settlement, settle
from privata.webhooks.engine.verdicts import decide
from privata.webhooks.outcomes import Outcome
from privata.webhooks.recovery.resuming import begin_probes, resume_endpoint
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.tests.deliveries import (
    actor_of,
    claim_some,
    count,
    delivery,
    end_leases,
    endpoint,
    endpoint_row,
    failed,
    flush_progress,
    line,
    ops_told,
    publish_order,
    settlement,
)
from privata.webhooks.transport.transport import SendResult

#: What had failed before the pause waits for times that are scattered over the next twelve hours.
_TRIED = """
UPDATE webhook_delivery
SET attempts = 3, due_at = now() + make_interval(mins => $2), last_outcome = 'http_error',
    first_attempt_at = now() - interval '1 hour', last_attempt_at = now() - interval '1 minute'
WHERE event_seq = (SELECT min(seq) + $1 FROM event)
"""

_REFILL = "UPDATE webhook_endpoint SET flush_tokens_at = flush_tokens_at - interval '1 min'"


async def waiting(
    kernel: Kernel, organization: UUID, orders: int = 1, events: int = 5, *, strict: bool = False
) -> UUID:
    """A paused endpoint with orders, of which the odd events have failed before."""
    endpoint_id, _ = await endpoint(kernel, organization)
    actor = actor_of(organization)
    await update_endpoint(
        kernel, actor=actor, endpoint_id=endpoint_id, pace_per_s=1000, strict_lanes=strict
    )
    for _ in range(orders):
        await publish_order(kernel, organization, range(1, events + 1))
    rng = random.Random(1)
    for nth in range(0, orders * events, 2):
        await kernel.database.pool.execute(_TRIED, nth, rng.randint(1, 720))
    await pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    return endpoint_id


async def take(kernel: Kernel, db: Line) -> list[Claim]:
    """A claim with a full bucket."""
    await kernel.database.pool.execute(_REFILL)
    return await claim_some(db)


async def flush(kernel: Kernel, db: Line, *, bad: tuple[int, ...] = ()) -> list[Claim]:
    """Send until nothing is claimed any more; attempts of these places of the line fail."""
    sent: list[Claim] = []
    while claimed := await take(kernel, db):
        results: list[Settlement] = []
        for one in claimed:
            sent.append(one)
            good = len(sent) not in bad
            results.append(settlement(one) if good else failed(one))
        await settle(db, results)
    return sent


def seqs(sent: list[Claim]) -> list[int]:
    return [int(one.event_id.split("step_")[1].split(":")[0]) for one in sent]


async def test_a_resume_does_not_scramble_an_orders_events(
    kernel: Kernel, organization: UUID
) -> None:
    """They arrived as 3, 2, 5, 1, 4: what was tried before went by its own jittered time."""
    endpoint_id = await waiting(kernel, organization)
    await resume_endpoint(kernel, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with line(kernel) as db:
        sent = await flush(kernel, db)
    assert seqs(sent) == [1, 2, 3, 4, 5]
    assert [one.probing for one in sent] == [True, False, False, False, False]
    assert (await endpoint_row(kernel, endpoint_id))["status"] == "active"


async def test_a_resume_leaves_nothing_on_its_old_schedule(
    kernel: Kernel, organization: UUID
) -> None:
    """All of it at once, and one figure: what the API says, the event says, and what is sent."""
    endpoint_id = await waiting(kernel, organization, orders=6)
    actor = actor_of(organization)
    resumed = await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    assert await flush_progress(kernel, actor, endpoint_id) == (30, 30)
    async with line(kernel) as db:
        sent = await flush(kernel, db)
    assert resumed.waiting == len(sent) == 30
    assert [one["waiting"] for one in await ops_told(kernel)] == [30]
    assert await count(kernel, "status = 'delivered'") == 30
    # The oldest that its order lets through is always the next one.
    for order_id in {one.event_id.split(":")[0] for one in sent}:
        mine = [one for one in sent if one.event_id.startswith(order_id)]
        assert seqs(mine) == [1, 2, 3, 4, 5]
    assert await flush_progress(kernel, actor, endpoint_id) == (0, 30)


async def test_the_page_the_api_and_what_is_sent_are_one_figure(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await waiting(kernel, organization, orders=3)
    pool = kernel.database.pool
    for _ in range(2):
        await publish_order(kernel, organization)
    await pool.execute(
        "UPDATE webhook_delivery SET status = 'exhausted'"
        " WHERE event_seq > (SELECT max(seq) - 2 FROM event)"
    )
    shown = await _shown_waiting(kernel, organization, endpoint_id)
    actor = actor_of(organization)
    resumed = await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    assert shown == (resumed.waiting, resumed.exhausted) == (15, 2)
    async with line(kernel) as db:
        (probe,) = await claim_some(db)
        during = await _shown_waiting(kernel, organization, endpoint_id)
        assert during[0] == (await flush_progress(kernel, actor, endpoint_id))[0] == 15
        await settle(db, [settlement(probe)])
        during = await _shown_waiting(kernel, organization, endpoint_id)
        assert during[0] == (await flush_progress(kernel, actor, endpoint_id))[0] == 14
        assert len(await flush(kernel, db)) == 14


async def _shown_waiting(kernel: Kernel, organization: UUID, endpoint_id: UUID) -> tuple[int, int]:
    """What the endpoint's page says: waiting, and exhausted beside it."""
    place = Place(organization, Environment.TEST, endpoint_id)
    waits = await endpoints.waiting_of(kernel, place, [endpoint_id])
    return waits[endpoint_id], await endpoints.exhausted(kernel, place)


async def test_one_that_fails_in_the_line_holds_up_nobody(
    kernel: Kernel, organization: UUID
) -> None:
    """It goes back to its schedule; its order's next one had to wait for that attempt."""
    endpoint_id = await waiting(kernel, organization)
    await resume_endpoint(kernel, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with line(kernel) as db:
        sent = await flush(kernel, db, bad=(3,))
    assert seqs(sent) == [1, 2, 3, 4, 5]
    assert (await endpoint_row(kernel, endpoint_id))["status"] == "active"
    left = await delivery(kernel, sent[2].delivery_id)
    assert (left["status"], left["attempts"]) == ("pending", 4)


async def test_a_strict_lane_that_fails_again_does_not_keep_the_endpoint_resuming(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await waiting(kernel, organization, orders=2, strict=True)
    await resume_endpoint(kernel, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with line(kernel) as db:
        sent = await flush(kernel, db, bad=(4,))
        assert (await endpoint_row(kernel, endpoint_id))["status"] == "active"
        stuck = await count(kernel, "status = 'pending'")
        assert stuck + len(sent) == 11
        assert 1 < stuck < 6  # the one that failed, and those of its order that wait for it
        await kernel.database.pool.execute(
            "UPDATE webhook_delivery SET due_at = now() WHERE status = 'pending'"
        )
        sent += await flush(kernel, db)
    for order_id in {one.event_id.split(":")[0] for one in sent}:
        mine = seqs([one for one in sent if one.event_id.startswith(order_id)])
        assert mine == sorted(mine)
    assert await count(kernel, "status = 'delivered'") == 10


async def test_what_a_killed_worker_had_keeps_its_place_in_the_line(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await waiting(kernel, organization, orders=2)
    await resume_endpoint(kernel, actor=actor_of(organization), endpoint_id=endpoint_id)
    async with line(kernel) as db:
        (probe,) = await claim_some(db)
        await settle(db, [settlement(probe)])
        lost = await take(kernel, db)
        assert sorted(seqs(lost)) == [1, 2]
        # Its leases run out later than anything that waits was due, and nothing passes them.
        assert await take(kernel, db) == []
        await end_leases(kernel)
        again = await take(kernel, db)
        assert [one.delivery_id for one in again] == [one.delivery_id for one in lost]
        await settle(db, [settlement(one) for one in again])
        rest = await flush(kernel, db)
    assert len(rest) == 7


async def test_what_fails_again_after_a_pause_is_in_the_next_line(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await waiting(kernel, organization)
    actor = actor_of(organization)
    await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    async with line(kernel) as db:
        (probe,) = await claim_some(db)
        await settle(db, [settlement(probe)])
        (second,) = await take(kernel, db)
        await settle(db, [failed(second)])
        await pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
        again = await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
        assert again.waiting == 4
        assert seqs(await flush(kernel, db)) == [2, 3, 4, 5]


async def test_what_comes_while_it_resumes_goes_behind_its_order(
    kernel: Kernel, organization: UUID
) -> None:
    endpoint_id = await waiting(kernel, organization, events=3)
    actor = actor_of(organization)
    await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
    order_id = await kernel.database.pool.fetchval("SELECT order_id FROM webhook_delivery LIMIT 1")
    await publish_order(kernel, organization, (4, 5), order_id)
    assert await flush_progress(kernel, actor, endpoint_id) == (3, 3)
    async with line(kernel) as db:
        assert seqs(await flush(kernel, db)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("hours", [23, 25])
async def test_probes_of_our_own_do_not_use_up_the_oldest_event(
    kernel: Kernel, organization: UUID, hours: int
) -> None:
    """One every ten minutes would have exhausted it in little more than an hour."""
    endpoint_id = await waiting(kernel, organization)
    pool = kernel.database.pool
    await pool.execute(
        "UPDATE webhook_endpoint SET paused_reason = 'failures', paused_at = now() - $1::interval"
        " WHERE id = $2",
        timedelta(hours=1),
        endpoint_id,
    )
    await pool.execute(
        "UPDATE webhook_delivery SET attempts = 7,"
        " first_attempt_at = now() - make_interval(hours => $1) WHERE attempts > 0",
        hours,
    )
    assert await begin_probes(kernel, 600) == 1
    async with line(kernel) as db:
        (probe,) = await claim_some(db)
    assert (probe.probing, probe.unaided, seqs([probe])) == (True, True, [1])
    assert probe.first_attempt_at is not None
    down = SendResult(Outcome.HTTP_ERROR, 1.0, status_code=500)
    verdict = decide(
        down,
        attempts=probe.attempts,
        first_attempt_at=probe.first_attempt_at,
        now=probe.claimed_at,
        schedule=DEFAULT_SCHEDULE,
        rng=random.Random(1),
        unaided=probe.unaided,
    )
    assert verdict.status == ("pending" if hours < 24 else "exhausted")


async def test_a_resumption_ends_when_all_that_waited_was_under_way(
    kernel: Kernel, organization: UUID
) -> None:
    """It stayed resuming for days, and the next event's first failure paused it again."""
    endpoint_id, _ = await endpoint(kernel, organization)
    actor = actor_of(organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (straggler,) = await claim_some(db)
        await pause_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
        resumed = await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id)
        assert (resumed.status, resumed.waiting) == ("resuming", 1)
        assert await claim_some(db) == []
        assert (await endpoint_row(kernel, endpoint_id))["status"] == "resuming"
        await settle(db, [settlement(straggler)])
        assert await claim_some(db) == []
        row = await endpoint_row(kernel, endpoint_id)
        assert (row["status"], row["paused_at"], row["probe_until"]) == ("active", None, None)
        await publish_order(kernel, organization)
        (one,) = await claim_some(db)
        await settle(db, [failed(one)])
    assert not one.probing
    row = await endpoint_row(kernel, endpoint_id)
    assert (row["status"], len(row["failures"])) == ("active", 1)


async def test_a_probe_of_ours_with_nothing_left_to_send_goes_back_to_the_pause(
    kernel: Kernel, organization: UUID
) -> None:
    """Nothing was proved and nobody was told: the next event is the probe, and that is said."""
    endpoint_id, _ = await endpoint(kernel, organization)
    await publish_order(kernel, organization)
    async with line(kernel) as db:
        (straggler,) = await claim_some(db)
        await kernel.database.pool.execute(
            "UPDATE webhook_endpoint SET status = 'paused', paused_reason = 'failures',"
            " paused_at = now() - interval '1 hour'"
        )
        assert await begin_probes(kernel, 600) == 1
        await settle(db, [settlement(straggler)])
        assert await claim_some(db) == []
        row = await endpoint_row(kernel, endpoint_id)
        assert (row["status"], row["paused_reason"]) == ("paused", "failures")
        assert await ops_told(kernel) == []
        assert await begin_probes(kernel, 600) == 0
        await publish_order(kernel, organization)
        assert await begin_probes(kernel, 600) == 1
        (probe,) = await claim_some(db)
        assert (probe.probing, probe.unaided) == (True, True)
        await settle(db, [settlement(probe)])
        await claim_some(db)
    assert (await endpoint_row(kernel, endpoint_id))["status"] == "active"
    assert [told["reason"] for told in await ops_told(kernel)] == ["probe"]
