"""Cursors come back as they were sent; what was damaged on the way names no place."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.cursors import Cursor, parse_cursor, parse_uuid_cursor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10**16).map(lambda n: EPOCH + timedelta(microseconds=n))
DAMAGED = [
    "",
    "-",
    "1-2",
    base64.urlsafe_b64encode(b"99999999999999999:a\0b").decode(),
    base64.urlsafe_b64encode(b"9" * 18 + b":x").decode(),
    base64.urlsafe_b64encode(b"-1:x").decode(),
    base64.urlsafe_b64encode(b"1:").decode(),
]


@given(MOMENTS, st.from_regex(r"prv-[0-9a-f-]{36}", fullmatch=True))
def test_a_cursor_survives_the_address(at: datetime, order_id: str) -> None:
    cursor = Cursor(at, order_id)
    assert parse_cursor(cursor.encode()) == cursor
    assert parse_uuid_cursor(cursor.encode()) is None


@given(MOMENTS, st.uuids())
def test_a_cursor_with_a_uuid_survives_the_address(at: datetime, ident: UUID) -> None:
    cursor = Cursor(at, str(ident))
    assert parse_uuid_cursor(cursor.encode()) == cursor


@given(st.text(max_size=80))
def test_a_damaged_cursor_is_none_and_never_an_error(text: str) -> None:
    assert parse_cursor(text) is None or isinstance(parse_cursor(text), Cursor)
    assert parse_uuid_cursor(text) is None or isinstance(parse_uuid_cursor(text), Cursor)


@pytest.mark.parametrize("text", DAMAGED)
def test_cursors_that_are_none(text: str) -> None:
    assert parse_cursor(text) is None
    assert parse_uuid_cursor(text) is None
