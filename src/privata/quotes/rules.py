"""The choice of the best offer: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from privata.core.money import CONTEXT
from privata.providers.port import Offer, Side

#: How long a quote may be used.
QUOTE_LIFETIME = timedelta(minutes=5)

#: How long a provider may take to answer a quote, seconds.
PROVIDER_DEADLINE_S = 2.0

#: How much less than quoted the user may get from another provider, where the chosen one fails at
#: the creation of the order; of 1.
FALLBACK_LOSS = Decimal("0.005")


def best_first(
    offers: Sequence[Offer], side: Side, success: Mapping[str, Decimal] | None = None
) -> list[Offer]:
    """Best for the user first: most received, or least sent.

    Ties go to the provider more of whose orders completed lately, by `success`; then by name. Of
    one that nothing is known of, nothing bad is.
    """
    known = success or {}

    def place(offer: Offer) -> tuple[Decimal, Decimal, str]:
        amount = -offer.amount_to if side == "send" else offer.amount_from
        return amount, -known.get(offer.provider, Decimal(1)), offer.provider

    return sorted(offers, key=place)


def without_relisted(
    offers: Sequence[Offer], direct: Collection[str], unwanted: Collection[str] = ()
) -> list[Offer]:
    """The offers less those that an aggregator passes on from an exchange that is asked directly.

    `direct` made offers of their own; the partner has turned `unwanted` off, so they come through
    nobody. Aggregators write names as they like: `ChangeNow`, `Simple Swap`.
    """
    known = {plain_name(name) for name in (*direct, *unwanted)}
    return [one for one in offers if one.through is None or plain_name(one.through) not in known]


def plain_name(name: str) -> str:
    """A provider's name as ours are written: letters and digits, lower case, no domain."""
    return "".join(c for c in name.lower().partition(".")[0] if c.isascii() and c.isalnum())


def good_enough(amount_to: Decimal, quoted: Decimal) -> bool:
    """Whether another offer may take the place of a quoted one (SPEC 7)."""
    return amount_to >= CONTEXT.multiply(quoted, 1 - FALLBACK_LOSS)
