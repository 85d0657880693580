"""States of payout addresses, how they were verified, and why payouts are cancelled."""

from __future__ import annotations

from enum import StrEnum


class AddressState(StrEnum):
    """Only a verified address can receive payouts. Removed ones are kept for past payouts."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    REMOVED = "removed"


class VerifiedBy(StrEnum):
    """Verified by a signature with the address's key, or by the operator."""

    SIGNATURE = "signature"
    OPERATOR = "operator"


class Ended(StrEnum):
    """Why a payout was cancelled, in the words that partners read."""

    BY_PARTNER = "canceled by the partner"
    BY_OPERATOR = "canceled by the operator"
    EXPIRED = "the challenge was not answered in time"
    WRONG_ANSWERS = "the challenge got too many wrong answers"
    ADDRESS_GONE = "the payout address was removed"
