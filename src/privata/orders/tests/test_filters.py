"""Filters and cursors as they stand in an address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.lifecycle import OrderStatus
from privata.orders.filters import SPANS, Cursor, OrderFilter, parse_cursor, parse_filter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10**16).map(lambda n: EPOCH + timedelta(microseconds=n))


class Query:
    """A query string, read the way Django reads one."""

    def __init__(self, text: str) -> None:
        self.values = parse_qs(text.removeprefix("?"))

    def get(self, key: str, default: str = "", /) -> str:
        return self.values.get(key, [default])[-1]

    def getlist(self, key: str) -> list[str]:
        return self.values.get(key, [])


FILTERS = st.builds(
    OrderFilter,
    statuses=st.lists(st.sampled_from([s.value for s in OrderStatus]), unique=True).map(tuple),
    text=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), max_size=60).map(str.strip),
    source=st.from_regex(r"([A-Z0-9]{1,16})?", fullmatch=True),
    target=st.from_regex(r"([A-Z0-9]{1,16})?", fullmatch=True),
    provider=st.from_regex(r"([a-z0-9_]{1,32})?", fullmatch=True),
    span=st.sampled_from(["", *SPANS]),
)


@given(FILTERS)
def test_a_copied_address_reopens_the_same_view(chosen: OrderFilter) -> None:
    assert parse_filter(Query(chosen.query())) == chosen


@given(MOMENTS, st.from_regex(r"prv-[0-9a-f-]{36}", fullmatch=True))
def test_a_cursor_survives_the_address(at: datetime, order_id: str) -> None:
    cursor = Cursor(at, order_id)
    assert parse_cursor(cursor.encode()) == cursor


@given(st.text(max_size=80))
def test_a_damaged_cursor_is_none_and_never_an_error(text: str) -> None:
    assert parse_cursor(text) is None or isinstance(parse_cursor(text), Cursor)


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense&from=b%20tc&provider=../x&span=century",
        "q=%20%20",
        "from=" + "A" * 17,
    ],
)
def test_values_without_sense_are_left_out(query: str) -> None:
    assert not parse_filter(Query(query)).active


def test_a_nul_never_reaches_the_database() -> None:
    assert parse_filter(Query("q=a%00b")).text == "ab"


def test_tickers_are_taken_in_any_case() -> None:
    assert parse_filter(Query("from=btc&to=Eth")).pair == "BTC to ETH"


def test_a_span_begins_before_now() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert OrderFilter(span="7d").since(now) == now - timedelta(days=7)
    assert OrderFilter().since(now) is None
