"""Sharing what an order brings: nothing is lost, nothing is negative, nothing is made up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.ledger.accounts import PARTNERS, Account
from privata.ledger.rules import (
    TOO_MUCH,
    UNIT,
    Terms,
    checked_amount,
    earned,
    earning,
    move,
    reversal,
)

VALUES = st.integers(1, 10**19).map(lambda units: units * UNIT)
TERMS = st.builds(Terms, st.integers(0, 1000), st.integers(0, 100), st.integers(0, 300))


def exact(value: Decimal, parts: int, whole: int) -> Fraction:
    return Fraction(value) * parts / whole


@pytest.mark.parametrize(
    ("value", "terms", "share", "markup", "kept", "remainder"),
    [
        ("6520", Terms(40, 35, 30), "9.128", "19.56", "16.952", "0"),
        ("100", Terms(40, 50, 0), "0.2", "0", "0.2", "0"),
        ("100", Terms(0, 50, 25), "0", "0.25", "0", "0"),
        ("100", Terms(40, 100, 0), "0.4", "0", "0", "0"),
        # The commission is 1 unit: both halves are rounded to the even 0, and one unit is left.
        ("0.00000250", Terms(40, 50, 0), "0", "0", "0", "0.00000001"),
        # It is 3 units: both halves are rounded to the even 2, which is one too many.
        ("0.00000750", Terms(40, 50, 0), "0.00000002", "0", "0.00000002", "-0.00000001"),
        # A commission of half a unit is rounded away before it is anybody's.
        ("0.00000125", Terms(40, 50, 0), "0", "0", "0", "0"),
    ],
)
def test_examples(
    value: str, terms: Terms, share: str, markup: str, kept: str, remainder: str
) -> None:
    parts = earned(Decimal(value), terms)
    found = (parts.share, parts.markup, parts.kept, parts.remainder)
    assert found == tuple(map(Decimal, (share, markup, kept, remainder)))


@given(VALUES, TERMS)
def test_the_parts_sum_up_and_none_is_negative(value: Decimal, terms: Terms) -> None:
    parts = earned(value, terms)
    assert parts.share + parts.markup + parts.kept + parts.remainder == parts.total
    assert min(parts.share, parts.markup, parts.kept, parts.total) >= 0
    assert abs(parts.remainder) <= UNIT


@given(VALUES, TERMS)
def test_each_part_is_as_near_as_its_decimals_allow(value: Decimal, terms: Terms) -> None:
    parts = earned(value, terms)
    commission = Fraction(parts.total - parts.markup)
    half = Fraction(UNIT) / 2
    assert abs(commission - exact(value, terms.commission_bps, 10_000)) <= half
    assert abs(Fraction(parts.markup) - exact(value, terms.markup_bps, 10_000)) <= half
    assert abs(Fraction(parts.share) - commission * terms.share_percent / 100) <= half
    assert abs(Fraction(parts.kept) - commission * (100 - terms.share_percent) / 100) <= half


@given(VALUES, TERMS)
def test_a_greater_value_earns_no_less(value: Decimal, terms: Terms) -> None:
    assert earned(value + UNIT, terms).partner >= earned(value, terms).partner


@given(VALUES, TERMS, st.sampled_from([Account.PENDING, Account.AVAILABLE]), st.booleans())
def test_entries_balance_and_what_is_taken_back_is_what_was_earned(
    value: Decimal, terms: Terms, into: Account, elsewhere: bool
) -> None:
    postings = earning(earned(value, terms), into)
    assert sum(postings.values()) == 0
    assert 0 not in postings.values()
    taken_from = Account.AVAILABLE if elsewhere else into
    back = reversal(postings, partner_from=taken_from)
    assert sum(back.values()) == 0
    assert len(back) == len(postings)
    assert back.get(taken_from, Decimal(0)) == -postings.get(into, Decimal(0))
    assert {a: -v for a, v in back.items() if a not in PARTNERS} == {
        a: v for a, v in postings.items() if a not in PARTNERS
    }


@given(VALUES)
def test_a_move_balances(amount: Decimal) -> None:
    assert sum(move(Account.AVAILABLE, Account.PAID, amount).values()) == 0


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity", str(TOO_MUCH), "0.000000001", "1e-9"],
)
def test_what_cannot_be_booked_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="the amount must"):
        checked_amount(Decimal(amount))


@given(VALUES)
def test_what_can_be_booked_is_left_as_it_is(amount: Decimal) -> None:
    assert checked_amount(amount) == amount
