"""Cells of a CSV file: no text becomes a formula, numbers stay numbers, nothing secret is in it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.orders.list import columns
from privata.orders.rows import ExportedOrder

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

TEXTS = ("partner_order_ref", "deposit_address", "deposit_extra_id", "payout_address")
NUMBERS = ("amount_from", "amount_to_expected", "amount_to_actual", "usd_value", "markup_bps")


def row(**changes: Any) -> ExportedOrder:
    values: dict[str, Any] = dict.fromkeys(ExportedOrder.__struct_fields__)
    values |= {"from_decimals": 8, "to_decimals": 18, "markup_bps": 50, "created_at": AT}
    values |= {"amount_from": Decimal("0.5"), "amount_to_expected": Decimal(12)}
    return ExportedOrder(**(values | changes))


def read(*rows: ExportedOrder, wanted: tuple[str, ...] = columns.EVERY) -> list[dict[str, str]]:
    text = (columns.header(wanted) + columns.lines(rows, wanted)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(st.text(max_size=40), st.sampled_from(TEXTS))
def test_no_text_begins_a_formula_and_none_is_lost(text: str, name: str) -> None:
    (line,) = read(row(**{name: text}))
    shown = line[name]
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown in (text, f"'{text}")


_FORMULAS = ["=1+1", "+1", "-5", "@SUM(A1)", "\tx", "\rx", "=", "\uff1d1", " \uff0b1", '=A,"b"\n']


@pytest.mark.parametrize("text", _FORMULAS)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert read(row(partner_order_ref=text))[0]["partner_order_ref"] == f"'{text}"


@given(
    st.decimals(0, 10**20, places=8).map(abs), st.none() | st.decimals(0, 10**9, places=8).map(abs)
)
def test_numbers_stay_numbers(amount: Decimal, dollars: Decimal | None) -> None:
    (line,) = read(row(amount_from=amount, amount_to_actual=amount, usd_value=dollars))
    assert Decimal(line["amount_from"]) == amount
    for name in NUMBERS:
        assert re.fullmatch(r"(\d+(\.\d+)?)?", line[name]), name


def test_a_refund_address_is_in_no_column() -> None:
    assert not [name for name in columns.EVERY if "refund" in name]
    assert not [name for name in ExportedOrder.__struct_fields__ if "refund" in name]


def test_a_file_has_what_the_list_shows_and_the_id() -> None:
    assert columns.as_written(("pair", "age")) == (
        "order_id",
        "created_at",
        "from",
        "from_network",
        "to",
        "to_network",
    )
    assert set(columns.as_written(columns.LISTED)) <= set(columns.EVERY)


def test_the_pair_is_always_there_and_what_is_unknown_is_not() -> None:
    assert columns.chosen_columns(["age", "nonsense", "status"]) == ("pair", "status", "age")
    assert columns.chosen_columns([]) == ("pair",)


def test_lines_are_those_of_rfc_4180() -> None:
    text = columns.header(("order_id", "status")) + columns.lines(
        [row(id="prv-1", status='a"b,c')], ("order_id", "status")
    )
    assert text == b'order_id,status\r\nprv-1,"a""b,c"\r\n'
