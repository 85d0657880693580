"""The port behind which every exchange provider stands.

Canonical types and two families of failure (`core.errors`): `ProviderRefused`, they said no, and
`ProviderUnavailable`, they are down. An adapter raises nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.tenancy import Environment

RateType = Literal["float", "fixed"]
Side = Literal["send", "receive"]

#: Seconds of a test order's whole path when `sandbox_ttl` is not given, and its upper bound.
DEFAULT_TTL = 30
MAX_TTL = 3600


@dataclass(frozen=True, slots=True)
class Asset:
    """A ticker on a network; amounts have at most `decimals` places."""

    ticker: str
    network: str
    name: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent, in the asset that is sent."""

    minimum: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """An amount to price: of what is sent, or of what is received."""

    source: Asset
    target: Asset
    amount: Decimal
    side: Side
    rate_type: RateType


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's price, before the partner's markup."""

    provider: str
    amount_from: Decimal
    amount_to: Decimal
    usd_value: Decimal | None


class Scenario(StrEnum):
    """The ways a test order can go; what each is stands in `simulator.scenarios`."""

    SUCCESS = "success"
    FAIL = "fail"
    REFUND = "refund"
    STUCK = "stuck"
    EXPIRE = "expire"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class SandboxPlan:
    """How a test order is to go (docs/sandbox.md); live orders have none."""

    scenario: str
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A swap to open at the provider. `seed` is stable for one quote: test numbers grow from it."""

    seed: str
    source: Asset
    target: Asset
    amount_from: Decimal
    amount_to: Decimal
    rate_type: RateType
    payout_address: str
    payout_extra_id: str | None
    refund_address: str | None
    refund_extra_id: str | None
    created_at: datetime
    sandbox: SandboxPlan | None


@dataclass(frozen=True, slots=True)
class OpenedOrder:
    """What the provider answers: where to pay, until when."""

    provider_order_id: str
    deposit_address: str
    deposit_extra_id: str | None
    expires_at: datetime
    next_change_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """What our side knows of an order when it asks for a report."""

    provider_order_id: str
    seed: str
    status: OrderStatus
    amount_to_expected: Decimal
    created_at: datetime
    expires_at: datetime
    sandbox: SandboxPlan | None


@dataclass(frozen=True, slots=True)
class Report:
    """Where an order stands, as the provider says.

    `passed` are states it went through before, where the provider knows them; `next_change_at` is
    known only in the sandbox.
    """

    status: OrderStatus
    passed: tuple[OrderStatus, ...] = ()
    amount_to_actual: Decimal | None = None
    tx_in_hash: str | None = None
    tx_out_hash: str | None = None
    failed_reason: FailedReason | None = None
    failed_message: str | None = None
    next_change_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refunds:
    """What a provider can do about refunds (docs/refunds.md)."""

    capability: Literal["programmatic", "ticket", "none"]
    window_hours: int | None = None
    sla_hours: int | None = None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A deposit to send back, as it is or exchanged for a stablecoin.

    `reference` is ours and the same at every try: a provider that has seen it starts nothing new.
    `deposit` is what it holds; `asset` and `network` name what is to be sent to `address`.
    """

    reference: str
    provider_order_id: str
    seed: str
    deposit: Decimal
    asset: str
    network: str
    address: str
    extra_id: str | None
    requested_at: datetime
    sandbox: SandboxPlan | None


@dataclass(frozen=True, slots=True)
class RefundReport:
    """How a refund stands: sent, or taken on and not sent yet.

    `tx_hash` is the transaction that sends it, known when it is done. `check_at` is when to ask
    again, where the provider says so.
    """

    done: bool
    provider_reference: str | None = None
    tx_hash: str | None = None
    check_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.done and not self.tx_hash:
            raise ValueError("a refund that is done has a transaction")


class Provider(Protocol):
    """One exchange."""

    name: str
    environment: Environment
    refunds: Refunds

    async def currencies(self) -> tuple[Asset, ...]:
        """Everything it swaps; each asset can become each other one unless `limits` refuses."""
        ...

    async def limits(self, source: Asset, target: Asset) -> Limits | None:
        """The bounds of a pair, or None where it has no such pair."""
        ...

    async def quote(self, request: QuoteRequest) -> Offer:
        """Price an amount that lies inside the limits."""
        ...

    async def create_order(self, request: OrderRequest) -> OpenedOrder:
        """Open the swap."""
        ...

    async def get_order(self, order: OrderSnapshot, now: datetime) -> Report:
        """Say where the order stands."""
        ...

    async def refund(self, request: RefundRequest, now: datetime) -> RefundReport:
        """Send a deposit back, or say how the refund with this reference stands.

        Safe to repeat. Only asked of providers whose refunds are `programmatic`; the others raise
        `ProviderRefused`.
        """
        ...
