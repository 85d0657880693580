"""Filters as they stand in an address."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.lifecycle import OrderStatus
from privata.orders.search.filters import (
    RATES,
    REFUNDS,
    OrderFilter,
    QueryText,
    described,
    filter_of,
    read_filter,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TICKERS = st.from_regex(r"[A-Z0-9]{1,16}", fullmatch=True)
DOLLARS = st.none() | st.decimals(0, 10**11, places=2).map(lambda value: abs(value))
DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(str)
FILTERS = st.builds(
    OrderFilter,
    statuses=st.lists(st.sampled_from([s.value for s in OrderStatus]), unique=True).map(tuple),
    text=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), max_size=60).map(str.strip),
    source=TICKERS,
    source_network=st.just("") | TICKERS,
    target=st.just("") | TICKERS,
    providers=st.lists(
        st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True), unique=True, max_size=5
    ).map(tuple),
    refund=st.sampled_from(["", *REFUNDS]),
    rate=st.sampled_from(["", *RATES]),
    since=st.just("") | DATES,
    updated_after=st.just("") | DATES,
    usd_min=DOLLARS,
)


@given(FILTERS)
def test_a_copied_address_reopens_the_same_view(chosen: OrderFilter) -> None:
    assert filter_of(chosen.query()) == chosen


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense&from=b%20tc&provider=../x&span=century",
        "q=%20%20",
        "from=" + "A" * 17,
    ],
)
def test_values_without_sense_are_left_out(query: str) -> None:
    assert not filter_of(query).active


def test_a_nul_never_reaches_the_database() -> None:
    assert filter_of("q=a%00b").text == "ab"


def test_tickers_are_taken_in_any_case() -> None:
    assert filter_of("from=btc&to=Eth").pair == "BTC to ETH"


def test_a_span_begins_before_now() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert OrderFilter(span="7d").begins(now) == now - timedelta(days=7)
    assert OrderFilter().begins(now) is None


def problems(query: str) -> list[str]:
    return [name for name, _ in read_filter(QueryText(query)).problems]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=completed,lost", ["status"]),
        ("from_network=TRC20", ["from_network"]),
        ("to_network=TRC20&from=BTC", ["to_network"]),
        ("since=2026-02-30", ["since"]),
        ("since=2026-02-03T10:00:00", ["since"]),
        ("since=yesterday&until=0000-00-00", ["since", "until"]),
        ("since=2026-02-03&until=2026-02-02", ["until"]),
        ("until=9999-12-31", ["until"]),
        ("span=7d&since=2026-02-03", ["span"]),
        ("updated_after=lately", ["updated_after"]),
        ("usd_min=1e3&usd_max=-5", ["usd_min", "usd_max"]),
        ("usd_min=10&usd_max=9.99", ["usd_max"]),
        ("refund=maybe&rate_type=best", ["refund", "rate_type"]),
    ],
)
def test_every_problem_is_named(query: str, named: list[str]) -> None:
    assert sorted(problems(query)) == sorted(named)


def test_several_values_stand_between_commas_or_one_by_one() -> None:
    chosen = filter_of("status=failed,expired&status=failed&provider=exolix&provider=changenow")
    assert chosen.statuses == ("failed", "expired")
    assert chosen.providers == ("exolix", "changenow")


def test_refund_and_status_hold_together() -> None:
    assert filter_of("refund=needed").wanted == ("refund_required", "manual_review")
    assert filter_of("refund=needed&status=manual_review,failed").wanted == ("manual_review",)
    assert filter_of("refund=done&status=failed").wanted == ()
    assert filter_of("").wanted is None


def test_a_date_passes_as_a_whole() -> None:
    chosen = filter_of("since=2026-11-20&until=2026-11-21")
    assert chosen.begins(EPOCH) == datetime(2026, 11, 20, tzinfo=UTC)
    assert chosen.ends() == datetime(2026, 11, 22, tzinfo=UTC)
    exact = filter_of("until=2026-11-21T10:00:00%2B02:00")
    assert exact.ends() == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_the_audit_log_gets_what_is_in_force() -> None:
    chosen = filter_of("status=failed&provider=exolix&usd_min=10&span=7d")
    assert described(chosen) == {
        "status": ["failed"],
        "provider": ["exolix"],
        "usd_min": "10",
        "span": "7d",
    }
    assert chosen.usd_min == Decimal(10)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_query_is_an_error(name: str, value: str) -> None:
    fields = ("status", "provider", "since", "until", "usd_min", "from", "q", "span", name)
    for field in fields:
        read_filter(QueryText(urlencode({field: value})))
