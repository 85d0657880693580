"""Which of several reported prices is believed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from privata.providers.currencies import CANONICAL
from privata.quotes.prices.judging import Accepted, Refused, judged
from privata.quotes.prices.values import MOST_APART, STATIC, TABLE, Prices, plausible


@pytest.mark.parametrize(
    ("reports", "last", "accepted", "sources"),
    [
        # The first price of all needs nobody else.
        ((100,), None, 100, "a"),
        ((100, 300), None, 200, "ab"),
        # The median of three leaves the one that is mad out.
        ((100, 101, 1500), 100, 101, "abc"),
        ((100, 102), 100, 101, "ab"),
        # A jump of just 20 % is none.
        ((120,), 100, 120, "a"),
        ((80,), 100, 80, "a"),
        # Two that agree on a jump, and a third that has not seen it.
        ((150, 151), 100, Decimal("150.5"), "ab"),
        ((150, 151, 100), 100, 150, "abc"),
        # Two that disagree: what was true a moment ago.
        ((101, 500), 100, 101, "a"),
    ],
)
def test_the_median_counts_and_a_jump_needs_two(
    reports: tuple[int, ...], last: int | None, accepted: int | Decimal, sources: str
) -> None:
    said = {name: Decimal(usd) for name, usd in zip("abc", reports, strict=False)}
    verdict = judged(said, None if last is None else Decimal(last))
    assert verdict == Accepted(Decimal(accepted), tuple(sources))


@pytest.mark.parametrize("reports", [(121,), (79,), (150, 250), (10, 250)])
def test_a_jump_that_nobody_confirms_is_refused(reports: tuple[int, ...]) -> None:
    said = {name: Decimal(usd) for name, usd in zip("ab", reports, strict=False)}
    assert isinstance(judged(said, Decimal(100)), Refused)


def test_every_asset_has_a_price_offline_that_is_flagged_as_old() -> None:
    prices = Prices({})
    for one in CANONICAL:
        price = prices.price(one.asset)
        assert price is not None
        assert (price.source, price.stale) == (TABLE, True)
        assert prices.value(one.asset, Decimal(1))


def test_a_price_must_be_of_the_right_size() -> None:
    bitcoin = STATIC["BTC"]
    assert plausible("BTC", bitcoin * MOST_APART)
    assert not plausible("BTC", bitcoin * MOST_APART + 1)
    assert not plausible("BTC", bitcoin / (MOST_APART + 1))
    assert not plausible("NONE", Decimal(1))
