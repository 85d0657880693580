"""The best offer."""

from __future__ import annotations

from decimal import Decimal

from privata.providers.port import Offer
from privata.quotes.rules import best_first


def test_the_user_gets_the_best_offer_and_ties_go_by_name() -> None:
    offers = [Offer(n, Decimal(1), Decimal(t), None) for n, t in (("b", 5), ("a", 5), ("c", 6))]
    assert [o.provider for o in best_first(offers, "send")] == ["c", "a", "b"]
    offers = [Offer(n, Decimal(f), Decimal(5), None) for n, f in (("b", 2), ("a", 3))]
    assert [o.provider for o in best_first(offers, "receive")] == ["b", "a"]
