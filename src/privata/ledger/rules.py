"""What a completed order earns, and the postings of every booking: pure, in US dollars.

Amounts have 8 decimals; a part that comes out finer is rounded half to even (docs/ledger.md), and
what rounding the parts leaves over or takes too much is posted to the account `rounding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from privata.core.money import CONTEXT
from privata.ledger.accounts import Account

#: The smallest amount that is booked.
UNIT: Final = Decimal("0.00000001")

#: Amounts of one booking stay below this (the columns hold 12 digits before the point).
TOO_MUCH: Final = Decimal(10) ** 12

_WHOLE_BPS: Final = 10_000
_WHOLE_PERCENT: Final = 100

Postings = Mapping[Account, Decimal]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order is shared by: the platform's commission and the partner's markup in basis
    points of the order's value, and the partner's share of the commission in percent."""

    commission_bps: int
    share_percent: int
    markup_bps: int


@dataclass(frozen=True, slots=True)
class Earned:
    """The parts of what an order brought. `share` and `markup` are the partner's, `kept` is the
    platform's; `remainder` is what rounding share and kept left over, one unit at the most."""

    share: Decimal
    markup: Decimal
    kept: Decimal
    remainder: Decimal

    @property
    def partner(self) -> Decimal:
        """What the partner earned."""
        return self.share + self.markup

    @property
    def total(self) -> Decimal:
        """What the order brought in all."""
        return self.share + self.markup + self.kept + self.remainder


def earned(usd_value: Decimal, terms: Terms) -> Earned:
    """Share what an order of this value brings. Nothing is lost: the parts sum up to `total`."""
    commission = _part(usd_value, terms.commission_bps, _WHOLE_BPS)
    share = _part(commission, terms.share_percent, _WHOLE_PERCENT)
    kept = _part(commission, _WHOLE_PERCENT - terms.share_percent, _WHOLE_PERCENT)
    return Earned(
        share=share,
        markup=_part(usd_value, terms.markup_bps, _WHOLE_BPS),
        kept=kept,
        remainder=commission - share - kept,
    )


def earning(parts: Earned, into: Account) -> Postings:
    """The postings of an earning, the partner's part into `pending` or `available`."""
    return _some(
        {
            Account.TAKINGS: -parts.total,
            into: parts.partner,
            Account.COMMISSION: parts.kept,
            Account.ROUNDING: parts.remainder,
        }
    )


def move(source: Account, target: Account, amount: Decimal) -> Postings:
    """The postings that bring `amount` from one account into another."""
    return {source: -amount, target: amount}


def reversal(postings: Postings, *, partner_from: Account) -> Postings:
    """The postings that take an earning back, the partner's part out of where it is now."""
    back = {account: -amount for account, amount in postings.items()}
    for account in (Account.PENDING, Account.AVAILABLE):
        if account in back and account is not partner_from:
            back[partner_from] = back.pop(account)
            break
    return back


def checked_amount(amount: Decimal) -> Decimal:
    """The amount, if it can be booked as it is; `ValueError` with a sentence otherwise."""
    if not amount.is_finite() or not 0 < amount < TOO_MUCH:
        raise ValueError("the amount must be greater than zero and less than 10^12 US dollars")
    if amount != _round(amount):
        raise ValueError("the amount must have at most 8 decimals")
    return amount


def _part(value: Decimal, parts: int, whole: int) -> Decimal:
    return _round(CONTEXT.divide(CONTEXT.multiply(value, Decimal(parts)), Decimal(whole)))


def _round(value: Decimal) -> Decimal:
    return value.quantize(UNIT, rounding=ROUND_HALF_EVEN, context=CONTEXT)


def _some(postings: Postings) -> Postings:
    return {account: amount for account, amount in postings.items() if amount}
