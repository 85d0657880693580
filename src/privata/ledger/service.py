"""Booking what partners earn and are paid. The only code that writes the ledger.

Every verb books in the caller's transaction, under a cause that can be booked once. From a verb to
the commit the caller holds the organization's turn in the ledger: book late, and before
`audit.record`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from privata.audit import service as audit
from privata.core.errors import AlreadyBooked, InsufficientBalance, NotFound, ValidationFailed
from privata.core.money import format_amount
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.ledger import rules, store
from privata.ledger.accounts import Account, Balances, Cause, CauseKind
from privata.organizations.profile import share_percent_of

__all__ = [
    "NOTHING",
    "Balances",
    "Cause",
    "CompletedOrder",
    "balances_of",
    "correct",
    "earn",
    "mature",
    "release",
    "reserve",
    "reverse",
    "settle",
]

log = logging.getLogger(__name__)

#: Steps of an order's entries; those of payouts are named by `payouts`.
EARN: Final = "earn"
REVERSE: Final = "reverse"
CORRECT: Final = "correct"

#: Holds that one statement matures.
BATCH: Final = 200

MAX_REASON: Final = 500

_ZERO: Final = Decimal(0)

#: The balances of one who never earned anything.
NOTHING: Final = Balances(_ZERO, _ZERO, _ZERO, _ZERO)


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """What the ledger has to know of a live order: its value in US dollars when it was made (None
    where no price was known), and the partner's markup in basis points."""

    id: str
    organization_id: UUID
    usd_value: Decimal | None
    markup_bps: int


async def balances_of(ctx: AppContext, *, organization_id: UUID) -> Balances:
    """What the organization's accounts hold now; zeros for one that never earned anything."""
    held = await store.balances(ctx.database.pool, organization_id)
    return Balances(
        pending=held.get(Account.PENDING, _ZERO),
        available=held.get(Account.AVAILABLE, _ZERO),
        payout_in_flight=held.get(Account.PAYOUT_IN_FLIGHT, _ZERO),
        paid=held.get(Account.PAID, _ZERO),
    )


async def earn(tx: Transaction, ctx: AppContext, *, order: CompletedOrder) -> Decimal:
    """Book what a completed live order earns; the partner's part in US dollars.

    It stands in `pending` for `PRIVATA_REVENUE_HOLD_DAYS`, without such days in `available` at
    once. An order without a value, or of too small a one, earns nothing and the log says so;
    `privata ledger verify` lists it. `AlreadyBooked` for an order that earned before.
    """
    if order.usd_value is None:
        log.warning("%s was completed without a value in USD: nothing is earned", order.id)
        return _ZERO
    terms = rules.Terms(
        ctx.settings.commission_bps,
        await share_percent_of(tx, organization_id=order.organization_id),
        order.markup_bps,
    )
    parts = rules.earned(order.usd_value, terms)
    if not parts.total:
        log.info("%s is worth too little to earn anything", order.id)
        return _ZERO
    hold_days = ctx.settings.revenue_hold_days
    into = Account.PENDING if hold_days else Account.AVAILABLE
    cause = Cause(CauseKind.ORDER, order.id, EARN)
    async with _refusing(cause):
        await store.book_earning(
            tx,
            order.organization_id,
            cause,
            rules.earning(parts, into),
            parts=parts,
            usd_value=order.usd_value,
            terms=terms,
            hold_days=hold_days,
        )
    return parts.partner


async def held_earnings(tx: Transaction, order_ids: Sequence[str]) -> set[str]:
    """Those of the orders whose earning is still on hold: it can be taken back by the order."""
    return await store.held_earnings(tx, order_ids)


async def mature(ctx: AppContext) -> int:
    """Make available what has been pending long enough; how many earnings that were.

    Any number of workers may do so at once: each takes other earnings.
    """
    total = 0
    while done := await store.mature(ctx.database.pool, BATCH):
        total += done
    return total


async def reserve(tx: Transaction, *, organization_id: UUID, amount: Decimal, cause: Cause) -> None:
    """Set `amount` aside for a payout: available → payout_in_flight.

    `InsufficientBalance` (its `data` has `available`) when it does not reach; `ValueError` for an
    amount that is not positive or has more than 8 decimals; `AlreadyBooked` for a cause that was
    booked before. The transaction can go on after each of them.
    """
    await _move(tx, organization_id, Account.AVAILABLE, Account.PAYOUT_IN_FLIGHT, amount, cause)


async def release(tx: Transaction, *, organization_id: UUID, amount: Decimal, cause: Cause) -> None:
    """Give a reserved amount back: payout_in_flight → available.

    `ValueError` also where more would leave than was reserved under the kind and id of `cause`.
    `AlreadyBooked` as `reserve`.
    """
    await _move(tx, organization_id, Account.PAYOUT_IN_FLIGHT, Account.AVAILABLE, amount, cause)


async def settle(tx: Transaction, *, organization_id: UUID, amount: Decimal, cause: Cause) -> None:
    """A reserved amount has reached the partner: payout_in_flight → paid. Errors as `release`."""
    await _move(tx, organization_id, Account.PAYOUT_IN_FLIGHT, Account.PAID, amount, cause)


async def correct(
    tx: Transaction, *, actor: Actor, amount: Decimal, reason: str, correction_id: UUID
) -> None:
    """Give the actor's organization an amount, or take one (below zero), out of `available`.

    `reason` is kept with the entry and in the audit log. `ValidationFailed` names what is wrong,
    `InsufficientBalance` if less is available, `AlreadyBooked` if this correction was made.
    """
    reason = _checked_reason(reason)
    try:
        rules.checked_amount(abs(amount))
    except ValueError as error:
        raise ValidationFailed(f"amount: {error}.", fields=[("amount", str(error))]) from None
    cause = Cause(CauseKind.CORRECTION, str(correction_id), CORRECT)
    postings = rules.move(Account.CORRECTIONS, Account.AVAILABLE, amount)
    await _book(tx, actor.organization_id, cause, postings, wanted=-amount, reason=reason)
    await audit.record(
        tx,
        actor=actor,
        action="ledger.corrected",
        target=str(correction_id),
        changes={"amount": format(amount, "f"), "reason": reason},
    )


async def reverse(tx: Transaction, *, actor: Actor, order_id: str, reason: str) -> Decimal:
    """Take back what an order of the actor's organization earned; the partner's part of it.

    For an order that was refunded after it was completed. What is still pending is taken from
    there, else from `available`: `InsufficientBalance` if that does not reach. `NotFound` if the
    order earned nothing, `AlreadyBooked` if it was reversed before.
    """
    reason = _checked_reason(reason)
    found = await store.earned_postings(tx, order_id)
    if found is None or found[0] != actor.organization_id:
        raise NotFound("This order has no earning.")
    # The race with a worker that matures it: whoever deletes the hold's row is first. From here on
    # no worker takes it, and one that just did has committed, so the money is in `available`.
    held = await store.drop_hold(tx, order_id)
    partner_from = Account.PENDING if held else Account.AVAILABLE
    postings = rules.reversal(found[1], partner_from=partner_from)
    taken = -postings.get(partner_from, _ZERO)
    cause = Cause(CauseKind.ORDER, order_id, REVERSE)
    await _book(tx, actor.organization_id, cause, postings, wanted=taken, reason=reason)
    await audit.record(
        tx,
        actor=actor,
        action="ledger.reversed",
        target=order_id,
        changes={"amount": format(taken, "f"), "reason": reason},
    )
    return taken


async def _move(
    tx: Transaction,
    organization_id: UUID,
    source: Account,
    target: Account,
    amount: Decimal,
    cause: Cause,
) -> None:
    postings = rules.move(source, target, rules.checked_amount(amount))
    await _book(tx, organization_id, cause, postings, wanted=amount)


async def _book(
    tx: Transaction,
    organization_id: UUID,
    cause: Cause,
    postings: rules.Postings,
    *,
    wanted: Decimal,
    reason: str = "",
) -> None:
    """Book under a savepoint, so that the caller's transaction outlives a refusal."""
    try:
        async with _refusing(cause), tx.connection.transaction():
            await store.book(tx, organization_id, cause, postings, reason=reason)
    except _NotCovered:
        # The race of two that spend one balance is decided in the database: the second waits for
        # the first's row and is judged by what that left (constraint ledger_available_covers).
        held = await store.balances(tx.connection, organization_id)
        left = held.get(Account.AVAILABLE, _ZERO)
        raise InsufficientBalance(
            f"You requested {_usd(wanted)} USD, but only {_usd(left)} USD is available.",
            data={"available": format_amount(left, 8)},
        ) from None


def _usd(amount: Decimal) -> str:
    whole, _, fraction = format_amount(amount, 8).partition(".")
    return f"{whole}.{fraction:0<2}"


class _NotCovered(Exception):
    """The account `available` would fall below zero."""


@contextlib.asynccontextmanager
async def _refusing(cause: Cause) -> AsyncIterator[None]:
    """Turn what the database refuses into errors of the ledger."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "ledger_entry_once":
            raise
        raise AlreadyBooked(f"{cause.kind} {cause.id}: {cause.step} is already booked.") from None
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "ledger_available_covers":
            raise _NotCovered from None
        if error.constraint_name in ("ledger_account_covers", "ledger_cause_covers"):
            raise ValueError(
                f"{cause.kind} {cause.id}: {cause.step} takes more than was set aside"
            ) from None
        raise


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        sentence = f"must be 1 to {MAX_REASON} characters on one line"
        raise ValidationFailed(f"reason {sentence}.", fields=[("reason", sentence)])
    return reason
