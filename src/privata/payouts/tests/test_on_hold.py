"""While the database is not confirmed no money can be promised, sent or given back."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from privata.core.errors import DatabaseUnconfirmed, IdempotencyConflict
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.tests.test_generation import move
from privata.payouts import service, settling
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.sandbox import move_due
from privata.payouts.tests.making import HASH, Payee, make_endpoint, proof, with_settings

TX = HASH[PayoutCurrency.USDT_ERC20]


async def restore(ctx: AppContext) -> None:
    await generation.note(ctx.database)
    await move(ctx, timeline=9)


async def _confirmed(payee: Payee) -> uuid.UUID:
    made = await payee.request()
    await payee.confirm(made)
    return uuid.UUID(str(made.payout.id))


async def test_nothing_is_requested_confirmed_approved_sent_or_given_back(
    payee: Payee, ctx: AppContext
) -> None:
    payee.ctx = with_settings(payee.ctx, payout_requests_per_day=3)
    made = await payee.request()
    confirmed = await _confirmed(payee)
    payee.ctx = with_settings(payee.ctx, payout_approval_usd=Decimal(0))
    waiting = await _confirmed(payee)
    await restore(ctx)
    verbs: list[Callable[[], Awaitable[Any]]] = [
        payee.request,
        lambda: payee.confirm(made),
        lambda: service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=made.payout.id),
        lambda: service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=confirmed),
        lambda: settling.call_off(ctx, by="op", payout_id=confirmed),
        lambda: settling.approve_payout(ctx, by="op", payout_id=waiting),
        lambda: settling.process_payout(ctx, by="op", payout_id=confirmed),
    ]
    for verb in verbs:
        with pytest.raises(DatabaseUnconfirmed):
            await verb()
    assert await payee.balances() == ("1000.00", "1000.00", "0.00")
    await generation.confirm(ctx.database, by="boss", anew=False)
    await settling.process_payout(ctx, by="op", payout_id=confirmed)


async def test_a_request_that_looks_unanswered_does_not_expire(
    payee: Payee, ctx: AppContext
) -> None:
    """It may have been confirmed and paid before the restore."""
    made = await payee.request()
    payee.clock.advance(timedelta(hours=1))
    await restore(ctx)
    assert await service.expire_requests(payee.ctx) == 0
    assert await payee.status(made) == "requested"
    await generation.confirm(ctx.database, by="boss", anew=False)
    assert await service.expire_requests(payee.ctx) == 1


async def test_money_that_left_can_be_noted_and_what_failed_is_not_given_back(
    payee: Payee, ctx: AppContext
) -> None:
    ident = await _confirmed(payee)
    await settling.process_payout(ctx, by="op", payout_id=ident)
    await restore(ctx)
    with pytest.raises(DatabaseUnconfirmed):
        await settling.fail_payout(ctx, by="op", payout_id=ident, reason="x")
    await settling.mark_sent(ctx, by="op", payout_id=ident, tx_hash=TX)
    await settling.settle_payout(ctx, by="op", payout_id=ident)


async def test_the_sandbox_goes_on(payee: Payee, ctx: AppContext) -> None:
    _, secret = await make_endpoint(ctx, payee.organization_id, Environment.TEST)
    await restore(ctx)
    actor = Actor(ActorKind.KEY, "key", "pk_test_1", payee.organization_id, Environment.TEST)
    wish = service.Wish(Decimal(500), currency=PayoutCurrency.USDT_ERC20, sandbox_ttl=0)
    made = await service.request_payout(payee.ctx, actor=actor, wish=wish)
    await service.confirm_payout(
        payee.ctx, actor=actor, payout_id=made.payout.id, answer=proof(secret, made.challenge)
    )
    while await move_due(ctx):
        pass
    found = await ctx.database.pool.fetchval(
        "SELECT status FROM payout WHERE id = $1", made.payout.id
    )
    assert found == "settled"


async def test_a_key_whose_answer_was_forgotten_makes_no_second_payout(payee: Payee) -> None:
    """The answers kept for keys are as old as the backup; the id of the payout says it."""

    async def request() -> service.Requested:
        wish = service.Wish(Decimal(500), currency=PayoutCurrency.USDT_ERC20)
        return await service.request_payout(
            payee.ctx, actor=payee.actor, wish=wish, idempotency_key="payout-2026-05"
        )

    made = await request()
    with pytest.raises(IdempotencyConflict, match=str(made.payout.id)):
        await request()
    payee.clock.advance(timedelta(hours=24))
    later = await request()
    assert later.payout.id != made.payout.id
