"""The delivery log on a real database: tenants, segments, filters, pages, neighbours."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from privata.core.errors import NotFound
from privata.core.ids import new_id
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.deliveries import beside, figures, log_reading, reading
from privata.webhooks.deliveries.endpoint_health import health_of
from privata.webhooks.deliveries.log_query import PAGE_ROWS, LogQuery, Segment
from privata.webhooks.deliveries.reading import Partition
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.recovery.replays import PER_HOUR, replays_left
from privata.webhooks.tests.deliveries import GIVE_UP

NOW = datetime.now(UTC).replace(microsecond=0)

_ENDPOINT = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, status,
    paused_at, paused_reason)
VALUES ($1, $2, 'test', 'order', 'A', 'https://example.com/', $3::text,
    CASE WHEN $3::text = 'paused' THEN now() END,
    CASE WHEN $3::text = 'paused' THEN 'manual' END)
"""
_DELIVERY = """
WITH fact AS (
    INSERT INTO event (event_id, organization_id, environment, channel, type, order_id, order_seq,
        body)
    VALUES ($1, $2, 'test', 'order', $3, $4::text, 1, '{}')
    RETURNING seq)
    , waits AS (
INSERT INTO webhook_due (id, organization_id, environment, endpoint_id, event_seq, order_id,
    attempts, last_outcome, last_status_code, last_attempt_at, created_at)
SELECT $5, $2, 'test', $6, seq, $4::text, $8::int, $9::text, $10::int,
    CASE WHEN $8::int > 0 THEN $11::timestamptz END, $11::timestamptz
FROM fact WHERE $7::text = 'pending')
INSERT INTO webhook_delivery (id, organization_id, environment, endpoint_id, event_seq, status,
    attempts, delivered_at, last_outcome, last_status_code, last_attempt_at, created_at, replay,
    lease_token, retried_as_id)
SELECT $5, $2, 'test', $6, seq, $7::text, $8::int,
    CASE WHEN $7::text = 'delivered' THEN $11::timestamptz END,
    CASE WHEN $7::text <> 'delivered' THEN $9::text END, $10::int,
    CASE WHEN $8::int > 0 THEN $11::timestamptz END, $11::timestamptz, false, $8::int,
    CASE WHEN $7::text = 'retried' THEN new_id() END
FROM fact WHERE $7::text <> 'pending'
"""


class Dashboard:
    """A tenant with endpoints and deliveries."""

    def __init__(self, ctx: AppContext, organization: uuid.UUID) -> None:
        self.ctx, self.organization = ctx, organization

    async def endpoint(self, status: str = "active") -> uuid.UUID:
        made = uuid.uuid4()
        await self.run(_ENDPOINT, made, self.organization, status)
        return made

    async def deliver(
        self,
        endpoint: uuid.UUID,
        *,
        minutes: float = 1,
        type: str = "order.completed",  # noqa: A002  # as the column
        status: str = "pending",
        attempts: int = 0,
        outcome: str | None = None,
        code: int | None = None,
    ) -> uuid.UUID:
        """A delivery made that many minutes ago."""
        at = NOW - timedelta(minutes=minutes)
        made = new_id(at)
        order = f"prv-{made}"
        event, mine = f"{order}:completed:1", self.organization
        state = (status, attempts, outcome, code, at)
        await self.run(_DELIVERY, event, mine, type, order, made, endpoint, *state)
        return made

    def partition(self, endpoint: uuid.UUID | None = None) -> Partition:
        return Partition(self.organization, Environment.TEST, endpoint)

    async def page(self, query: LogQuery) -> reading.Page:
        return await log_reading.log_page(self.ctx, self.partition(), query, NOW)

    async def ids(
        self, query: LogQuery | None = None, endpoint: uuid.UUID | None = None
    ) -> list[uuid.UUID]:
        partition = self.partition(endpoint)
        page = await log_reading.log_page(self.ctx, partition, query or LogQuery(), NOW)
        return [row.id for row in page.rows]

    async def run(self, statement: str, *values: object) -> None:
        await self.ctx.database.pool.execute(statement, *values)


@pytest.fixture
def dashboard(ctx: AppContext, organization: uuid.UUID) -> Dashboard:
    return Dashboard(ctx, organization)


_FAILED: dict[str, Any] = {"attempts": 2, "outcome": "http_error", "code": 500}
_GIVEN_UP: dict[str, Any] = {"status": "exhausted", "attempts": 8, "outcome": "timeout"}
_DELIVERED: dict[str, Any] = {
    "status": "delivered",
    "attempts": 1,
    "outcome": "delivered",
    "code": 200,
}


async def test_segments_do_not_overlap_and_add_up(dashboard: Dashboard) -> None:

    active, paused, disabled = [
        await dashboard.endpoint(one) for one in ("active", "paused", "disabled")
    ]
    wanted = {
        Segment.QUEUED: await dashboard.deliver(active),
        Segment.RETRYING: await dashboard.deliver(active, minutes=2, **_FAILED),
        Segment.HELD: await dashboard.deliver(paused, minutes=3, **_FAILED),
        Segment.FAILED: await dashboard.deliver(active, minutes=4, **_GIVEN_UP),
        Segment.DELIVERED: await dashboard.deliver(active, minutes=5, **_DELIVERED),
        Segment.RETRIED: await dashboard.deliver(
            active, minutes=6, **_FAILED | {"status": "retried"}
        ),
        Segment.CANCELLED: await dashboard.deliver(disabled, minutes=7),
    }
    for segment, delivery in wanted.items():
        assert await dashboard.ids(LogQuery(segment=segment)) == [delivery], segment
    assert await dashboard.ids() == list(wanted.values())
    counts = await log_reading.segment_counts(dashboard.ctx, dashboard.partition(), LogQuery(), NOW)
    seldom = {Segment.ALL: 7, Segment.UNDELIVERED: 4, Segment.IN_FLIGHT: 0}
    assert counts == seldom | dict.fromkeys(wanted, 1)
    buckets = await log_reading.histogram_of(dashboard.ctx, dashboard.partition(), LogQuery(), NOW)
    assert [sum(column) for column in zip(*buckets, strict=True)] == [1, 3, 1]


async def test_segments_do_not_overlap_where_the_organization_is_stopped(
    dashboard: Dashboard,
) -> None:
    """What was left at a disabled endpoint counted as held and as cancelled."""

    active, disabled = await dashboard.endpoint(), await dashboard.endpoint("disabled")
    held = await dashboard.deliver(active)
    cancelled = await dashboard.deliver(disabled, minutes=2)
    await dashboard.run(
        "UPDATE organization SET status = 'rejected' WHERE id = $1", dashboard.organization
    )
    assert await dashboard.ids(LogQuery(segment=Segment.HELD)) == [held]
    assert await dashboard.ids(LogQuery(segment=Segment.CANCELLED)) == [cancelled]
    counts = await log_reading.segment_counts(dashboard.ctx, dashboard.partition(), LogQuery(), NOW)
    assert counts[Segment.ALL] == len(await dashboard.ids()) == 2


async def test_filters_narrow(dashboard: Dashboard) -> None:
    one, two = await dashboard.endpoint(), await dashboard.endpoint()
    first = await dashboard.deliver(one, minutes=1, **_FAILED)
    second = await dashboard.deliver(two, minutes=2, type="order.failed", **_GIVEN_UP)
    old = await dashboard.deliver(one, minutes=60 * 30, **_DELIVERED)
    assert await dashboard.ids() == [first, second]
    assert await dashboard.ids(LogQuery(span="7d")) == [first, second, old]
    assert await dashboard.ids(endpoint=two) == [second]
    assert await dashboard.ids(LogQuery(type="order.failed")) == [second]
    assert await dashboard.ids(LogQuery(type="order.*")) == [first, second]
    assert await dashboard.ids(LogQuery(response="5xx")) == [first]
    assert await dashboard.ids(LogQuery(response="timeout")) == [second]
    order = f"prv-{first}"
    for text in (str(first), order, order.upper(), f"{order}:completed:1"):
        assert await dashboard.ids(LogQuery(search=text)) == [first], text
    assert await dashboard.ids(LogQuery(search="prv-")) == []


async def test_another_organizations_rows_are_nowhere(dashboard: Dashboard) -> None:

    endpoint = await dashboard.endpoint()
    delivery = await dashboard.deliver(endpoint)
    other = Dashboard(dashboard.ctx, uuid.uuid4())
    assert await other.ids() == []
    assert await other.ids(LogQuery(search=str(delivery))) == []
    assert await reading.rows_by_id(dashboard.ctx, other.partition(), [delivery]) == []
    live = Partition(dashboard.organization, Environment.LIVE)
    for partition in (other.partition(), live):
        with pytest.raises(NotFound):
            await reading.delivery(dashboard.ctx, partition, delivery)
    with pytest.raises(NotFound):
        await endpoints.endpoint(dashboard.ctx, other.partition(endpoint))


async def test_pages_go_there_and_back_without_gap_or_repetition(dashboard: Dashboard) -> None:

    endpoint = await dashboard.endpoint()
    # Several of one moment: the id decides, or some would be lost between two pages.
    every = [await dashboard.deliver(endpoint, minutes=n // 7) for n in range(PAGE_ROWS + 9)]
    first = await dashboard.page(LogQuery())
    assert (len(first.rows), first.has_newer, first.has_older) == (PAGE_ROWS, False, True)
    edge = first.rows[-1].cursor
    second = await dashboard.page(LogQuery().page(older=edge))
    assert (len(second.rows), second.has_newer, second.has_older) == (9, True, False)
    assert {row.id for row in first.rows + second.rows} == set(every)
    edge = second.rows[0].cursor
    back = await dashboard.page(LogQuery().page(newer=edge))
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert not back.has_newer


async def test_neighbours_and_new_rows_follow_the_view(dashboard: Dashboard) -> None:

    endpoint = await dashboard.endpoint()
    new, _, middle, old = (
        await dashboard.deliver(endpoint, minutes=1, **_FAILED),
        await dashboard.deliver(endpoint, minutes=2, **_DELIVERED),
        await dashboard.deliver(endpoint, minutes=3, **_FAILED),
        await dashboard.deliver(endpoint, minutes=4, **_FAILED),
    )
    retrying = LogQuery(segment=Segment.RETRYING)
    ctx, partition = dashboard.ctx, dashboard.partition()
    (here,) = await reading.rows_by_id(ctx, partition, [middle])
    beside_it = await log_reading.neighbours(ctx, partition, retrying, here.cursor, NOW)
    assert beside_it == (new, old)
    assert await log_reading.newer_count(ctx, partition, retrying, here.cursor, NOW) == 1
    assert await log_reading.newer_count(ctx, partition, LogQuery(), here.cursor, NOW) == 2


async def test_a_first_attempt_names_the_event_it_waits_for(dashboard: Dashboard) -> None:

    endpoint = await dashboard.endpoint()
    first = await dashboard.deliver(endpoint, type="order.confirming")
    order = f"prv-{first}"
    await dashboard.run("UPDATE webhook_due SET order_id = $1 WHERE id = $2", order, first)
    second = await dashboard.deliver(endpoint)
    await dashboard.run("UPDATE webhook_due SET order_id = $1 WHERE id = $2", order, second)
    partition = dashboard.partition()
    assert await beside.waited_for(dashboard.ctx, partition, second) == "order.confirming"
    assert await beside.waited_for(dashboard.ctx, partition, first) is None


async def test_health_counts_hours_and_what_waits(dashboard: Dashboard) -> None:

    good, bad, unused = [await dashboard.endpoint() for _ in range(3)]
    await dashboard.deliver(good, minutes=0, **_DELIVERED)
    await dashboard.deliver(bad, minutes=0, **_FAILED)
    listed = [one.id for one in await endpoints.endpoints(dashboard.ctx, dashboard.partition())]
    health = await health_of(dashboard.ctx, dashboard.partition(), listed, NOW)
    assert (health[good].success, health[good].waiting) == (1.0, 0)
    assert health[good].states[-1] == "ok"
    assert (health[bad].success, health[bad].waiting) == (0.0, 1)
    assert health[bad].states[-1] == "bad"
    assert health[bad].last_failure_at == NOW
    assert health[unused].success is None
    assert set(health[unused].states) == {"none"}


async def test_the_replays_left_are_those_that_are_not_refused(dashboard: Dashboard) -> None:
    """A replay that failed and was retried counts once, as in `replays.not_too_many`."""

    endpoint = await dashboard.endpoint()
    delivered = await dashboard.deliver(endpoint, minutes=9, **_DELIVERED)
    assert await replays_left(dashboard.ctx, dashboard.partition(), endpoint) == PER_HOUR
    of_delivered, replay, again = [await dashboard.deliver(endpoint, minutes=n) for n in (8, 7, 6)]
    for made, old in ((of_delivered, delivered), (replay, None), (again, replay)):
        await dashboard.run(
            "UPDATE webhook_due SET replay = true, retry_of_id = $1 WHERE id = $2", old, made
        )
    await dashboard.run(GIVE_UP.format(where="id = $1", attempts=1), replay)
    await dashboard.run(
        "UPDATE webhook_delivery SET status = 'retried', retried_as_id = $2 WHERE id = $1",
        replay,
        again,
    )
    assert await replays_left(dashboard.ctx, dashboard.partition(), endpoint) == PER_HOUR - 2


async def test_the_retry_is_found_among_any_number_of_replays(dashboard: Dashboard) -> None:
    """It was looked for among the 24 oldest deliveries of the event; beyond those it was missing,
    and so was that a recovery had taken over."""
    endpoint = await dashboard.endpoint()
    given_up = await dashboard.deliver(endpoint, minutes=90, **_GIVEN_UP)
    replays = [await dashboard.deliver(endpoint, minutes=60 - n, **_DELIVERED) for n in range(30)]
    await dashboard.run(
        "UPDATE webhook_delivery SET replay = true, event_seq = (SELECT event_seq"
        " FROM webhook_delivery WHERE id = $1) WHERE id = ANY ($2)",
        given_up,
        replays,
    )
    *_, retried, retry = replays
    partition = dashboard.partition()

    async def row(ident: uuid.UUID) -> reading.DeliveryRow:
        return await reading.delivery(dashboard.ctx, partition, ident)

    assert not await reading.taken_over(dashboard.ctx, partition, await row(given_up))
    recovery = uuid.uuid4()
    await dashboard.run(
        "INSERT INTO webhook_recovery (id, organization_id, environment, endpoint_id, since,"
        " created_by) VALUES ($1, $2, 'test', $3, now(), 'a@b.example')",
        recovery,
        dashboard.organization,
        endpoint,
    )
    await dashboard.run(
        "UPDATE webhook_delivery SET retry_of_id = $1, recovery_id = $2 WHERE id = $3",
        retried,
        recovery,
        retry,
    )
    await dashboard.run(
        "UPDATE webhook_delivery SET retried_as_id = $2 WHERE id = $1", retried, retry
    )
    assert await reading.taken_over(dashboard.ctx, partition, await row(given_up))
    ahead = await reading.beside(dashboard.ctx, partition, await row(retried))
    back = await reading.beside(dashboard.ctx, partition, await row(retry))
    assert ahead.retried_as is not None
    assert ahead.retried_as.id == retry
    assert ahead.retry_of is None
    assert back.retry_of is not None
    assert back.retry_of.id == retried
    assert given_up in {one.id for one in back.others}
    assert not {retry, retried} & {one.id for one in back.others}


async def test_a_delivery_is_found_by_its_id_or_its_events(dashboard: Dashboard) -> None:
    endpoint = await dashboard.endpoint()
    made, _ = [await dashboard.deliver(endpoint) for _ in range(2)]
    partition = dashboard.partition()
    for text in (str(made), made.hex, f"prv-{made}:completed:1", f"PRV-{made}:completed:1"):
        found = await reading.found_by(dashboard.ctx, partition, text, limit=6)
        assert [one.id for one in found] == [made], text
    for text in (str(uuid.uuid4()), f"prv-{made}", "nothing:of:ours", "%", ""):
        assert not await reading.found_by(dashboard.ctx, partition, text, limit=6), text
    elsewhere = Partition(dashboard.organization, Environment.LIVE)
    assert not await reading.found_by(dashboard.ctx, elsewhere, str(made), limit=6)


async def test_endpoints_are_found_by_id_and_by_parts_of_their_names(dashboard: Dashboard) -> None:
    first, second = await dashboard.endpoint(), await dashboard.endpoint("paused")
    await dashboard.run("UPDATE webhook_endpoint SET alias = 'Shop_1' WHERE id = $1", first)
    ctx, partition = dashboard.ctx, dashboard.partition()

    async def found(text: str) -> list[uuid.UUID]:
        return [one.id for one in await endpoints.found_by(ctx, partition, text, limit=6)]

    assert await found(str(first)) == [first]
    assert await found("sHOP") == [first]
    assert await found("EXAMPLE.com") == [second, first]
    assert await found("p%1") == []
    assert await found(str(uuid.uuid4())) == []
    assert await endpoints.paused_count(ctx, partition) == 1


async def test_deliveries_by_hour_count_what_was_tried(dashboard: Dashboard) -> None:
    """What was retried counts as its retry; what was never tried counts for nothing."""
    endpoint = await dashboard.endpoint()
    for state in (_DELIVERED, _FAILED, _GIVEN_UP, {}, {"status": "retried", "attempts": 2}):
        await dashboard.deliver(endpoint, minutes=1, **state)
    await dashboard.deliver(endpoint, minutes=60 * 30, **_DELIVERED)
    await dashboard.deliver(endpoint, minutes=60 * 60, **_DELIVERED)
    day = timedelta(days=1)
    rows = await figures.by_hour(
        dashboard.ctx, dashboard.partition(), since=NOW - 2 * day, recent_since=NOW - day
    )
    by_recent = {row.recent: (row.tried, row.delivered) for row in rows}
    assert by_recent == {True: (3, 1), False: (1, 1)}
    assert {row.hour.minute for row in rows} == {0}
    assert {row.hour.utcoffset() for row in rows} == {timedelta(0)}
