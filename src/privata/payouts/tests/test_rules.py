"""Amounts, hashes and words that people give: what is taken, and the field that is named."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from privata.core.errors import AmountTooHigh, AmountTooLow, ValidationFailed
from privata.infra.settings import Settings
from privata.payouts import rules
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.tests.making import HASH


@given(st.decimals(0, 10**11, places=8))
def test_a_whole_balance_is_never_more_than_there_is(available: Decimal) -> None:
    whole = rules.whole_balance(available)
    assert available - Decimal("0.01") < whole <= available
    assert whole == whole.quantize(Decimal("0.01"))


@given(st.decimals(0, 10**6, places=2))
def test_an_amount_lies_between_least_and_most(amount: Decimal) -> None:
    least, most = Decimal(500), Decimal(50_000)
    if least <= amount <= most:
        rules.check_amount(amount, least=least, most=most)
        return
    with pytest.raises(AmountTooLow if amount < least else AmountTooHigh):
        rules.check_amount(amount, least=least, most=most)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "+1", "1e3", "500.001", "NaN", "Infinity", " 5", "1_000", "٥٠٠", "1,5"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules.read_dollars(text)


@pytest.mark.parametrize("currency", PayoutCurrency)
def test_a_hash_is_of_its_chain(currency: PayoutCurrency) -> None:
    assert rules.check_hash(currency, HASH[currency]) == HASH[currency]
    others = {text for one, text in HASH.items() if one.network != currency.network}
    for wrong in (*others, "", HASH[currency] + " ", HASH[currency][:-30], "0" * 88):
        with pytest.raises(ValidationFailed) as refused:
            rules.check_hash(currency, wrong)
        assert refused.value.fields[0][0] == "tx_hash"


@pytest.mark.parametrize("text", ["x" * 81, "two\nlines", "\u202e"])
def test_labels_and_reasons_are_one_line(text: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        rules.check_label(text)
    assert refused.value.fields[0][0] == "label"
    assert rules.check_label("  Treasury ") == "Treasury"
    with pytest.raises(ValidationFailed):
        rules.check_reason(text * 10)


def test_the_least_is_not_above_the_most() -> None:
    with pytest.raises(ValidationError, match="PRIVATA_PAYOUT_MIN_USD must not exceed"):
        Settings(_env_file=None, payout_min_usd=Decimal(600), payout_max_usd=Decimal(599))
