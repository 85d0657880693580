"""A partner's markup, as the simulator takes it."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from privata.core.money import CONTEXT
from privata.providers.markup import with_markup
from privata.providers.port import MAX_MARKUP_BPS, Asset, Offer, QuoteRequest, Side

BTC = Asset("BTC", "BTC", "Bitcoin", 8)
ETH = Asset("ETH", "ETH", "Ether", 18)
amounts = st.decimals(Decimal("0.001"), 10**12, places=8)
markups = st.integers(0, MAX_MARKUP_BPS)


def request(side: Side, amount: Decimal, markup_bps: int) -> QuoteRequest:
    return QuoteRequest(BTC, ETH, amount, side, "float", markup_bps=markup_bps)


@given(amounts, amounts, markups)
def test_markup_comes_out_of_what_is_received(sent: Decimal, got: Decimal, bps: int) -> None:
    marked = with_markup(Offer("x", sent, got, None), request("send", sent, bps))
    assert marked.amount_from == sent
    exact = CONTEXT.multiply(got, 1 - Decimal(bps) / 10_000)
    assert 0 <= CONTEXT.subtract(exact, marked.amount_to) < Decimal(1).scaleb(-18)


@given(amounts, amounts, markups)
def test_markup_comes_on_top_of_what_is_sent(sent: Decimal, got: Decimal, bps: int) -> None:
    marked = with_markup(Offer("x", sent, got, None), request("receive", got, bps))
    assert marked.amount_to == got
    kept = CONTEXT.multiply(marked.amount_from, 1 - Decimal(bps) / 10_000)
    assert kept >= sent


def test_large_amounts_of_fine_assets_are_exact() -> None:
    got = Decimal("123456789012.123456789012345678")
    marked = with_markup(Offer("x", Decimal(1), got, None), request("send", Decimal(1), 100))
    assert marked.amount_to == Decimal("122222221122.002222221122222221")
