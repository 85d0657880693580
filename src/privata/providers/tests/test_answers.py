"""The checks of every answer, at their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.providers import answers
from privata.providers.failures import Fault, Refusal
from privata.providers.port import Asset, OrderRequest, QuoteRequest

ETH = Asset("ETH", "ETH", "Ether", 18)
USDT = Asset("USDT", "ERC20", "Tether USD", 6)
EXACT = Decimal("0.123456789012345678")
START = datetime(2026, 1, 1, tzinfo=UTC)

MIXED = "0x52908400098527886E0F7030069857D2E4169EE7"

ORDER = OrderRequest(
    seed="qt_1",
    source=ETH,
    target=USDT,
    amount_from=EXACT,
    amount_to=Decimal("380.5"),
    rate_type="fixed",
    payout_address=MIXED,
    payout_extra_id=None,
    refund_address=None,
    refund_extra_id=None,
    created_at=START,
    sandbox=None,
)


@pytest.mark.parametrize("echoed", ["0.123456789012345678", "0.12345678901234568", "0.12345678"])
def test_an_amount_may_lose_its_last_digits_on_the_way(echoed: str) -> None:
    """A provider that counts in doubles made every order of 18 decimals impossible."""
    answers.same_amount("x", EXACT, Decimal(echoed))
    request = QuoteRequest(ETH, USDT, EXACT, "send", "float")
    offer = answers.offer("x", request, Decimal(echoed), Decimal(380))
    assert offer.amount_from == EXACT


@pytest.mark.parametrize("echoed", ["0.1234", "0.12346", "1", "0"])
def test_no_more_than_that(echoed: str) -> None:
    with pytest.raises(ProviderUnavailable) as raised:
        answers.same_amount("x", EXACT, Decimal(echoed))
    assert raised.value.reason == Fault.AMOUNT


def test_a_fixed_rate_promises_what_was_offered_and_a_float_one_what_it_likes() -> None:
    assert answers.promised("x", ORDER, Decimal("380.5")) == Decimal("380.5")
    assert answers.promised("x", ORDER, None) is None
    with pytest.raises(ProviderRefused) as refused:
        answers.promised("x", ORDER, Decimal("380.499999"))
    assert refused.value.reason == Refusal.RATE
    assert answers.promised("x", replace(ORDER, rate_type="float"), Decimal(379)) == 379


def test_an_address_may_come_in_another_case() -> None:
    answers.same_payout("x", ORDER, MIXED.lower())
    for echoed in (None, "", "nonsense", MIXED[:-1] + "8"):
        with pytest.raises(ProviderUnavailable):
            answers.same_payout("x", ORDER, echoed)


@pytest.mark.parametrize(
    ("named", "well"),
    [
        (None, True),
        (START + timedelta(minutes=20), True),
        (START, False),
        (START - timedelta(days=1), False),
        (START + timedelta(days=31), False),
    ],
)
def test_a_deposit_is_waited_for_until_a_moment_that_can_be_meant(
    named: datetime | None, *, well: bool
) -> None:
    wait = timedelta(hours=1)
    if well:
        until = answers.expiry("x", ORDER, named, wait)
        assert until == (named or START + wait)
    else:
        with pytest.raises(ProviderUnavailable):
            answers.expiry("x", ORDER, named, wait)


@pytest.mark.parametrize("text", ["", "..", ".", "a/b", "a?b", "a b", "a%2e", "<b>", "a" * 129])
def test_an_order_id_cannot_lead_elsewhere(text: str) -> None:
    with pytest.raises(ProviderUnavailable):
        answers.order_id("x", text)
    assert answers.order_id("x", "8c9ba87d-02a8:01_A.2") == "8c9ba87d-02a8:01_A.2"
