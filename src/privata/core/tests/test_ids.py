"""Identifiers have the promised form and never repeat."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from privata.core.ids import (
    ORDER_ID,
    TOKEN_DIGITS,
    base62_token,
    made_at,
    named_id,
    new_id,
    new_order_id,
    new_quote_id,
    order_made_at,
)

AT = datetime(2026, 11, 30, 12, 0, 0, 123_000, tzinfo=UTC)

#: Up to the end of what Python's dates can say; 48 bits of milliseconds reach beyond it.
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # with timezones


def test_order_ids_are_prv_and_a_lower_case_uuid7_of_their_creation() -> None:
    made = [new_order_id(AT) for _ in range(100)]
    assert all(ORDER_ID.fullmatch(one) for one in made)
    assert len(set(made)) == 100
    assert {order_made_at(one) for one in made} == {AT}
    assert {UUID(one.removeprefix("prv-")).version for one in made} == {7}


def test_orders_that_are_older_than_ids_in_time_order_are_still_found() -> None:
    assert ORDER_ID.fullmatch(f"prv-{uuid4()}")
    assert order_made_at(f"prv-{uuid4()}") is None


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_their_time_as_numbers_and_as_text(one: datetime, other: datetime) -> None:
    one, other = sorted((one, other))
    if other - one < timedelta(milliseconds=1):
        return
    for first, second in (
        (new_id(one), new_id(other)),
        (named_id("b", one), named_id("a", other)),
        (new_id(one), named_id("x", other)),
    ):
        assert first < second
        assert str(first) < str(second)


@given(MOMENTS)
def test_an_id_tells_its_time_and_has_the_layout_of_rfc_9562(at: datetime) -> None:
    for ident, version in ((new_id(at), 7), (named_id("x", at), 8)):
        told = made_at(ident)
        assert told is not None
        assert abs(at - told) < timedelta(milliseconds=2)
        assert ident.version == version
        assert ident.int >> 62 & 0b11 == 0b10


def test_ids_of_one_moment_differ_in_their_random_bits_and_named_ones_by_their_name() -> None:
    assert len({new_id(AT) for _ in range(1000)}) == 1000
    assert named_id("a", AT) == named_id("a", AT)
    assert named_id("a", AT) != named_id("b", AT)


def test_tokens_have_one_length_and_do_not_repeat() -> None:
    tokens = {base62_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(rf"[0-9A-Za-z]{{{TOKEN_DIGITS}}}", token) for token in tokens)


def test_quote_ids_fit_what_the_create_route_accepts() -> None:
    assert re.fullmatch(r"qt_[0-9a-f]{32}", new_quote_id())
