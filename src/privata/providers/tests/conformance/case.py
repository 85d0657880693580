"""What the conformance suite has to know of an adapter and its fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import pytest

from privata.core.addresses import validate_address
from privata.core.clock import SystemClock
from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.providers.currencies import CANONICAL
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.assets import CHAIN_NETWORK
from privata.providers.fakes.exchange import FakeExchange, Seen
from privata.providers.http.client import ClientSettings
from privata.providers.port import (
    Agreed,
    Asset,
    OpenedOrder,
    OrderRequest,
    OrderSnapshot,
    Provider,
    QuoteRequest,
    RateType,
    RefundRequest,
)
from privata.providers.simulator.addresses import deposit_address

_ASSETS: Final = {(one.asset.ticker, one.asset.network): one.asset for one in CANONICAL}

BTC: Final = _ASSETS["BTC", "BTC"]
ETH: Final = _ASSETS["ETH", "ETH"]
XRP: Final = _ASSETS["XRP", "XRP"]
USDT: Final = _ASSETS["USDT", "ERC20"]
#: What no fake lists.
UNLISTED: Final = Asset("NONE", "BTC", "Nothing", 8)

#: Stands for an operator's key in each test; found in no log and no error.
KEY: Final = "operators-key-4f2a"
SECRET: Final = "operators-secret-9c1d"
ACCOUNT: Final = "operators-account"


class Adapter(Provider, Protocol):
    """A provider with connections."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Step:
    """A documented status: the provider's word with facts of its fake's order, and our state."""

    word: str
    status: OrderStatus
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Documented:
    """A documented error of a call of the fake, and the refusal or the fault that it is."""

    call: str
    status: int
    body: object
    reason: Refusal | Fault


@dataclass(frozen=True)
class Case:
    """An adapter with its fake.

    `fields` says where the answers of a call have what the suite changes: call of the fake ->
    meaning -> dotted path. Meanings: `id`, `status`, `deposit_address`, `payout_address`,
    `currency_to`, `amount_from`, `amount_to`, `tx_in`, `tx_out`. `create` needs the first and the
    addresses, `status` all that its wire format has, `quote` the amount to receive.
    `authorized` asserts that a request carries the credentials. `reverse` are the types of rate
    that can be asked for by an amount to receive, `amountless` those whose orders name no amount,
    and `usual` is the type whose answers `fields` describe.
    Rates that are not in `rates` are
    refused by the adapter.
    """

    name: str
    fake: Callable[[], FakeExchange]
    adapter: Callable[[str], Adapter]
    fields: Mapping[str, Mapping[str, str]]
    steps: tuple[Step, ...]
    errors: tuple[Documented, ...]
    authorized: Callable[[Seen], None]
    refund_required: Step | None = None
    finish_refund: Callable[[FakeExchange, str], None] | None = None
    reverse: tuple[RateType, ...] = ("fixed",)
    usual: RateType = "float"
    amountless: tuple[RateType, ...] = ()
    rates: tuple[RateType, ...] = ("float", "fixed")


def quick(settings: ClientSettings, base_url: str) -> ClientSettings:
    """The client's settings for a fake: as fast as the test wants, and not patient."""
    return replace(settings, base_url=base_url, calls_per_minute=1e6, burst=1e6, call_seconds=5.0)


def address(asset: Asset, seed: str) -> tuple[str, str | None]:
    """An address of the asset's network that is nobody's, in its canonical form."""
    text, extra_id = deposit_address(CHAIN_NETWORK[asset.network], seed)
    return validate_address(asset.network, text).address, extra_id


class World:
    """An adapter and the fake it talks to over HTTP."""

    def __init__(self, case: Case, fake: FakeExchange, adapter: Adapter) -> None:
        self.case = case
        self.fake = fake
        self.adapter = adapter

    def change(self, call: str, meaning: str, raw: bytes) -> None:
        """Put raw JSON in the place of a field in the answers of a call."""
        self.fake.changed.setdefault(call, {})[self.case.fields[call][meaning]] = raw

    def has(self, call: str, meaning: str) -> bool:
        """Whether the wire format has such a field."""
        return meaning in self.case.fields.get(call, {})

    def order(
        self,
        *,
        rate_type: RateType = "float",
        source: Asset = BTC,
        target: Asset = USDT,
        amount: Decimal = Decimal("0.01"),
        amount_to: Decimal = Decimal(1),
        rate_id: str | None = None,
    ) -> OrderRequest:
        """An order as the orders room makes it."""
        payout, payout_extra = address(target, "payout")
        back, back_extra = address(source, "back")
        return OrderRequest(
            seed="qt_1",
            source=source,
            target=target,
            amount_from=amount,
            amount_to=amount_to,
            rate_type=rate_type,
            payout_address=payout,
            payout_extra_id=payout_extra,
            refund_address=back,
            refund_extra_id=back_extra,
            created_at=SystemClock().now(),
            sandbox=None,
            rate_id=rate_id,
            user_ip="192.0.2.7",
        )

    async def opened(self, request: OrderRequest | None = None) -> OrderSnapshot:
        """An order that stands at the fake, as our side keeps it."""
        request = request or self.order()
        return snapshot(request, await self.adapter.create_order(request))


def snapshot(request: OrderRequest, opened: OpenedOrder) -> OrderSnapshot:
    """What our side knows of an order that was opened."""
    return OrderSnapshot(
        provider_order_id=opened.provider_order_id,
        seed=request.seed,
        status=OrderStatus.WAITING_DEPOSIT,
        amount_to_expected=request.amount_to,
        created_at=request.created_at,
        expires_at=opened.expires_at,
        sandbox=None,
        agreed=Agreed(
            request.source,
            request.target,
            request.amount_from,
            request.rate_type,
            opened.deposit_address,
            request.payout_address,
        ),
        secret=opened.secret,
    )


def refund_of(
    order: OrderSnapshot, *, accepted: bool = False, converts: bool = False
) -> RefundRequest:
    """A refund of an order's deposit, as the refunds room asks for it."""
    source = order.agreed.source
    to, extra_id = address(source, "back")
    return RefundRequest(
        reference="refund:prv-1",
        provider_order_id=order.provider_order_id,
        seed=order.seed,
        deposit=order.agreed.amount_from,
        asset=source.ticker,
        network=source.network,
        address=to,
        extra_id=extra_id,
        requested_at=now(),
        sandbox=None,
        converts=converts,
        accepted=accepted,
        secret=order.secret,
    )


def sell(amount: str = "0.01", rate_type: RateType = "float") -> QuoteRequest:
    """An amount of BTC to send."""
    return QuoteRequest(BTC, USDT, Decimal(amount), "send", rate_type, "192.0.2.7")


async def without(world: World, rate_type: RateType) -> bool:
    """Whether the provider has no such rate; then it refuses quotes and orders of it."""
    if rate_type in world.case.rates:
        return False
    for asking in (
        world.adapter.quote(sell("0.01", rate_type)),
        world.adapter.create_order(world.order(rate_type=rate_type)),
    ):
        with pytest.raises(ProviderRefused) as refused:
            await asking
        assert refused.value.reason == Refusal.PAIR
    assert world.fake.calls("create") == []
    return True


def now() -> datetime:
    """The present moment."""
    return SystemClock().now()
