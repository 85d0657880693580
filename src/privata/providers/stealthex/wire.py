"""StealthEX's v4 wire format: what is read of its answers, and its words in ours.

https://api.stealthex.io/docs/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.providers.currencies import Code, Listed
from privata.providers.failures import Fault, Refusal, refused
from privata.providers.fields import Fields
from privata.providers.http.client import Reply
from privata.providers.port import NO_MAXIMUM, Limits, RateType, Side

RATES: Final[Mapping[RateType, str]] = {"float": "floating", "fixed": "fixed"}
ESTIMATIONS: Final[Mapping[Side, str]] = {"send": "direct", "receive": "reversed"}

#: The network of every native coin.
_NATIVE: Final = "mainnet"

_ERRORS: Final = {"NoPair": Refusal.PAIR, "NotFound": Refusal.UNKNOWN_ORDER}

_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Estimate:
    """An answer of `estimated-amount`: the other amount than the one asked with."""

    amount: Decimal
    rate_id: str | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """What goes in, or what goes out."""

    code: Code
    amount: Decimal | None
    expected: Decimal | None
    address: str | None
    extra_id: str | None
    tx_hash: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange, as creation and status show it."""

    id: str
    rate: str | None
    status: str
    deposit: Leg
    withdrawal: Leg
    valid_until: datetime | None


def listed(entry: Fields) -> Listed:
    """One currency of the list."""
    code = Code(entry.text("symbol"), entry.text("network"))
    native = code.network.lower() == _NATIVE
    network = f"{code.ticker} {code.network}" if native else code.network
    return Listed(code, entry.optional_text("contract_address"), network=network)


def limits(answer: Fields) -> Limits:
    """What `range` says; null is no maximum."""
    return Limits(answer.amount("min_amount"), answer.optional_amount("max_amount") or NO_MAXIMUM)


def estimate(answer: Fields) -> Estimate:
    """What `estimated-amount` says; only a fixed rate has an ID."""
    rate = answer.optional_inside("rate")
    return Estimate(
        answer.amount("estimated_amount"),
        None if rate is None else rate.optional_text("id"),
        None if rate is None else rate.optional_moment("valid_until"),
    )


def exchange(answer: Fields) -> Exchange:
    """What `exchanges` says."""
    return Exchange(
        id=answer.text("id"),
        rate=answer.optional_text("rate"),
        status=answer.text("status"),
        deposit=_leg(answer.inside("deposit")),
        withdrawal=_leg(answer.inside("withdrawal")),
        valid_until=answer.optional_moment("expires_at"),
    )


def _leg(answer: Fields) -> Leg:
    return Leg(
        code=Code(answer.text("symbol"), answer.text("network")),
        amount=answer.optional_amount("amount"),
        expected=answer.optional_amount("expected_amount"),
        address=answer.optional_text("address"),
        extra_id=answer.optional_text("extra_id"),
        tx_hash=answer.optional_text("tx_hash"),
    )


def error(reply: Reply) -> ProviderError:
    """An error in StealthEX's shape, as something to raise: its kind counts."""
    answer = reply.fields()
    if reply.status == _FORBIDDEN:
        return answer.fault(Fault.CREDENTIALS)
    inner = answer.optional_inside("err")
    kind = None if inner is None else inner.optional_text("kind")
    reason = _ERRORS.get(kind or "")
    return answer.fault(Fault.UNKNOWN_ERROR) if reason is None else refused(reason)
