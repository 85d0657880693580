"""Every reader of deliveries, asked about the same rows."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.webhooks.deliveries import figures, listing, log_reading, reading
from privata.webhooks.deliveries.details import delivery_details
from privata.webhooks.deliveries.endpoint_health import health_of
from privata.webhooks.deliveries.listing import DeliveryFilter, DeliveryQuery, status_of
from privata.webhooks.deliveries.log_query import LogQuery, Segment
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import reading as endpoints
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.states import UNDELIVERED_STATES, DeliveryState
from privata.webhooks.tests.deliveries import actor_of

_ROWS = """
SELECT d.*, d.leased_until > now() AS leased, e.status AS endpoint_status,
       e.resumed_at, o.status AS organization_status,
       now() AS now
FROM webhook_every_delivery AS d JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
JOIN organization AS o ON o.id = d.organization_id WHERE d.organization_id = $1
ORDER BY d.event_seq, d.endpoint_id, d.created_at, d.id
"""

#: All that a face of a delivery may go by, the hands of the clock included.
_SEEN = """
SELECT d::text, e::text, o::text, d.due_at <= now(), d.leased_until <= now(), d.created_at <= now(),
       (SELECT count(*) FROM webhook_attempt AS a WHERE a.delivery_id = d.id)
FROM webhook_every_delivery AS d JOIN webhook_endpoint AS e ON e.id = d.endpoint_id
JOIN organization AS o ON o.id = d.organization_id WHERE d.organization_id = $1 ORDER BY d.id
"""


def expected(row: asyncpg.Record) -> DeliveryState:
    """The state of a row, in plain words."""
    if row["status"] != "pending":
        return DeliveryState(row["status"])
    if row["leased"]:
        return DeliveryState.IN_FLIGHT
    if row["endpoint_status"] == "disabled":
        return DeliveryState.CANCELLED
    if row["endpoint_status"] == "paused" or row["organization_status"] != "approved":
        return DeliveryState.HELD
    tried = row["last_attempt_at"]
    untried = tried is None or (row["resumed_at"] is not None and tried < row["resumed_at"])
    if row["endpoint_status"] == "resuming" and (untried or row["due_at"] <= row["now"]):
        return DeliveryState.HELD
    return DeliveryState.RETRYING if row["attempts"] else DeliveryState.QUEUED


@dataclass(frozen=True)
class Truth:
    """What the rows say, by the rules in plain words."""

    states: dict[uuid.UUID, DeliveryState]
    lacking: dict[uuid.UUID, uuid.UUID]
    endpoint_of: dict[uuid.UUID, uuid.UUID]

    @classmethod
    def of(cls, rows: list[asyncpg.Record]) -> Truth:
        states = {row["id"]: expected(row) for row in rows}
        arrived = {
            (row["endpoint_id"], row["event_seq"])
            for row in rows
            if row["replay"] and row["status"] == "delivered"
        }
        lacking = {
            row["id"]: row["endpoint_id"]
            for row in rows
            if not row["replay"]
            and states[row["id"]] in UNDELIVERED_STATES
            and (row["endpoint_id"], row["event_seq"]) not in arrived
        }
        return cls(states, lacking, {row["id"]: row["endpoint_id"] for row in rows})

    def having(self, *states: DeliveryState) -> set[uuid.UUID]:
        return {one for one, state in self.states.items() if state in states}


class Faces:
    """Asks every reader about the deliveries of an organization."""

    def __init__(self, ctx: AppContext, organization: uuid.UUID) -> None:
        self.ctx = ctx
        self.actor = actor_of(organization)
        self.partition = Partition(organization, Environment.TEST)
        self._agreed_on: list[asyncpg.Record] | None = None
        self._known: set[uuid.UUID] = set()

    async def agree_anew(self) -> None:
        """`agree`, unless they did and nothing has changed since: most steps of a history are
        refused, or find nothing to do."""
        seen = await self.ctx.database.pool.fetch(_SEEN, self.partition.organization_id)
        if seen != self._agreed_on:
            await self.agree()
        self._agreed_on = seen

    async def each_in_one_table(self) -> None:
        """What waits is due and not in the log, what is finished the other way about, and none of
        those that there ever were is lost."""
        whose = self.partition.organization_id
        due, log = [
            {row["id"] for row in await self.ctx.database.pool.fetch(asked, whose)}
            for asked in (
                "SELECT id FROM webhook_due WHERE organization_id = $1",
                "SELECT id FROM webhook_delivery WHERE organization_id = $1",
            )
        ]
        assert not due & log
        assert self._known <= due | log
        self._known = due | log

    async def truth(self) -> Truth:
        return Truth.of(await self.ctx.database.pool.fetch(_ROWS, self.partition.organization_id))

    async def agree(self) -> None:
        truth = await self.truth()
        await self.pages(truth, self.partition, truth.states)
        for endpoint_id in set(truth.endpoint_of.values()):
            mine = Partition(self.partition.organization_id, Environment.TEST, endpoint_id)
            states = {
                one: state
                for one, state in truth.states.items()
                if truth.endpoint_of[one] == endpoint_id
            }
            await self.pages(truth, mine, states)
            await self.counts(mine, states)
        await self.apis(truth)
        await self.one_by_one(truth)

    async def pages(
        self, truth: Truth, partition: Partition, states: dict[uuid.UUID, DeliveryState]
    ) -> None:
        """The log: its rows, its segments and their figures."""
        now = datetime.now(UTC)
        page = await reading.page_of(self.ctx, reading.DeliverySearch(partition), limit=1000)
        assert {row.id: row.state for row in page.rows} == states
        lacking = {one for one in truth.lacking if one in states}
        counts = await log_reading.segment_counts(self.ctx, partition, LogQuery(), now)
        assert counts[Segment.ALL] == len(states)
        for segment in Segment:
            search = log_reading.search_of(partition, LogQuery(segment=segment), now)
            found = set(await reading.oldest_ids(self.ctx, search, 1000))
            assert len(found) == counts[segment] == await figures.count(self.ctx, search)
            if segment is Segment.UNDELIVERED:
                assert found == lacking
            elif segment is not Segment.ALL:
                name = "exhausted" if segment is Segment.FAILED else segment.value
                assert found == {one for one, state in states.items() if state == name}

    async def counts(self, partition: Partition, states: dict[uuid.UUID, DeliveryState]) -> None:
        """The figures of an endpoint."""
        assert partition.endpoint_id is not None
        one = await endpoints.endpoint(self.ctx, partition, deleted=True)
        waits = await endpoints.waiting_of(self.ctx, partition, [one.id])
        tally = Counter(states.values())
        unfinished = tally[DeliveryState.HELD] + tally[DeliveryState.IN_FLIGHT]
        unfinished += tally[DeliveryState.QUEUED] + tally[DeliveryState.RETRYING]
        if one.status == "disabled":
            assert waits[one.id] == 0
        elif one.status == "resuming":
            assert waits[one.id] <= unfinished
        else:
            assert waits[one.id] == unfinished
        health = await health_of(self.ctx, partition, [one.id], datetime.now(UTC))
        assert health[one.id].waiting == waits[one.id]
        assert health[one.id].delivered == tally[DeliveryState.DELIVERED]

    async def apis(self, truth: Truth) -> None:
        """Partner API and automation API, which show the same objects."""
        for wanted in (None, *DeliveryFilter):
            query = DeliveryQuery(status=wanted, limit=1000)
            rows, after = await listing.deliveries(self.ctx, actor=self.actor, query=query)
            assert after is None
            found = {row["delivery_id"]: row["status"] for row in rows}
            if wanted is DeliveryFilter.UNDELIVERED:
                assert found.keys() == truth.lacking.keys()
            names = {one: status_of(state) for one, state in truth.states.items()}
            assert found.items() <= names.items()
            if wanted is not DeliveryFilter.UNDELIVERED:
                assert found == {one: name for one, name in names.items() if wanted in (None, name)}
        for endpoint_id in set(truth.endpoint_of.values()):
            owed = await undelivered(self.ctx, actor=self.actor, endpoint_id=endpoint_id, limit=500)
            lacking = {one for one, at in truth.lacking.items() if at == endpoint_id}
            assert {one.delivery_id: one.state for one in owed} == {
                one: truth.states[one] for one in lacking
            }

    async def one_by_one(self, truth: Truth) -> None:
        """Each delivery by itself: on its page, and in its details of the API."""
        for one, state in truth.states.items():
            row = await reading.delivery(self.ctx, self.partition, one)
            assert row.state is state
            shown = await delivery_details(self.ctx, actor=self.actor, delivery_id=one)
            assert shown["status"] == status_of(state)
            tried_again = state in (DeliveryState.QUEUED, DeliveryState.RETRYING)
            assert (shown["next_attempt_at"] is not None) is tried_again
