"""Payouts of the sandbox: a balance that is granted, addresses that are there, a clock that moves.

No step of these touches the ledger: what is set aside and paid is read from the payouts' own rows.
The database holds the two apart (see the room's migrations), so nothing here can become money.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from privata.core.errors import InsufficientBalance
from privata.core.ids import new_id
from privata.core.tenancy import Actor, Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.ledger import service as ledger
from privata.ledger.accounts import Balances
from privata.payouts import store
from privata.payouts.access import note
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import RESERVED, PayoutStatus
from privata.payouts.moving import sandbox_of, step
from privata.payouts.rows import DuePayout, PayoutRow, due_payout
from privata.payouts.simulating import (
    FAILURE,
    LABEL,
    SIMULATOR,
    granted,
    next_status,
    transaction,
)
from privata.payouts.telling import tell_sent
from privata.providers.registry import sandbox_address

log = logging.getLogger(__name__)

#: A settled payout weighs on the balance this long: then the sandbox has its dollars back.
RENEWED_AFTER: Final = timedelta(hours=24)

#: Payouts moved in one round, and seconds between two rounds when nothing is due.
BATCH: Final = 100
EVERY_S: Final = 1.0

_S = PayoutStatus

_HELD: Final = """
SELECT coalesce(sum(amount) FILTER (WHERE status = ANY ($3::text[])), 0) AS in_flight,
       coalesce(sum(amount) FILTER (WHERE status = 'settled'), 0) AS paid,
       coalesce(sum(amount) FILTER (WHERE status = 'settled' AND finished_at > $4), 0) AS lately
FROM payout WHERE organization_id = $1 AND environment = $2
"""

_ADDRESSES: Final = """
INSERT INTO payout_address (id, organization_id, environment, currency, address, label, state,
                            is_default, created_at, created_by, verified_at, verified_by, usable_at)
VALUES ($1, $2, $3, $4, $5, $6, 'verified', true, $7, $8, $7, 'operator', $7)
ON CONFLICT DO NOTHING
"""

_DUE: Final = """
SELECT id, organization_id, environment, sandbox_due_at FROM payout
WHERE environment = 'test' AND sandbox_due_at <= now()
ORDER BY sandbox_due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""


async def sandbox_balances(
    ctx: AppContext, organization_id: UUID, tx: Transaction | None = None
) -> Balances:
    """What an organization's sandbox holds; within `tx` the rows as that sees them."""
    reader = ctx.database.pool if tx is None else tx.connection
    row = await reader.fetchrow(
        _HELD,
        organization_id,
        Environment.TEST.value,
        sorted(status.value for status in RESERVED),
        ctx.clock.now() - RENEWED_AFTER,
    )
    assert row is not None
    left = granted(ctx.settings) - row["in_flight"] - row["lately"]
    return Balances(Decimal(0), max(left, Decimal(0)), row["in_flight"], row["paid"])


async def balances(ctx: AppContext, actor: Actor) -> Balances:
    """What the actor's organization has: by the ledger in live, simulated in the sandbox."""
    if actor.environment is Environment.TEST:
        return await sandbox_balances(ctx, actor.organization_id)
    return await ledger.balances_of(ctx, organization_id=actor.organization_id)


async def refuse_beyond_sandbox(ctx: AppContext, tx: Transaction, payout: PayoutRow) -> None:
    """`InsufficientBalance` where the sandbox's balance does not reach to confirm a payout.

    The caller holds the organization's row, so two confirmations take turns.
    """
    held = await sandbox_balances(ctx, payout.organization_id, tx)
    if payout.amount > held.available:
        available = amount_text(held.available)
        raise InsufficientBalance(
            f"Only {available} USD is available in the sandbox, less than {payout.amount} USD.",
            data={"available": available},
        )


async def give_addresses(ctx: AppContext, tx: Transaction, organization_id: UUID) -> None:
    """See to it that the sandbox has its verified address of each currency; safe to repeat."""
    now = ctx.clock.now()
    for currency in PayoutCurrency:
        address = sandbox_address(currency.network, f"payout:{organization_id}")
        await tx.connection.execute(
            _ADDRESSES,
            new_id(),
            organization_id,
            Environment.TEST.value,
            currency.value,
            address,
            LABEL,
            now,
            SIMULATOR,
        )


async def follow_sandbox_payouts(ctx: AppContext) -> None:
    """Move the sandbox's payouts when they are due, for ever. Any number of workers may."""
    while True:
        if not await move_due(ctx):
            await asyncio.sleep(EVERY_S)


async def move_due(ctx: AppContext) -> int:
    """Take the next step of each payout of the sandbox that is due by now; how many it moved.

    One that somebody holds is left for the next round, and holds back no other.
    """
    due = [due_payout(row) for row in await ctx.database.pool.fetch(_DUE, BATCH)]
    return sum([await _move(ctx, found) for found in due])


async def _move(ctx: AppContext, found: DuePayout) -> bool:
    actor = system_actor(found.organization_id, Environment.TEST, SIMULATOR)
    async with ctx.database.transaction() as tx:
        payout = await store.lock_free_payout(tx, found.id, found.organization_id, Environment.TEST)
        # Two workers may find one payout due: the second one sees that the first has it or has
        # moved it.
        if payout is None or payout.sandbox_due_at != found.sandbox_due_at:
            return False
        to = next_status(
            _S(payout.status),
            sandbox_of(payout)[0],
            needs_approval=payout.needs_approval,
        )
        assert to is not None, "only what has a next step is due"
        now = ctx.clock.now()
        payout = await step(tx, payout, to, now=now, **_known(payout, to))
        if to is _S.SENT:
            await tell_sent(ctx, tx, payout, now)
        changes = {"amount": amount_text(payout.amount), "address": payout.address}
        action = "processed" if to is _S.PROCESSING else to.value
        await note(tx, actor, f"payout.{action}", payout.id, changes)
    return True


def _known(payout: PayoutRow, to: PayoutStatus) -> store.Known:
    if to is _S.APPROVED:
        return {"approved_by": SIMULATOR}
    if to is _S.SENT:
        return {"tx_hash": transaction(payout.id, PayoutCurrency(payout.currency))}
    return {"failure": FAILURE} if to is _S.FAILED else {}
