"""What partners do with a payout they requested: confirm or cancel it (docs/payouts.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from privata.core.errors import RequestError, ValidationFailed, WrongPayoutState
from privata.core.plurals import plural
from privata.core.tenancy import Actor, ActorKind, Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.generation import look
from privata.infra.http.idempotency import Keep
from privata.payouts import store
from privata.payouts.access import locked_payout, note, organization_to_pay
from privata.payouts.addresses import store as address_store
from privata.payouts.challenges import MOST_WRONG, amount_text, challenges_of, read_answer
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.moving import step, wrong_state
from privata.payouts.proving import secret_age, too_young
from privata.payouts.requesting import Requested, Wish, request_payout
from privata.payouts.rows import PayoutRow
from privata.payouts.sandbox import refuse_beyond_sandbox
from privata.payouts.states import AddressState, Ended
from privata.webhooks.signing.possession import Possession, judge_possession

__all__ = [
    "Requested",
    "Wish",
    "cancel_payout",
    "confirm_payout",
    "expire_requests",
    "request_payout",
]

#: Requests that one round of the worker expires.
BATCH: Final = 100

_S = PayoutStatus


async def confirm_payout(
    ctx: AppContext,
    *,
    actor: Actor,
    payout_id: UUID,
    answer: str,
    keep: Keep[PayoutRow] | None = None,
) -> PayoutRow:
    """Answer the challenge: `answer` is HMAC-SHA256(webhook secret, challenge), hex or base64.

    The right answer reserves the money and works once. `ValidationFailed` (field `signature`, data
    `tries_left`) for a wrong one: the fifth cancels the payout. `WrongPayoutState` for one that is
    not open any more or whose organization is not approved any more, `InsufficientBalance` (it
    stays open) if the money has gone meanwhile.
    """
    refusal: RequestError | None = None
    async with ctx.database.transaction() as tx:
        # Before the payout, as locks are always taken. In the sandbox there is no ledger whose row
        # two confirmations would meet at: they meet here.
        await organization_to_pay(tx, actor)
        # The row's lock makes confirmations and a cancellation take turns: whoever comes second
        # finds the state that the first one left.
        payout = await locked_payout(tx, actor, payout_id)
        if payout.status != _S.REQUESTED:
            raise wrong_state(payout, _S.CONFIRMED)
        refusal = await _judge(ctx, tx, actor, payout, answer)
        if refusal is None:
            if actor.environment is Environment.TEST:
                await refuse_beyond_sandbox(ctx, tx, payout)
            payout = await step(tx, payout, _S.CONFIRMED, now=ctx.clock.now())
            if keep is not None:
                await keep(tx, payout)
            changes = {"amount": amount_text(payout.amount), "address": payout.address}
            await note(tx, actor, "payout.confirmed", payout_id, changes)
    if refusal is not None:
        # Only now: what a wrong answer cost is committed.
        raise refusal
    return payout


async def cancel_payout(
    ctx: AppContext, *, actor: Actor, payout_id: UUID, keep: Keep[PayoutRow] | None = None
) -> PayoutRow:
    """Call a payout off; what was reserved is available again.

    Possible until somebody begins to send it: `WrongPayoutState` from then on.
    """
    why = Ended.BY_OPERATOR if actor.kind is ActorKind.OPERATOR else Ended.BY_PARTNER
    async with ctx.database.transaction() as tx:
        payout = await locked_payout(tx, actor, payout_id)
        payout = await _cancel(ctx, tx, actor, payout, why)
        if keep is not None:
            await keep(tx, payout)
    return payout


async def expire_requests(ctx: AppContext) -> int:
    """Cancel requests whose challenge was not answered in time; how many that were.

    Any number of workers may: each request is looked at again under its lock. None is waited for.
    """
    now = ctx.clock.now()
    done = 0
    async with ctx.database.pool.acquire() as connection:
        # A request that looks unanswered may have been confirmed and paid before a restore.
        on_hold = not (await look(connection)).confirmed
    for found in await store.expired(ctx.database.pool, now, BATCH, live=not on_hold):
        environment = Environment(found.environment)
        actor = system_actor(found.organization_id, environment, "payouts")
        async with ctx.database.transaction() as tx:
            # Whoever holds it confirms or cancels it right now; the next round sees what it became.
            payout = await store.lock_free_payout(tx, found.id, found.organization_id, environment)
            if payout is not None and payout.status == _S.REQUESTED:
                await _cancel(ctx, tx, actor, payout, Ended.EXPIRED)
                done += 1
    return done


async def _judge(
    ctx: AppContext, tx: Transaction, actor: Actor, payout: PayoutRow, answer: str
) -> RequestError | None:
    """What stands against confirming; whatever that costs the payout is written already."""
    if ctx.clock.now() >= payout.challenge_expires_at:
        await _cancel(ctx, tx, actor, payout, Ended.EXPIRED)
        return _over(Ended.EXPIRED)
    address = await address_store.hold_address(
        tx, payout.address_id, payout.organization_id, actor.environment
    )
    if address is None or address.state != AddressState.VERIFIED:
        await _cancel(ctx, tx, actor, payout, Ended.ADDRESS_GONE)
        return _over(Ended.ADDRESS_GONE)
    held = await judge_possession(
        ctx,
        tx,
        organization_id=payout.organization_id,
        environment=actor.environment,
        messages=challenges_of(ctx.sealer, payout),
        proof=read_answer(answer) or b"",
        min_age=secret_age(ctx, actor.environment),
    )
    if held.possession is Possession.PROVED:
        return None
    if held.possession is Possession.NOTHING:
        sentence = (
            f"cannot be verified: no {actor.environment} webhook endpoint has a secret that could"
            " have made it"
        )
        return ValidationFailed(f"signature {sentence}.", fields=[("signature", sentence)])
    if held.proves_from is not None:
        # Counted too: whoever has just made this secret gets no more tries than anybody else.
        sentence = too_young(ctx, held.proves_from)
        return await _count_wrong(ctx, tx, actor, payout, sentence)
    return await _count_wrong(ctx, tx, actor, payout, "is not a valid HMAC of the challenge")


async def _count_wrong(
    ctx: AppContext, tx: Transaction, actor: Actor, payout: PayoutRow, why: str
) -> RequestError:
    wrong = payout.wrong_answers + 1
    left = MOST_WRONG - wrong
    if left == 0:
        await _cancel(ctx, tx, actor, payout, Ended.WRONG_ANSWERS, wrong_answers=wrong)
        sentence = f"{why}; no attempts left, so this payout is canceled"
    else:
        await store.count_wrong(tx, payout.id, wrong)
        changes = {"tries_left": left, "reason": why}
        await note(tx, actor, "payout.answer_refused", payout.id, changes)
        sentence = f"{why}; {_tries(left)} left"
    return ValidationFailed(
        f"signature {sentence}.", fields=[("signature", sentence)], data={"tries_left": left}
    )


async def _cancel(
    ctx: AppContext,
    tx: Transaction,
    actor: Actor,
    payout: PayoutRow,
    why: Ended,
    *,
    wrong_answers: int | None = None,
) -> PayoutRow:
    now: datetime = ctx.clock.now()
    moved = await step(
        tx, payout, _S.CANCELLED, now=now, failure=why.value, wrong_answers=wrong_answers
    )
    await note(
        tx,
        actor,
        "payout.cancelled",
        payout.id,
        {"was": payout.status, "amount": amount_text(payout.amount), "reason": why.value},
    )
    return moved


def _over(why: Ended) -> WrongPayoutState:
    return WrongPayoutState(f"This payout is canceled: {why}.", data={"status": _S.CANCELLED.value})


def _tries(left: int) -> str:
    return plural(left, "attempt")
