"""Choosing what happens to a deposit that cannot be swapped: once an order (docs/refunds.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from privata.audit import service as audit
from privata.core.addresses import AddressError, ValidAddress
from privata.core.clock import iso
from privata.core.errors import (
    InvalidAddress,
    OrderNotFound,
    RefundNotProgrammatic,
    RefundNotRequired,
    RefundWindowExpired,
    ValidationFailed,
)
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Actor
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.orders import service as orders
from privata.refunds import store
from privata.refunds.rules import (
    Choice,
    RefundAction,
    RefundSource,
    RefundState,
    StableTarget,
    checked_address,
    known_address,
)
from privata.routing.service import routing_of

#: Wakes the worker that carries refunds out; no payload.
REFUNDS_WAKEUP: Final = "privata_refunds"

#: Stores a call's answer in the transaction of its effect.
Keep = Callable[[Transaction, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a partner asks for. Without an address it is the one that the order has already."""

    action: RefundAction
    address: str | None = None
    extra_id: str | None = None
    stable_target: StableTarget | None = None


#: The names of the two inputs, for each action: those of the API.
FIELDS: Final = {
    RefundAction.RETURN: ("refund_to_address", "refund_extra_id"),
    RefundAction.CONVERT: ("address", "address"),
}


async def request_refund(
    ctx: AppContext,
    *,
    actor: Actor,
    order_id: str,
    wish: Wish,
    source: RefundSource,
    keep: Keep | None = None,
) -> bytes:
    """Choose what happens to the deposit of an order; the refund object as JSON.

    The provider is asked by the worker, at once. The same choice again gets the refund as it stands
    by then. Errors: `OrderNotFound`; `RefundNotRequired` for an order that needs none, or has
    another action already; `RefundNotProgrammatic`, `RefundWindowExpired`, `InvalidAddress`, and
    `ValidationFailed` where an address is needed.
    """
    converting = await routing_of(ctx).converting(actor.environment)
    async with ctx.database.transaction() as tx:
        order = await lock_order(tx, actor, order_id)
        refund = await store.fetch_refund(tx, order)
        if refund is not None:
            _same_or_refuse(order, refund, wish)
        else:
            # The row lock makes two choices take turns, and the clock with them: the second one
            # finds the first one's refund above.
            refuse_unless_open(order, ctx.clock.now())
            if wish.action is RefundAction.CONVERT and order.provider not in converting:
                raise _not_converting(order)
            choice = choose(order, wish)
            refund = await note_choice(
                tx, order, choice, source=source, by=actor.label, now=ctx.clock.now()
            )
            await _audit(tx, actor, order, choice, source)
        answer = msgspec.json.encode(refund_object(order, refund))
        if keep is not None:
            await keep(tx, answer)
    return answer


async def lock_order(tx: Transaction, actor: Actor, order_id: str) -> orders.WholeOrder:
    """The actor's order, locked; `OrderNotFound` for a missing one and for another's alike."""
    row = None
    if ORDER_ID.fullmatch(order_id):
        row = await orders.lock_own_order(tx, order_id, actor.organization_id, actor.environment)
    if row is None:
        raise OrderNotFound("Order not found.")
    return row


def refuse_unless_open(order: orders.WholeOrder, now: datetime) -> None:
    """Raise what stands against choosing an action for this order now."""
    if order.status != OrderStatus.REFUND_REQUIRED:
        raise RefundNotRequired(
            f"This order is {order.status}. Refund actions require the status refund_required.",
            data={"status": order.status},
        )
    if order.refund_capability != "programmatic":
        raise _not_programmatic(order)
    if now >= orders.refund_window_end(order):
        raise _window_ended(order)


def is_open(order: orders.WholeOrder, now: datetime) -> bool:
    """Whether an action can be chosen for this order now."""
    if order.refund is not None:
        return False
    try:
        refuse_unless_open(order, now)
    except (RefundNotRequired, RefundNotProgrammatic, RefundWindowExpired):
        return False
    return True


def choose(order: orders.WholeOrder, wish: Wish) -> Choice:
    """The choice with the address it is sent to, checked for its network."""
    if wish.action is RefundAction.RETURN:
        if wish.address is not None:
            valid = _checked(order.from_network, wish)
            return Choice(wish.action, valid.address, valid.extra_id)
        if order.refund_address is None:
            raise _address_needed(wish, "is required because the order has none")
        return Choice(wish.action, order.refund_address, order.refund_extra_id)
    assert wish.stable_target is not None  # the shapes of the API and of the form see to it
    network = wish.stable_target.network
    if wish.address is not None:
        valid = _checked(network, wish)
        return Choice(wish.action, valid.address, stable_target=wish.stable_target)
    known = known_address(order, wish.stable_target)
    if known is None:
        raise _address_needed(wish, f"is required because the order has no address on {network}")
    return Choice(wish.action, known, stable_target=wish.stable_target)


async def note_choice(
    tx: Transaction,
    order: orders.WholeOrder,
    choice: Choice,
    *,
    source: RefundSource,
    by: str,
    now: datetime,
) -> store.Refund:
    """Write the one action of an order whose row is locked and which has none yet."""
    review = choice.action is RefundAction.MANUAL_REVIEW
    refund = store.Refund(
        order_id=order.id,
        organization_id=order.organization_id,
        environment=order.environment,
        action=choice.action.value,
        to_address=choice.address,
        to_extra_id=choice.extra_id,
        stable_target=None if choice.stable_target is None else choice.stable_target.value,
        state=(RefundState.DONE if review else RefundState.REQUESTED).value,
        source=source.value,
        requested_by=by[:254],
        due_at=None if review else now,
        requested_at=now,
        finished_at=now if review else None,
    )
    await store.insert_refund(tx, refund)
    # From here on the refund is followed, not the window.
    await orders.set_poll(tx, order, None)
    await orders.note_refund(tx, order, now)
    tx.wake(REFUNDS_WAKEUP)
    tx.wake(LIVE_WAKEUP, live_payload(order.organization_id, order.environment, "orders"))
    return refund


def refund_object(order: orders.WholeOrder, refund: store.Refund) -> dict[str, Any]:
    """The refund as it goes over the API; the address stays inside."""
    finished = refund.finished_at
    done = refund.state == RefundState.DONE
    return {
        "order_id": order.id,
        "status": order.status,
        "action": refund.action,
        "stable_target": refund.stable_target,
        "state": refund.state,
        "source": refund.source,
        "requested_at": iso(refund.requested_at),
        "window_ends_at": iso(orders.refund_window_end(order)),
        "finished_at": None if finished is None else iso(finished),
        "tx_out_hash": order.tx_out_hash if done else None,
        "failure": refund.failure,
    }


def _same_or_refuse(order: orders.WholeOrder, refund: store.Refund, wish: Wish) -> None:
    """Let the same choice through, however often; another one is refused by name."""
    if refund.source == RefundSource.DEFAULT:
        if order.refund_capability != "programmatic":
            raise _not_programmatic(order)
        raise _window_ended(order)
    kept = Choice(
        RefundAction(refund.action),
        refund.to_address,
        refund.to_extra_id,
        StableTarget(refund.stable_target) if refund.stable_target else None,
    )
    try:
        same = choose(order, wish) == kept
    except (InvalidAddress, ValidationFailed):
        same = False
    if same:
        return
    raise RefundNotRequired(
        "This order already has a refund action. Only one is allowed.",
        data={
            "status": order.status,
            "action": refund.action,
            "state": refund.state,
            "source": refund.source,
        },
    )


def _checked(network: str, wish: Wish) -> ValidAddress:
    assert wish.address is not None
    try:
        return checked_address(network, wish.address, wish.extra_id)
    except AddressError as error:
        name = FIELDS[wish.action][error.field == "extra_id"]
        raise InvalidAddress(
            f"{name} is not valid on {network}. {error.message}.", fields=[(name, error.fragment)]
        ) from None


def _window_ended(order: orders.WholeOrder) -> RefundWindowExpired:
    return RefundWindowExpired(
        "The refund window of this order has ended. Its refund_preference applies.",
        data={"status": order.status, "window_ended_at": iso(orders.refund_window_end(order))},
    )


def _address_needed(wish: Wish, sentence: str) -> ValidationFailed:
    name = FIELDS[wish.action][0]
    return ValidationFailed("An address is required.", fields=[(name, sentence)])


def _not_programmatic(order: orders.WholeOrder) -> RefundNotProgrammatic:
    data: dict[str, str | int] = {"refund_capability": order.refund_capability}
    sentence = "The provider of this order does not return deposits through its API."
    if order.refund_capability == "ticket":
        sentence += " Its support returns them by ticket"
        hours = order.refund_sla_hours
        if hours is not None:
            data["refund_sla_hours"] = hours
            sentence += f", within {hours} hours"
        sentence += "."
    return RefundNotProgrammatic(
        f"{sentence} When the refund window ends, the order goes to manual review.", data=data
    )


def _not_converting(order: orders.WholeOrder) -> RefundNotProgrammatic:
    return RefundNotProgrammatic(
        "The provider of this order does not convert deposits to a stablecoin. Use"
        " refund_to_address.",
        data={"refund_capability": order.refund_capability, "provider": order.provider},
    )


async def _audit(
    tx: Transaction, actor: Actor, order: orders.WholeOrder, choice: Choice, source: RefundSource
) -> None:
    given = choice.address == order.refund_address
    changes = {
        "action": choice.action.value,
        "stable_target": choice.stable_target,
        "address": "given with the order" if given else "given with the action",
        "source": source.value,
    }
    await audit.record(tx, actor=actor, action="refund.requested", target=order.id, changes=changes)
