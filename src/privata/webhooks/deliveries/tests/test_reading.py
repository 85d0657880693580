"""The delivery log on a real database: tenants, segments, filters, pages, neighbours."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import psycopg
import pytest

from conftest import Cluster
from privata.core.cursors import Cursor
from privata.core.errors import NotFound
from privata.core.tenancy import Environment
from privata.infra.postgres import django_database
from privata.webhooks.deliveries.log_query import PAGE_ROWS, LogQuery, Segment
from privata.webhooks.recovery.replays import PER_HOUR

NOW = datetime.now(UTC).replace(microsecond=0)

_ENDPOINT = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, status,
    paused_at, paused_reason)
VALUES (%(id)s, %(organization)s, 'test', 'order', 'A', 'https://example.com/', %(status)s::text,
    CASE WHEN %(status)s::text = 'paused' THEN now() END,
    CASE WHEN %(status)s::text = 'paused' THEN 'manual' END)
"""
_DELIVERY = """
WITH fact AS (
    INSERT INTO event (event_id, organization_id, environment, channel, type, order_id, order_seq,
        body)
    VALUES (%(event)s, %(organization)s, 'test', 'order', %(type)s, %(order)s::text, 1, '{}')
    RETURNING seq)
INSERT INTO webhook_delivery (id, organization_id, environment, endpoint_id, event_seq, order_id,
    status, attempts, delivered_at, last_outcome, last_status_code, last_attempt_at, created_at)
SELECT %(id)s, %(organization)s, 'test', %(endpoint)s, seq, %(order)s::text,
    %(status)s::text, %(attempts)s::int,
    CASE WHEN %(status)s::text = 'delivered' THEN %(at)s::timestamptz END, %(outcome)s, %(code)s,
    CASE WHEN %(attempts)s::int > 0 THEN %(at)s::timestamptz END, %(at)s::timestamptz
FROM fact
"""


class Desk:
    """A tenant with endpoints and deliveries."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.organization = uuid.uuid4()
        self.run(
            "INSERT INTO organization (id, name, status) VALUES (%(id)s, 'Shop', 'approved')",
            id=self.organization,
        )

    def endpoint(self, status: str = "active") -> uuid.UUID:
        made = uuid.uuid4()
        self.run(_ENDPOINT, id=made, organization=self.organization, status=status)
        return made

    def deliver(self, endpoint: uuid.UUID, *, minutes: float = 1, **changes: Any) -> uuid.UUID:
        """A delivery made that many minutes ago."""
        made = uuid.uuid4()
        order = f"prv-{made}"
        values: dict[str, Any] = {
            "id": made,
            "organization": self.organization,
            "endpoint": endpoint,
            "order": order,
            "event": f"{order}:completed:1",
            "type": "order.completed",
            "status": "pending",
            "attempts": 0,
            "outcome": None,
            "code": None,
            "at": NOW - timedelta(minutes=minutes),
        }
        self.run(_DELIVERY, **(values | changes))
        return made

    def place(self, endpoint: uuid.UUID | None = None) -> Any:
        from privata.webhooks.deliveries.reading import Place

        return Place(self.organization, Environment.TEST, endpoint)

    def ids(self, query: LogQuery | None = None, endpoint: uuid.UUID | None = None) -> Any:
        from privata.webhooks.deliveries.reading import log_page

        page = log_page(self.place(endpoint), query or LogQuery(), NOW)
        return [row.id for row in page.rows]

    def run(self, statement: str, **values: Any) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture
def url(cluster: Cluster, database_name: str) -> Iterator[str]:
    """The database that Django's models read during a test."""
    made = cluster.app(database_name)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.desk.settings")
    django.setup()
    from django.db import connections

    connections["default"].settings_dict.update(django_database(made))
    yield made
    connections["default"].close()


@pytest.fixture
def desk(url: str) -> Desk:
    return Desk(url)


_FAILED = {"attempts": 2, "outcome": "http_error", "code": 500}
_GIVEN_UP = {"status": "exhausted", "attempts": 8, "outcome": "timeout"}
_DELIVERED = {"status": "delivered", "attempts": 1, "outcome": "delivered", "code": 200}


def test_segments_do_not_overlap_and_add_up(desk: Desk) -> None:
    from privata.webhooks.deliveries.reading import histogram_of, segment_counts

    active, paused, disabled = (desk.endpoint(one) for one in ("active", "paused", "disabled"))
    wanted = {
        Segment.QUEUED: desk.deliver(active),
        Segment.RETRYING: desk.deliver(active, minutes=2, **_FAILED),
        Segment.HELD: desk.deliver(paused, minutes=3, **_FAILED),
        Segment.FAILED: desk.deliver(active, minutes=4, **_GIVEN_UP),
        Segment.DELIVERED: desk.deliver(active, minutes=5, **_DELIVERED),
        Segment.RETRIED: desk.deliver(active, minutes=6, **_FAILED | {"status": "retried"}),
        Segment.CANCELLED: desk.deliver(disabled, minutes=7),
    }
    for segment, delivery in wanted.items():
        assert desk.ids(LogQuery(segment=segment)) == [delivery], segment
    assert desk.ids() == list(wanted.values())
    counts = segment_counts(desk.place(), LogQuery(), NOW)
    assert counts == {Segment.ALL: 7, Segment.UNDELIVERED: 4} | dict.fromkeys(wanted, 1)
    buckets = histogram_of(desk.place(), LogQuery(), NOW)
    assert [sum(column) for column in zip(*buckets, strict=True)] == [1, 3, 1]


def test_segments_do_not_overlap_where_the_organization_is_stopped(desk: Desk) -> None:
    """What was left at a disabled endpoint counted as held and as cancelled."""
    from privata.webhooks.deliveries.reading import segment_counts

    active, disabled = desk.endpoint(), desk.endpoint("disabled")
    held = desk.deliver(active)
    cancelled = desk.deliver(disabled, minutes=2)
    desk.run("UPDATE organization SET status = 'rejected' WHERE id = %(id)s", id=desk.organization)
    assert desk.ids(LogQuery(segment=Segment.HELD)) == [held]
    assert desk.ids(LogQuery(segment=Segment.CANCELLED)) == [cancelled]
    counts = segment_counts(desk.place(), LogQuery(), NOW)
    assert counts[Segment.ALL] == len(desk.ids()) == 2


def test_filters_narrow(desk: Desk) -> None:
    one, two = desk.endpoint(), desk.endpoint()
    first = desk.deliver(one, minutes=1, **_FAILED)
    second = desk.deliver(two, minutes=2, type="order.failed", **_GIVEN_UP)
    old = desk.deliver(one, minutes=60 * 30, **_DELIVERED)
    assert desk.ids() == [first, second]
    assert desk.ids(LogQuery(span="7d")) == [first, second, old]
    assert desk.ids(endpoint=two) == [second]
    assert desk.ids(LogQuery(type="order.failed")) == [second]
    assert desk.ids(LogQuery(type="order.*")) == [first, second]
    assert desk.ids(LogQuery(response="5xx")) == [first]
    assert desk.ids(LogQuery(response="timeout")) == [second]
    order = f"prv-{first}"
    for text in (str(first), order, order.upper(), f"{order}:completed:1"):
        assert desk.ids(LogQuery(search=text)) == [first], text
    assert desk.ids(LogQuery(search="prv-")) == []


def test_another_organizations_rows_are_nowhere(desk: Desk) -> None:
    from privata.webhooks.deliveries import reading

    endpoint = desk.endpoint()
    delivery = desk.deliver(endpoint)
    other = Desk(desk.url)
    assert other.ids() == []
    assert other.ids(LogQuery(search=str(delivery))) == []
    assert reading.rows_by_id(other.place(), [delivery]) == []
    live = reading.Place(desk.organization, Environment.LIVE)
    for place in (other.place(), live):
        with pytest.raises(NotFound):
            reading.delivery_or_404(place, delivery)
    with pytest.raises(NotFound):
        reading.endpoint_or_404(other.place(endpoint))


def test_pages_go_there_and_back_without_gap_or_repetition(desk: Desk) -> None:
    from privata.webhooks.deliveries.reading import log_page

    endpoint = desk.endpoint()
    # Several of one moment: the id decides, or some would be lost between two pages.
    every = [desk.deliver(endpoint, minutes=n // 7) for n in range(PAGE_ROWS + 9)]
    first = log_page(desk.place(), LogQuery(), NOW)
    assert (len(first.rows), first.has_newer, first.has_older) == (PAGE_ROWS, False, True)
    last = first.rows[-1]
    edge = Cursor(last.created_at, str(last.id))
    second = log_page(desk.place(), LogQuery().page(older=edge), NOW)
    assert (len(second.rows), second.has_newer, second.has_older) == (9, True, False)
    assert {row.id for row in first.rows + second.rows} == set(every)
    edge = Cursor(second.rows[0].created_at, str(second.rows[0].id))
    back = log_page(desk.place(), LogQuery().page(newer=edge), NOW)
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert not back.has_newer


def test_neighbours_and_new_rows_follow_the_view(desk: Desk) -> None:
    from privata.webhooks.deliveries.reading import neighbours, newer_count, rows_by_id

    endpoint = desk.endpoint()
    new, _, middle, old = (
        desk.deliver(endpoint, minutes=1, **_FAILED),
        desk.deliver(endpoint, minutes=2, **_DELIVERED),
        desk.deliver(endpoint, minutes=3, **_FAILED),
        desk.deliver(endpoint, minutes=4, **_FAILED),
    )
    retrying = LogQuery(segment=Segment.RETRYING)
    here = rows_by_id(desk.place(), [middle])[0]
    assert neighbours(desk.place(), retrying, here, NOW) == (new, old)
    top = Cursor(here.created_at, str(here.id))
    assert newer_count(desk.place(), retrying, top, NOW) == 1
    assert newer_count(desk.place(), LogQuery(), top, NOW) == 2


def test_a_first_attempt_names_the_event_it_waits_for(desk: Desk) -> None:
    from privata.webhooks.deliveries import reading

    endpoint = desk.endpoint()
    first = desk.deliver(endpoint, type="order.confirming")
    order = f"prv-{first}"
    desk.run(
        "UPDATE webhook_delivery SET order_id = %(order)s WHERE id = %(id)s", order=order, id=first
    )
    second = desk.deliver(endpoint)
    desk.run(
        "UPDATE webhook_delivery SET order_id = %(order)s WHERE id = %(id)s",
        order=order,
        id=second,
    )
    place = desk.place()
    assert reading.waited_for(reading.delivery_or_404(place, second)) == "order.confirming"
    assert reading.waited_for(reading.delivery_or_404(place, first)) is None


def test_health_counts_hours_and_what_waits(desk: Desk) -> None:
    from privata.webhooks.deliveries.endpoint_health import health_of
    from privata.webhooks.deliveries.reading import endpoints_of

    good, bad, unused = desk.endpoint(), desk.endpoint(), desk.endpoint()
    desk.deliver(good, minutes=0, **_DELIVERED)
    desk.deliver(bad, minutes=0, **_FAILED)
    health = health_of(list(endpoints_of(desk.organization, Environment.TEST)), NOW)
    assert (health[good].success, health[good].waiting) == (1.0, 0)
    assert health[good].states[-1] == "ok"
    assert (health[bad].success, health[bad].waiting) == (0.0, 1)
    assert health[bad].states[-1] == "bad"
    assert health[bad].last_failure_at == NOW
    assert health[unused].success is None
    assert set(health[unused].states) == {"none"}


def test_the_replays_left_are_those_that_are_not_refused(desk: Desk) -> None:
    """A replay that failed and was retried counts once, as in `replays.not_too_many`."""
    from privata.webhooks.deliveries.queues import replays_left

    endpoint = desk.endpoint()
    delivered = desk.deliver(endpoint, minutes=9, **_DELIVERED)
    assert replays_left(endpoint, NOW) == PER_HOUR
    of_delivered, replay, again = (desk.deliver(endpoint, minutes=n) for n in (8, 7, 6))
    for made, old in ((of_delivered, delivered), (replay, None), (again, replay)):
        desk.run(
            "UPDATE webhook_delivery SET replay = true, retry_of_id = %(old)s WHERE id = %(made)s",
            made=made,
            old=old,
        )
    desk.run("UPDATE webhook_delivery SET status = 'retried' WHERE id = %(id)s", id=replay)
    assert replays_left(endpoint, NOW) == PER_HOUR - 2
