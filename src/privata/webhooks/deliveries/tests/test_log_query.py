"""The address of a view of the log: what it says comes back, what is odd is ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from privata.core.cursors import Cursor
from privata.webhooks.deliveries.log_query import (
    DEFAULT_SPAN,
    RESPONSES,
    SPANS,
    LogQuery,
    Segment,
    parse_query,
)
from privata.webhooks.outcomes import Outcome

_TIMES = st.integers(0, 10**16 - 1).map(
    lambda micros: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
)
_CURSORS = st.builds(Cursor, _TIMES, st.uuids().map(str))
_QUERIES = st.builds(
    LogQuery,
    segment=st.sampled_from(Segment),
    span=st.sampled_from(sorted(SPANS)),
    type=st.sampled_from(["", "order.completed", "order.*"]),
    response=st.sampled_from(["", *RESPONSES]),
    search=st.text(max_size=40).map(lambda text: text.replace("\x00", "").strip()),
    older=st.none() | _CURSORS,
)


def _read(string: str) -> LogQuery:
    return parse_query(dict(parse_qsl(string.removeprefix("?"))))


@given(_QUERIES)
def test_an_address_reopens_the_same_view(query: LogQuery) -> None:
    try:
        query.search.encode()
    except UnicodeEncodeError:
        return
    assert _read(query.string()) == query


def test_odd_words_mean_the_plain_view() -> None:
    odd = {"status": "x", "range": "9y", "type": "a b", "response": "6xx", "older": "?"}
    assert parse_query(odd) == LogQuery()
    assert LogQuery().string() == "?"
    assert LogQuery().span == DEFAULT_SPAN


def test_a_changed_filter_begins_at_the_first_page() -> None:
    here = Cursor(datetime(2026, 11, 21, tzinfo=UTC), str(UUID(int=1)))
    query = LogQuery(older=here).with_(segment=Segment.FAILED)
    assert query.is_first_page
    assert query.is_narrowed


def test_every_failure_without_a_status_has_a_class() -> None:
    named = {outcome for one in RESPONSES.values() for outcome in one.outcomes}
    assert named == set(Outcome) - {Outcome.DELIVERED, Outcome.HTTP_ERROR, Outcome.REDIRECT}
