"""Any history of deliveries, and the same answer from every face of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from privata import webhooks
from privata.core.errors import PrivataError
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.webhooks.deliveries import listing, reading
from privata.webhooks.deliveries.listing import DeliveryFilter, DeliveryQuery
from privata.webhooks.deliveries.tests.faces import Faces
from privata.webhooks.endpoints import service
from privata.webhooks.engine.claims import Claim, claim
from privata.webhooks.engine.recording import _RECORD, AttemptRecord, record_attempts
from privata.webhooks.recovery.bulk_retries import retry_many
from privata.webhooks.recovery.recoveries import missed_since, recover
from privata.webhooks.recovery.recovering import _QUEUE, recover_step
from privata.webhooks.recovery.replays import replay_delivery
from privata.webhooks.recovery.resuming import begin_probes, resume_endpoint
from privata.webhooks.recovery.retries import _TAKE_OVER, retry_delivery
from privata.webhooks.states import DeliveryState
from privata.webhooks.tests.deliveries import (
    actor_of,
    attempt_record,
    end_leases,
    endpoint,
    failed,
    granted,
    make_due,
    publish_order,
    reconnecting,
)

#: Longer than any example takes, so that nothing changes between two looks.
FOREVER_S = 36_000.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


#: Which of those there are: claims are fair by chance, so what is drawn must not depend on them.
PICK = st.integers(0, 10_000)


class Histories(RuleBasedStateMachine):
    """Each example has an organization of its own in one database."""

    def __init__(self, ctx: AppContext, runner: asyncio.Runner) -> None:
        super().__init__()
        self.ctx, self.runner = ctx, runner
        self.organization = uuid.uuid4()
        self.actor = actor_of(self.organization)
        self.faces = Faces(ctx, self.organization)
        self.endpoints: list[uuid.UUID] = []
        self.leased: list[Claim] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def maybe(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Done, unless the house refuses it now."""
        try:
            return self.run(work)
        except PrivataError:
            return None

    def status(self, status: str) -> None:
        statement = "UPDATE organization SET status = $2 WHERE id = $1"
        self.run(self.ctx.database.pool.execute(statement, self.organization, status))

    @initialize()
    def begin(self) -> None:
        statement = "INSERT INTO organization (id, name, status) VALUES ($1, 'A', 'approved')"
        self.run(self.ctx.database.pool.execute(statement, self.organization))
        for _ in range(2):
            self.endpoints.append(self.run(endpoint(self.ctx, self.organization))[0])
        self.run(publish_order(self.ctx, self.organization, (1, 2)))

    @rule(events=st.integers(1, 2))
    def publish(self, events: int) -> None:
        self.run(publish_order(self.ctx, self.organization, range(1, events + 1)))

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        self.leased += self.run(self._claim(limit))

    async def _claim(self, limit: int) -> list[Claim]:
        async with reconnecting(self.ctx) as db:
            grant = granted(limit, limit, limit)
            return await claim(db, grant=grant, lease_s=FOREVER_S, per_endpoint=limit)

    @rule(
        what=st.sampled_from(["delivered", "delivered", "pending", "exhausted", "ours", "gone"]),
        pick=PICK,
    )
    def record_attempts(self, what: str, pick: int) -> None:
        if not self.leased:
            return
        claimed = self.leased.pop(pick % len(self.leased))
        if what == "delivered":
            done = attempt_record(claimed)
        elif what == "ours":
            done = attempt_record(
                claimed, status="pending", spent=False, wait_s=FOREVER_S, outcome="internal"
            )
        else:
            status = "exhausted" if what == "exhausted" else "pending"
            done = failed(claimed, status=status, wait_s=FOREVER_S, gone=what == "gone")
        self.run(self._record(done))

    async def _record(self, done: AttemptRecord) -> None:
        async with reconnecting(self.ctx) as db:
            await record_attempts(db, [done])

    @rule()
    def let_time_pass(self) -> None:
        self.run(make_due(self.ctx))

    @rule()
    def lose_the_worker(self) -> None:
        self.run(end_leases(self.ctx))

    @rule(replay=st.booleans(), pick=PICK)
    def send_again(self, replay: bool, pick: int) -> None:
        ids = list(self.run(self.faces.truth()).states)
        one = ids[pick % len(ids)]
        verb = replay_delivery if replay else retry_delivery
        self.maybe(verb(self.ctx, actor=self.actor, delivery_id=one))

    @rule()
    def retry_all_that_the_page_offers(self) -> None:
        search = reading.DeliverySearch(self.faces.partition, retryable=True)
        ids = self.run(reading.oldest_ids(self.ctx, search, 1000))
        if ids:
            done = self.run(retry_many(self.ctx, actor=self.actor, delivery_ids=ids))
            assert (done.again, done.left) == (len(ids), 0)

    @rule(which=st.integers(0, 1))
    def recover_what_the_page_counts(self, which: int) -> None:
        actor, chosen = self.actor, self.endpoints[which]
        missed = self.run(missed_since(self.ctx, actor=actor, endpoint_id=chosen, since=LONG_AGO))
        begun = self.maybe(recover(self.ctx, actor=actor, endpoint_id=chosen, since=LONG_AGO))
        if begun is not None:
            assert begun.total == missed
            self.run(recover_step(self.ctx))

    @rule(
        which=st.integers(0, 1),
        verb=st.sampled_from([service.pause_endpoint, resume_endpoint, resume_endpoint]),
    )
    def pause_or_resume(self, which: int, verb: Any) -> None:
        chosen = self.endpoints[which]
        self.maybe(verb(self.ctx, actor=self.actor, endpoint_id=chosen))

    @rule()
    def probe(self) -> None:
        self.run(begin_probes(self.ctx, 0.0))

    @rule(
        which=st.integers(0, 1),
        verb=st.sampled_from([service.disable_endpoint, service.delete_endpoint]),
        chance=st.integers(0, 3),
    )
    def end(self, which: int, verb: Any, chance: int) -> None:
        if not chance:
            chosen = self.endpoints[which]
            self.maybe(verb(self.ctx, actor=self.actor, endpoint_id=chosen))

    @rule(which=st.integers(0, 1), on=st.booleans())
    def turn_an_event_type_off(self, which: int, on: bool) -> None:
        self.maybe(
            service.update_endpoint(
                self.ctx,
                actor=self.actor,
                endpoint_id=self.endpoints[which],
                event_filter=None if on else ["order.completed"],
            )
        )

    @rule(status=st.sampled_from(["approved", "approved", "rejected"]))
    def review_the_organization(self, status: str) -> None:
        self.status(status)

    @invariant()
    def every_face_says_the_same(self) -> None:
        if self.endpoints:
            self.run(self.faces.agree_anew())
            self.run(self.faces.each_in_one_table())

    def teardown(self) -> None:
        # The next example's claims are for its own organization.
        self.status("rejected")


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


def test_any_history_looks_the_same_from_every_face(
    settings: Settings, runner: asyncio.Runner
) -> None:
    assert settings.database_url is not None
    ctx = runner.run(AppContext.open(settings, settings.database_url))

    class Here(Histories):
        def __init__(self) -> None:
            super().__init__(ctx, runner)

    try:
        run_state_machine_as_test(
            Here,
            settings=hypothesis_settings(
                max_examples=10,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        runner.run(ctx.close())


def test_what_enters_the_log_leaves_what_is_due_in_the_same_statement() -> None:
    """Nothing else can write there, so a finished delivery is never due."""
    for statement in (_RECORD, _TAKE_OVER, _QUEUE):
        assert "INSERT INTO webhook_delivery (" in statement
        assert "DELETE FROM webhook_due AS d" in statement
    package = Path(webhooks.__file__).parent
    sources = [
        path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
        if not {"tests", "migrations"} & set(path.parts)
    ]
    written = sum(text.count("INSERT INTO webhook_delivery (") for text in sources)
    put_back = sum(text.count("INSERT INTO webhook_delivery SELECT g.* FROM") for text in sources)
    assert (written, put_back) == (3, 1)
    assert sum(text.count("INSERT INTO webhook_delivery") for text in sources) == 4


async def test_no_table_has_a_place_for_what_belongs_to_the_other(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    _, claimed = await _one(ctx, organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [attempt_record(claimed)])
    pool = ctx.database.pool
    with pytest.raises(asyncpg.CheckViolationError, match="webhook_delivery_status"):
        await pool.execute("UPDATE webhook_delivery SET status = 'pending', delivered_at = NULL")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await pool.execute("UPDATE webhook_due SET status = 'delivered'")


async def _one(ctx: AppContext, organization: uuid.UUID) -> tuple[uuid.UUID, Claim]:
    """An endpoint, and the first of its deliveries in flight."""
    made, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    async with reconnecting(ctx) as db:
        (claimed,) = await claim(db, grant=granted(1, 1, 1), lease_s=FOREVER_S, per_endpoint=1)
    return made, claimed


async def test_an_exhausted_event_whose_replay_arrived_is_undelivered_nowhere(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The API's log listed it as undelivered; the page and the endpoint's list did not."""
    _, claimed = await _one(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [failed(claimed, status="exhausted")])
        await replay_delivery(ctx, actor=actor, delivery_id=claimed.delivery_id)
        (again,) = await claim(db, grant=granted(1, 1, 1), lease_s=FOREVER_S, per_endpoint=1)
        await record_attempts(db, [attempt_record(again)])
    query = DeliveryQuery(status=DeliveryFilter.UNDELIVERED)
    assert await listing.deliveries(ctx, actor=actor, query=query) == ([], None)
    await Faces(ctx, organization).agree()


async def test_a_resuming_endpoints_deliveries_are_held_everywhere(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The page's filter said held, its rows in line, and the API pending."""
    made, _ = await endpoint(ctx, organization)
    actor = actor_of(organization)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=made)
    await publish_order(ctx, organization, (1, 2))
    await resume_endpoint(ctx, actor=actor, endpoint_id=made)
    rows, _ = await listing.deliveries(ctx, actor=actor, query=DeliveryQuery())
    assert [(row["status"], row["next_attempt_at"]) for row in rows] == [("held", None)] * 2
    await Faces(ctx, organization).agree()


async def test_a_disabled_endpoint_has_no_next_attempt_and_lacks_nothing(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """Cancelled deliveries are not owed: the API's log said that they were undelivered."""
    made, claimed = await _one(ctx, organization)
    actor = actor_of(organization)
    async with reconnecting(ctx) as db:
        await record_attempts(db, [failed(claimed)])
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=made)
    shown = await listing.delivery(ctx, actor=actor, delivery_id=claimed.delivery_id)
    assert (shown["status"], shown["next_attempt_at"]) == ("cancelled", None)
    query = DeliveryQuery(status=DeliveryFilter.UNDELIVERED)
    assert await listing.deliveries(ctx, actor=actor, query=query) == ([], None)
    await Faces(ctx, organization).agree()


async def test_what_the_organizations_status_holds_is_held_in_the_apis(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The page said held and the APIs pending, with a next attempt."""
    made, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    await ctx.database.pool.execute("UPDATE organization SET status = 'rejected'")
    actor = actor_of(organization)
    rows, _ = await listing.deliveries(
        ctx, actor=actor, query=DeliveryQuery(status=DeliveryFilter.HELD)
    )
    assert [(row["endpoint_id"], row["next_attempt_at"]) for row in rows] == [(made, None)]
    await Faces(ctx, organization).agree()


async def test_a_claim_that_is_under_way_is_in_flight_wherever_its_endpoint_stands(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The page's row said sending, its filter held, and the API held."""
    made, claimed = await _one(ctx, organization)
    actor = actor_of(organization)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=made)
    truth = await Faces(ctx, organization).truth()
    assert truth.states == {claimed.delivery_id: DeliveryState.IN_FLIGHT}
    await Faces(ctx, organization).agree()
