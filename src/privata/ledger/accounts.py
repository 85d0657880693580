"""The words of the ledger: its accounts, why an entry was made, and what a partner has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Account(StrEnum):
    """The accounts of an organization's book; together they always hold zero.

    What stands in one of `PARTNERS` belongs to the partner, or has been paid to it. The others are
    the platform's side of the same book.
    """

    PENDING = "pending"
    AVAILABLE = "available"
    PAYOUT_IN_FLIGHT = "payout_in_flight"
    PAID = "paid"
    TAKINGS = "takings"
    COMMISSION = "commission"
    CORRECTIONS = "corrections"
    ROUNDING = "rounding"


#: The partner's accounts; none of them is ever below zero.
PARTNERS: Final = (
    Account.PENDING,
    Account.AVAILABLE,
    Account.PAYOUT_IN_FLIGHT,
    Account.PAID,
)


class CauseKind(StrEnum):
    """What entries are made for."""

    ORDER = "order"
    PAYOUT = "payout"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an entry is made: a kind and an id, such as `payout` and its UUID, and a step of it.

    No two entries have the same cause, so a step that is tried again can never be booked twice.
    """

    kind: str
    id: str
    step: str


@dataclass(frozen=True, slots=True)
class Balances:
    """What an organization's accounts hold, in US dollars with up to 8 decimals."""

    pending: Decimal
    available: Decimal
    payout_in_flight: Decimal
    paid: Decimal
