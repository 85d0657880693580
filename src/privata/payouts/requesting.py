"""Requesting a payout: its limits, and the challenge that confirms it (docs/payouts.md)."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from privata.core.errors import (
    IdempotencyConflict,
    InsufficientBalance,
    RateLimited,
    ValidationFailed,
)
from privata.core.ids import new_id
from privata.core.plurals import plural
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.generation import refuse_unconfirmed
from privata.infra.http.idempotency import KEPT_FOR, Keep
from privata.payouts import rules, store
from privata.payouts.access import moment_words, note, organization_to_pay
from privata.payouts.addresses import store as address_store
from privata.payouts.challenges import LIFE, amount_text, challenges_of, new_nonce
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.proving import refuse_without_secret
from privata.payouts.rows import AddressRow, PayoutRow
from privata.payouts.sandbox import balances, give_addresses
from privata.payouts.simulating import REQUESTS_PER_DAY, PayoutScenario
from privata.payouts.states import AddressState
from privata.providers.port import DEFAULT_TTL


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. No amount: the whole balance. Either an address or a currency, which
    stands for the default address of it."""

    amount: Decimal | None
    address_id: UUID | None = None
    currency: PayoutCurrency | None = None
    sandbox_scenario: PayoutScenario | None = None
    sandbox_ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """A payout that was made, and its challenge: shown to the one who asked, and not stored."""

    payout: PayoutRow
    challenge: str


async def request_payout(
    ctx: AppContext,
    *,
    actor: Actor,
    wish: Wish,
    idempotency_key: str | None = None,
    keep: Keep[Requested] | None = None,
) -> Requested:
    """Ask for money; it is reserved when the challenge is answered, not yet.

    `AmountTooLow`, `AmountTooHigh`, `InsufficientBalance`; `ValidationFailed` for an address that
    cannot be paid to; `RateLimited` for one request more than an organization makes in 24 hours,
    whatever has become of the others; `WrongPayoutState` for an organization that is not approved,
    or that has no webhook secret which is old enough to confirm with; `IdempotencyConflict` for a
    key whose payout there is although its answer was forgotten in a restore; `DatabaseUnconfirmed`
    while payouts are on hold.
    """
    sandbox = _sandbox(actor, wish)
    amount = await _amount(ctx, actor, wish)
    async with ctx.database.transaction() as tx:
        # Requests of one organization take turns at its row, so that two at once are counted.
        await organization_to_pay(tx, actor)
        if sandbox is not None:
            await give_addresses(ctx, tx, actor.organization_id)
        # Not before: addresses that were just given can be used from then on.
        now = ctx.clock.now()
        if actor.environment is Environment.LIVE:
            await refuse_unconfirmed(tx)
        payout_id = await _new_id(tx, actor, idempotency_key, now)
        await refuse_without_secret(ctx, tx, actor)
        await _refuse_too_many(ctx, tx, actor, now)
        address = await _address(tx, actor, wish, now)
        payout = await store.insert_payout(
            tx,
            payout_id=payout_id,
            address_id=address.id,
            organization_id=actor.organization_id,
            environment=actor.environment,
            amount=amount,
            needs_approval=amount > ctx.settings.payout_approval_usd,
            requested_by=actor.label,
            challenge_nonce=new_nonce(),
            challenge_expires_at=now.replace(microsecond=0) + LIFE,
            now=now,
            sandbox=sandbox,
        )
        assert payout is not None  # the address is held as it was judged
        made = Requested(payout, challenges_of(ctx.sealer, payout)[0])
        if keep is not None:
            await keep(tx, made)
        changes = {
            "amount": amount_text(amount),
            "currency": address.currency,
            "address": address.address,
        }
        await note(tx, actor, "payout.requested", payout.id, changes)
    return made


def id_for_key(organization_id: UUID, environment: Environment, key: str) -> UUID:
    """The id of the payout that a key asks for: the same before and after a restore."""
    return uuid.uuid5(organization_id, f"payout:{environment}:{key}")


async def _new_id(tx: Transaction, actor: Actor, key: str | None, now: datetime) -> UUID:
    """The id of a new payout. Requests of an organization take turns, so nobody takes it meanwhile.

    A key stands for one payout while its answer is kept, also where the answer was forgotten with
    the payout, and the payout was noted again since (`privata restored`). A later use of it asks
    for another payout.
    """
    if key is None:
        return new_id()
    made = id_for_key(actor.organization_id, actor.environment, key)
    created_at = await store.created_at(tx, made)
    if created_at is None:
        return made
    if now - created_at < KEPT_FOR:
        raise IdempotencyConflict(f"This Idempotency-Key was already used for the payout {made}.")
    return new_id()


def _sandbox(actor: Actor, wish: Wish) -> tuple[str, int] | None:
    """Scenario and seconds of a simulated payout; `ValidationFailed` where a live one has any."""
    if actor.environment is Environment.TEST:
        ttl = DEFAULT_TTL if wish.sandbox_ttl is None else wish.sandbox_ttl
        return (wish.sandbox_scenario or PayoutScenario.SUCCESS).value, ttl
    for name in ("sandbox_scenario", "sandbox_ttl"):
        if getattr(wish, name) is not None:
            raise ValidationFailed(
                f"{name} works only with test keys.", fields=[(name, "works only with a test key")]
            )
    return None


async def _amount(ctx: AppContext, actor: Actor, wish: Wish) -> Decimal:
    """The amount that is asked for, judged by the balance of this moment.

    Nothing is reserved here: the balance is judged again, exactly, when the payout is confirmed.
    """
    held = await balances(ctx, actor)
    amount = rules.whole_balance(held.available) if wish.amount is None else wish.amount
    chosen = ctx.settings
    rules.check_amount(amount, least=chosen.payout_min_usd, most=chosen.payout_max_usd)
    if amount > held.available:
        available = amount_text(rules.whole_balance(held.available))
        raise InsufficientBalance(
            f"You requested {amount_text(amount)} USD, but only {available} USD is available.",
            data={"available": available},
        )
    return amount


async def _refuse_too_many(ctx: AppContext, tx: Transaction, actor: Actor, now: datetime) -> None:
    most = ctx.settings.payout_requests_per_day
    if actor.environment is Environment.TEST:
        most = REQUESTS_PER_DAY
    since = now - rules.REQUESTS_WITHIN
    first = await store.nth_newest(
        tx, actor.organization_id, actor.environment, since=since, n=most
    )
    if first is not None:
        free_at = first + rules.REQUESTS_WITHIN
        raise RateLimited(
            f"Your organization reached the limit of"
            f" {plural(most, 'payout request')} in 24 hours."
            f" The next is possible on {moment_words(free_at)}.",
            headers={"Retry-After": str(max(1, math.ceil((free_at - now).total_seconds())))},
        )


async def _address(tx: Transaction, actor: Actor, wish: Wish, now: datetime) -> AddressRow:
    """The address to pay to, held; a foreign one looks like one that is not there."""
    if wish.address_id is not None:
        field, missing = "address_id", "is not one of your payout addresses"
        row = await address_store.hold_address(
            tx, wish.address_id, actor.organization_id, actor.environment
        )
    else:
        assert wish.currency is not None  # the shapes of the API and of the form see to it
        field, missing = "currency", f"has no default address; verify one for {wish.currency}"
        row = await address_store.hold_default(
            tx, actor.organization_id, actor.environment, wish.currency
        )
    if row is None:
        raise ValidationFailed(f"{field} {missing}.", fields=[(field, missing)])
    if row.state != AddressState.VERIFIED:
        sentence = "is not verified yet"
        raise ValidationFailed(f"{field} {sentence}.", fields=[(field, sentence)])
    assert row.usable_at is not None  # constraint payout_address_verified_whole
    if row.usable_at > now:
        sentence = f"was verified recently; it can be used from {moment_words(row.usable_at)}"
        raise ValidationFailed(f"{field} {sentence}.", fields=[(field, sentence)])
    return row
