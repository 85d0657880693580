"""The port behind which every exchange provider stands.

Canonical types and two families of failure (`core.errors`): `ProviderRefused`, they said no, and
`ProviderUnavailable`, they are down, slow, or answer nonsense. An adapter raises nothing else; the
reasons stand in `failures`. docs/providers.md says how to write one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, Protocol

from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.tenancy import Environment

RateType = Literal["float", "fixed"]
Side = Literal["send", "receive"]

#: Seconds of a test order's whole path when `sandbox_ttl` is not given, and its upper bound.
DEFAULT_TTL = 30
MAX_TTL = 3600

#: The maximum of a pair whose provider names none; more than any asset has units in use.
NO_MAXIMUM: Final = Decimal(10) ** 15

#: The most that a partner may add to an order, in basis points; the database says the same.
MAX_MARKUP_BPS: Final = 300


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a call must have its answer, on this process's monotonic clock.

    One value for everything an adapter does within a call: waiting for its turn, connecting, and
    each request.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds that are left; never less than 0."""
        return max(0.0, self.at - time.monotonic())


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an operator was given by a provider. No part of it is ever printed.

    `key` names the caller, `secret` signs (FixedFloat), `account` is who earns (SideShift's and
    LetsExchange's affiliate ID). What a provider does not have is empty.
    """

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    account: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OrderSecret:
    """What a provider wants to see again whenever we ask about one order: FixedFloat's token, the
    password of an exchange behind an aggregator. Sealed at rest, and never printed."""

    values: Mapping[str, str] = field(repr=False, hash=False)

    def to_bytes(self) -> bytes:
        """The form that is sealed."""
        return json.dumps(dict(self.values), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> OrderSecret:
        """What `to_bytes` made."""
        return cls(json.loads(raw))


@dataclass(frozen=True, slots=True)
class Asset:
    """A ticker on a network; amounts have at most `decimals` places."""

    ticker: str
    network: str
    name: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent, in the asset that is sent; `NO_MAXIMUM` where none is named."""

    minimum: Decimal
    maximum: Decimal

    @property
    def possible(self) -> bool:
        """Whether any amount fits: a provider without reserves, or a liar, has a minimum above the
        maximum."""
        return self.minimum <= self.maximum


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """An amount to price: of what is sent, or of what is received.

    `user_ip` is the end user's address, where it is known: SideShift applies its country rules.
    `markup_bps` is the partner's, which the provider is to collect: at most `most_markup_bps`.
    """

    source: Asset
    target: Asset
    amount: Decimal
    side: Side
    rate_type: RateType
    user_ip: str | None = None
    markup_bps: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's price, with the partner's markup in it: `markup_bps`, as it was asked for.

    `rate_id` is what holds a fixed rate at the provider, until `valid_until`. An order made without
    it, or after it, is priced anew. `through` is the exchange behind an aggregator.
    """

    provider: str
    amount_from: Decimal
    amount_to: Decimal
    usd_value: Decimal | None
    rate_id: str | None = None
    valid_until: datetime | None = None
    through: str | None = None
    markup_bps: int = 0


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
    """A swap to open at the provider. `seed` is stable for one quote: test numbers grow from it.

    `amount_to` is what the provider offered for a fixed rate: less is refused. `side` says which of
    the two amounts the quote was asked for, and `markup_bps` what was in it.
    """

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
    side: Side = "send"
    rate_id: str | None = None
    user_ip: str | None = None
    markup_bps: int = 0


@dataclass(frozen=True, slots=True)
class OpenedOrder:
    """What the provider answers: where to pay, until when, and what it wants to see again.

    `amount_to` is what it promises to send, where it says so.
    """

    provider_order_id: str
    deposit_address: str
    deposit_extra_id: str | None
    expires_at: datetime
    next_change_at: datetime | None
    amount_to: Decimal | None = None
    secret: OrderSecret | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an order was opened with: what a report about it is checked against."""

    source: Asset
    target: Asset
    amount_from: Decimal
    rate_type: RateType
    deposit_address: str
    payout_address: str


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
    agreed: Agreed
    secret: OrderSecret | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Where an order stands, as the provider says.

    `passed` are states it went through before, where the provider knows them; `next_change_at` is
    known only in the sandbox. `deposited` is the amount that arrived, as the provider counts it.
    `refund_under_way`: it sends the deposit back by itself, so nothing is to be chosen any more.
    """

    status: OrderStatus
    passed: tuple[OrderStatus, ...] = ()
    amount_to_actual: Decimal | None = None
    tx_in_hash: str | None = None
    tx_out_hash: str | None = None
    failed_reason: FailedReason | None = None
    failed_message: str | None = None
    next_change_at: datetime | None = None
    deposited: Decimal | None = None
    refund_under_way: bool = False


@dataclass(frozen=True, slots=True)
class Refunds:
    """What a provider can do about refunds (docs/refunds.md).

    `converts`: it can also send a stablecoin instead of the deposit.
    """

    capability: Literal["programmatic", "ticket", "none"]
    window_hours: int | None = None
    sla_hours: int | None = None
    converts: bool = False


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A deposit to send back, as it is or exchanged for a stablecoin.

    `reference` is ours and the same at every try: a provider that has seen it starts nothing new.
    `deposit` is what it holds; `asset` and `network` name what is to be sent to `address`.
    `converts`: that is another asset than the deposit. `accepted`: the provider has taken the
    refund on before, so that it is not refused only because it is under way.
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
    converts: bool = False
    accepted: bool = False
    secret: OrderSecret | None = None


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
    """One exchange.

    `most_markup_bps` is how much of a partner's markup it collects for us with an order, in basis
    points; 0: it has no way to.

    Every call ends by its `deadline`; without one, the adapter's own limit holds. All errors are
    those of the port.
    """

    name: str
    environment: Environment
    refunds: Refunds
    most_markup_bps: int

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        """Everything it swaps; each asset can become each other one unless `limits` refuses."""
        ...

    async def limits(
        self,
        source: Asset,
        target: Asset,
        rate_type: RateType = "float",
        *,
        deadline: Deadline | None = None,
    ) -> Limits | None:
        """The bounds of a pair, or None where it has no such pair."""
        ...

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        """Price an amount; `failures.AmountRefused` says the limits of one outside of them."""
        ...

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        """Open the swap. Never repeated by the adapter: an order that was made unseen is left."""
        ...

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        """Say where the order stands. A word that is not known is `manual_review`."""
        ...

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        """Send a deposit back, or say how the refund with this reference stands.

        Safe to repeat. Only asked of providers whose refunds are `programmatic`; the others raise
        `ProviderRefused`.
        """
        ...


class PriceFeed(Protocol):
    """A source of prices in US dollars that is no exchange."""

    async def read(self, now: datetime) -> dict[str, Decimal]:
        """US dollars for one, by ticker. `ProviderError` if it says nothing that means anything."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
