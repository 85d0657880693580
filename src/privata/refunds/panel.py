"""What the page of an order says about its refund, worked out from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.core.explorers import ExplorerLink, explorer_link
from privata.core.lifecycle import OrderStatus
from privata.core.refund_window import window_ends
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.orders.reading import Order, TimelineEntry
from privata.orders.service import preference_of
from privata.refunds.rules import (
    Choice,
    RefundAction,
    RefundSource,
    RefundState,
    StableTarget,
    default_choice,
)
from privata.refunds.store import Refund, refund_of
from privata.routing.service import routing_of

#: States of an order in which its page has a refund panel, and what it is called there.
_TITLES: Final = {
    OrderStatus.REFUND_REQUIRED: "Refund needed",
    OrderStatus.REFUNDED: "Refunded",
    OrderStatus.MANUAL_REVIEW: "Waiting for a decision",
}

#: Why an order needs a refund, for the partner's people.
_REASONS: Final = {
    "kyt_block": "The provider's transaction check stopped the deposit.",
    "amount_out_of_range": "The deposit was outside the provider's limits.",
    "rate_changed": "The rate changed too far before the deposit arrived.",
    "underpayment": "The deposit was less than the order amount.",
    "overpayment": "The deposit was more than the order amount.",
    "network_congestion": "The network was too congested to finish in time.",
    "provider_timeout": "The provider did not finish in time.",
    "provider_internal": "The provider could not continue.",
}
_NO_REASON: Final = "The provider could not continue the swap."


@dataclass(frozen=True, slots=True)
class RefundPanel:
    """The refund of an order as its page shows it.

    `can_act`: an action may be chosen now, by those who may; `converts`: a stablecoin is one of
    them. `if_nobody_acts` and `chosen` are
    sentences; `closes_at` is the window's end while it matters; `asset` on `network` is what is
    sent back, and `link` leads to its transaction.
    """

    title: str
    why: str
    closes_at: datetime | None
    closed: bool
    can_act: bool
    programmatic: bool
    converts: bool
    if_nobody_acts: str
    refund: Refund | None
    chosen: str
    working: bool
    failed: bool
    asset: str
    network: str
    link: ExplorerLink | None


async def panel_of(
    ctx: AppContext, order: Order, entries: Sequence[TimelineEntry], now: datetime
) -> RefundPanel | None:
    """The panel of an order; None for one that never needed a refund."""
    entered = next((e.at for e in entries if e.status == OrderStatus.REFUND_REQUIRED), None)
    title = _TITLES.get(OrderStatus(order.status))
    if title is None or entered is None:
        return None
    refund = await refund_of(ctx.database.pool, order.id, order.organization_id, order.environment)
    required = order.status == OrderStatus.REFUND_REQUIRED
    ends = window_ends(entered, order.refund_window_hours, order.sandbox_ttl)
    closed = now >= ends
    programmatic = order.refund_capability == "programmatic"
    converts = order.provider in await routing_of(ctx).converting(Environment(order.environment))
    state = None if refund is None else refund.state
    stable = StableTarget(refund.stable_target) if refund and refund.stable_target else None
    asset = stable.asset if stable else order.from_asset
    network = stable.network if stable else order.from_network
    sandbox = order.environment == "test"
    sent = order.tx_out_hash if order.status == OrderStatus.REFUNDED else None
    return RefundPanel(
        title=title,
        why=order.failed_reason_message or _REASONS.get(order.failed_reason_code or "", _NO_REASON),
        closes_at=ends if required and refund is None else None,
        closed=closed,
        can_act=required and refund is None and programmatic and not closed,
        programmatic=programmatic,
        converts=converts,
        if_nobody_acts=_default_words(order, converts=converts),
        refund=refund,
        chosen="" if refund is None else _chosen_words(order, refund),
        working=state in (RefundState.REQUESTED, RefundState.PROCESSING),
        failed=state == RefundState.FAILED,
        asset=asset,
        network=network,
        link=explorer_link(network, sent, sandbox=sandbox) if sent else None,
    )


def choice_words(order: Order, choice: Choice, *, given: bool) -> str:
    """What a choice does, after "it is": `given` says that the address is the order's own."""
    where = "to the refund address from the order" if given else "to another address"
    if choice.stable_target is not None:
        return f"converted to {spoken_target(choice.stable_target)} and sent {where}"
    return f"returned as {order.from_asset} {where}"


def spoken_target(target: StableTarget) -> str:
    """`USDT on TRC20`."""
    return f"{target.asset} on {target.network}"


def _default_words(order: Order, *, converts: bool) -> str:
    choice = default_choice(order, preference_of(order.refund_preference), converts=converts)
    if choice.action is not RefundAction.MANUAL_REVIEW:
        return f"The deposit is {choice_words(order, choice, given=True)}."
    if order.refund_capability == "ticket":
        hours = order.refund_sla_hours
        within = f" within {hours} hours" if hours else ""
        return (
            "This provider returns deposits through a support ticket"
            f"{within}. When the window ends, the operator takes over the order."
        )
    if order.refund_capability == "none":
        return (
            "This provider does not return deposits. "
            "When the window ends, the operator takes over the order."
        )
    return "The operator takes over the order and decides."


def _chosen_words(order: Order, refund: Refund) -> str:
    choice = Choice(
        RefundAction(refund.action),
        refund.to_address,
        refund.to_extra_id,
        StableTarget(refund.stable_target) if refund.stable_target else None,
    )
    own = (order.refund_address, order.payout_address)
    words = choice_words(order, choice, given=refund.to_address in own)
    who = {
        RefundSource.API.value: "Chosen through the API",
        RefundSource.DASHBOARD.value: f"Chosen by {refund.requested_by}",
        RefundSource.DEFAULT.value: "The window ended without an action",
    }[refund.source]
    if choice.action is RefundAction.MANUAL_REVIEW:
        return f"{who}."
    return f"{who}. The deposit is {words}."
