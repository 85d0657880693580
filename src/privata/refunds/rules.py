"""What may happen to a deposit that cannot be swapped (docs/refunds.md): pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from privata.core.addresses import AddressError, ValidAddress, validate_address
from privata.core.tenancy import Environment


class RefundAction(StrEnum):
    RETURN = "return_to_refund_address"
    CONVERT = "convert_to_stable"
    MANUAL_REVIEW = "manual_review"


class RefundState(StrEnum):
    """`requested`: not yet sent to the provider. `failed`: needs a manual decision."""

    REQUESTED = "requested"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


class RefundSource(StrEnum):
    """Who chose the action. `default`: the order's preference, when its window ended."""

    API = "api"
    DASHBOARD = "dashboard"
    DEFAULT = "default"


class StableTarget(StrEnum):
    USDT_TRC20 = "USDT-TRC20"
    USDT_ERC20 = "USDT-ERC20"
    USDC_ERC20 = "USDC-ERC20"
    USDC_SOL = "USDC-SOL"

    @property
    def asset(self) -> str:
        return self.value.partition("-")[0]

    @property
    def network(self) -> str:
        return self.value.partition("-")[2]


#: Networks that are one chain under several names: an address means the same place on each.
_CHAINS: Final = {"ETH": "ethereum", "ERC20": "ethereum", "TRX": "tron", "TRC20": "tron"}

#: A provider that does not answer is asked again after these pauses, the last one again and again.
PAUSES: Final = tuple(timedelta(seconds=s) for s in (2, 5, 10, 30, 60))

#: After so long without an answer a person decides. The sandbox shows it soon.
GIVE_UP_AFTER: Final = {
    Environment.LIVE: timedelta(minutes=15),
    Environment.TEST: timedelta(seconds=5),
}

#: How often a provider is asked about a refund it has taken on, unless it says when.
CHECK_EVERY: Final = timedelta(seconds=30)

#: A refund that was taken on and is not done by then goes to a person.
DONE_WITHIN: Final = timedelta(hours=72)


class Refundable(Protocol):
    """An order, as far as a refund looks at it."""

    @property
    def refund_capability(self) -> str: ...

    @property
    def from_network(self) -> str: ...

    @property
    def refund_address(self) -> str | None: ...

    @property
    def refund_extra_id(self) -> str | None: ...

    @property
    def to_network(self) -> str: ...

    @property
    def payout_address(self) -> str: ...

    @property
    def payout_extra_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to happen, and where to. Only a choice of manual review has no address."""

    action: RefundAction
    address: str | None = None
    extra_id: str | None = None
    stable_target: StableTarget | None = None


REVIEW: Final = Choice(RefundAction.MANUAL_REVIEW)


def default_choice(
    order: Refundable, preference: Mapping[str, Any] | None, *, converts: bool
) -> Choice:
    """What happens to an order whose window ended without an action.

    The order's preference decides; one without any is returned to its refund address. A
    person decides wherever the preference cannot be carried out: the provider has no refunds by
    API, or does not convert (`converts`), an address is missing, or no stablecoin was named when
    the order was made.
    """
    if order.refund_capability != "programmatic":
        return REVIEW
    preference = preference or {}
    wanted = preference.get("default") or RefundAction.RETURN.value
    if wanted == RefundAction.RETURN and order.refund_address is None:
        wanted = preference.get("fallback_if_refund_address_missing")
    if wanted == RefundAction.RETURN:
        return Choice(RefundAction.RETURN, order.refund_address, order.refund_extra_id)
    target = preference.get("convert_to_stable_target")
    if wanted != RefundAction.CONVERT or target is None or not converts:
        return REVIEW
    stable = StableTarget(target)
    address = known_address(order, stable)
    if address is None:
        return REVIEW
    return Choice(RefundAction.CONVERT, address, stable_target=stable)


def known_address(order: Refundable, target: StableTarget) -> str | None:
    """An address of the order's user that takes `target`: the refund address, else the payout's.

    Only one on the target's own chain counts. An address that merely looks alike on another chain
    may belong to a service that does not take deposits there.
    """
    sides = (
        (order.from_network, order.refund_address, order.refund_extra_id),
        (order.to_network, order.payout_address, order.payout_extra_id),
    )
    for network, address, extra_id in sides:
        if address is None or extra_id is not None or chain(network) != chain(target.network):
            continue
        try:
            return validate_address(target.network, address).address
        except AddressError:
            continue
    return None


def checked_address(network: str, address: str, extra_id: str | None) -> ValidAddress:
    """The address as it is sent to; `AddressError` names what is wrong with it."""
    return validate_address(network, address, extra_id)


def chain(network: str) -> str:
    """The chain that a network's name stands for."""
    return _CHAINS.get(network, network)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts without an answer, from 1."""
    return PAUSES[min(attempts, len(PAUSES)) - 1]
