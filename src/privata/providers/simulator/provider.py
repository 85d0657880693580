"""The simulator as a provider."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.money import CONTEXT, floor_to
from privata.core.tenancy import Environment
from privata.providers.markup import with_markup
from privata.providers.port import (
    MAX_MARKUP_BPS,
    Asset,
    Deadline,
    Limits,
    Offer,
    OpenedOrder,
    OrderRequest,
    OrderSnapshot,
    QuoteRequest,
    RateType,
    RefundReport,
    RefundRequest,
    Refunds,
    Report,
    Scenario,
)
from privata.providers.simulator import refunds
from privata.providers.simulator.addresses import deposit_address, tx_hash
from privata.providers.simulator.assets import MAX_SLIPPAGE, MAX_USD, MIN_USD, PRICES, SPREAD
from privata.providers.simulator.scenarios import moment, waits_for_deposit

#: How long a test order waits for its deposit, as real providers do (docs/order-lifecycle.md).
EXPIRY = {"fixed": timedelta(minutes=30), "float": timedelta(hours=24)}

REFUND_WINDOW_HOURS = 24

_SHOWN_AFTER_DEPOSIT = frozenset(OrderStatus) - {
    OrderStatus.WAITING_DEPOSIT,
    OrderStatus.EXPIRED,
}


class Simulator:
    """Deterministic: everything it answers follows from the request."""

    name = "simulator"
    environment = Environment.TEST
    refunds = Refunds("programmatic", window_hours=REFUND_WINDOW_HOURS, converts=True)
    most_markup_bps = MAX_MARKUP_BPS

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return tuple(PRICES)

    async def limits(
        self,
        source: Asset,
        target: Asset,
        rate_type: RateType = "float",
        *,
        deadline: Deadline | None = None,
    ) -> Limits | None:
        if source == target or source not in PRICES or target not in PRICES:
            return None
        price = PRICES[source]
        places = source.decimals
        return Limits(floor_to(MIN_USD / price, places), floor_to(MAX_USD / price, places))

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        # The default context would cut large amounts of 18 decimals at 28 digits.
        with localcontext(CONTEXT):
            return with_markup(self._priced(request), request)

    def _priced(self, request: QuoteRequest) -> Offer:
        rate = PRICES[request.source] / PRICES[request.target]
        rate *= 1 - SPREAD[request.rate_type]
        if request.side == "send":
            amount_from = request.amount
            amount_to = floor_to(amount_from * rate, request.target.decimals)
        else:
            amount_to = request.amount
            # One unit more, so that what is sent always buys what was asked for.
            unit = Decimal(1).scaleb(-request.source.decimals)
            amount_from = floor_to(amount_to / rate, request.source.decimals) + unit
        usd_value = floor_to(amount_from * PRICES[request.source], 8)
        return Offer(self.name, amount_from, amount_to, usd_value)

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        assert request.sandbox is not None  # live orders never come here
        scenario = Scenario(request.sandbox.scenario)
        path = timedelta(seconds=request.sandbox.ttl_seconds)
        # A long path must not run into the expiry of a fixed rate: it is to end as it was chosen.
        waits = waits_for_deposit(scenario, request.sandbox.ttl_seconds)
        if waits is None:
            waits = max(EXPIRY[request.rate_type], path)
        expires_at = request.created_at + waits
        now = moment(scenario, request.sandbox.ttl_seconds, request.created_at, request.created_at)
        address, extra_id = deposit_address(request.source.network, request.seed)
        return OpenedOrder(
            provider_order_id=f"sim-{_digest(request.seed, 'order').hex()[:24]}",
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=expires_at,
            next_change_at=now.next_change_at or request.created_at,
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        assert order.sandbox is not None
        scenario = Scenario(order.sandbox.scenario)
        current = moment(scenario, order.sandbox.ttl_seconds, order.created_at, now)
        failed = current.status is OrderStatus.FAILED
        deposited = current.status in _SHOWN_AFTER_DEPOSIT and not failed
        sent = current.status is OrderStatus.COMPLETED
        returned = current.status is OrderStatus.REFUNDED
        return Report(
            status=current.status,
            passed=current.passed,
            amount_to_actual=_final_amount(order) if sent else None,
            tx_in_hash=tx_hash(order.seed, "in") if deposited else None,
            tx_out_hash=tx_hash(order.seed, "out") if sent or returned else None,
            failed_reason=FailedReason.PROVIDER_INTERNAL if failed else None,
            failed_message="The simulated exchange failed, as this scenario asks."
            if failed
            else None,
            next_change_at=current.next_change_at,
        )

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        return refunds.refund(request, now)


def _final_amount(order: OrderSnapshot) -> Decimal:
    """The expected amount less a slippage that follows from the order, 0 to `MAX_SLIPPAGE`."""
    fraction = Decimal(int.from_bytes(_digest(order.seed, "slippage")[:2])) / 65535
    exact = CONTEXT.multiply(order.amount_to_expected, 1 - MAX_SLIPPAGE * fraction)
    exponent = order.amount_to_expected.normalize(CONTEXT).as_tuple().exponent
    assert isinstance(exponent, int)
    return floor_to(exact, max(2, -exponent))


def _digest(seed: str, purpose: str) -> bytes:
    return hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
