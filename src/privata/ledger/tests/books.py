"""Money to book with."""

from __future__ import annotations

import uuid
from decimal import Decimal

from privata.core.ids import new_order_id
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.ledger import service as ledger
from privata.ledger.service import Balances, Cause, CompletedOrder

#: At 40 basis points and a share of 50 percent an order of this value earns the partner 1 USD.
WORTH_ONE = Decimal(500)


def operator(organization_id: uuid.UUID) -> Actor:
    return Actor(ActorKind.OPERATOR, "cli", "tests", organization_id, Environment.LIVE)


def payout(step: str, payout_id: uuid.UUID | None = None) -> Cause:
    return Cause("payout", str(payout_id or uuid.uuid4()), step)


async def earn(
    ctx: AppContext,
    organization_id: uuid.UUID,
    usd_value: Decimal | str | None = WORTH_ONE,
    *,
    markup_bps: int = 0,
    order_id: str | None = None,
) -> str:
    """Book a completed order; its id."""
    value = None if usd_value is None else Decimal(usd_value)
    order = CompletedOrder(order_id or new_order_id(), organization_id, value, markup_bps)
    async with ctx.database.transaction() as tx:
        await ledger.earn(tx, ctx, order=order)
    return order.id


async def give(ctx: AppContext, organization_id: uuid.UUID, amount: Decimal | str) -> None:
    """A correction that makes this much available."""
    async with ctx.database.transaction() as tx:
        await ledger.correct(
            tx,
            actor=operator(organization_id),
            amount=Decimal(amount),
            reason="for a test",
            correction_id=uuid.uuid4(),
        )


async def held(
    ctx: AppContext, organization_id: uuid.UUID
) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """What is pending, available, in flight and paid."""
    now: Balances = await ledger.balances_of(ctx, organization_id=organization_id)
    return now.pending, now.available, now.payout_in_flight, now.paid


def money(*amounts: Decimal | int) -> tuple[Decimal, ...]:
    """Amounts to compare with what is `held`."""
    return tuple(Decimal(amount) for amount in amounts)
