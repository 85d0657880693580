"""The operator's hand: approving a payout, sending it, and saying what became of it.

Until an installation has rails of its own the operator sends from a wallet of theirs and notes the
transaction here; every step is audited, books what it moves, and goes into the payout journal, if
there is one, before it is committed (docs/backup.md). Payouts of the sandbox are none of
theirs: they are not found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.payouts import rules, store
from privata.payouts.access import NO_PAYOUT, note, operator, organization_to_pay
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import RESERVED, PayoutStatus
from privata.payouts.moving import step
from privata.payouts.restored.claims import Journal
from privata.payouts.rows import OperatorsPayout, PayoutRow
from privata.payouts.service import cancel_payout
from privata.payouts.telling import tell_sent

#: Payouts of one list.
MOST: Final = 500

_S = PayoutStatus


async def waiting_payouts(
    ctx: AppContext,
    *,
    statuses: Sequence[PayoutStatus] = tuple(sorted(RESERVED)),
    organization_id: UUID | None = None,
) -> list[OperatorsPayout]:
    """Payouts of every organization (or of one) in these states, the oldest first, up to `MOST`."""
    return await store.for_operator(
        ctx.database.pool, statuses=statuses, organization_id=organization_id, limit=MOST
    )


async def approve_payout(ctx: AppContext, *, by: str, payout_id: UUID) -> PayoutRow:
    """Say yes to a payout that needs it. `NotFound`, `WrongPayoutState` as `process_payout`."""
    async with ctx.database.transaction() as tx:
        actor, payout = await _locked_of_approved(tx, by, payout_id)
        now = ctx.clock.now()
        payout = await step(tx, payout, _S.APPROVED, now=now, approved_by=by)
        await note(tx, actor, "payout.approved", payout_id, _shown(payout))
    return payout


async def process_payout(ctx: AppContext, *, by: str, payout_id: UUID) -> PayoutRow:
    """Begin to send a payout: from here on it cannot be cancelled any more.

    `NotFound`; `WrongPayoutState` also for one that needs an approval it has not got, while its
    organization is not approved (it waits, or is called off), and for one that the journal knows;
    `DatabaseUnconfirmed` while payouts are on hold.
    """
    async with ctx.database.transaction() as tx:
        actor, payout = await _locked_of_approved(tx, by, payout_id)
        journal = Journal(ctx.settings.payout_journal)
        journal.refuse_known(payout)
        payout = await step(tx, payout, _S.PROCESSING, now=ctx.clock.now())
        await note(tx, actor, "payout.processed", payout_id, _shown(payout))
        journal.note(payout, _S.PROCESSING)
    return payout


async def mark_sent(ctx: AppContext, *, by: str, payout_id: UUID, tx_hash: str) -> PayoutRow:
    """Note the transaction that pays; the partner is told by event and mail.

    `NotFound`, `WrongPayoutState`; `ValidationFailed` (field `tx_hash`) for one that is no
    transaction of the currency's chain, or pays another payout.
    """
    async with ctx.database.transaction() as tx:
        actor, payout = await _locked(tx, by, payout_id)
        payout = await _send(ctx, tx, payout, tx_hash)
        await note(tx, actor, "payout.sent", payout_id, _shown(payout) | {"tx_hash": tx_hash})
        Journal(ctx.settings.payout_journal).note(payout, _S.SENT, tx_hash)
    return payout


async def settle_payout(
    ctx: AppContext, *, by: str, payout_id: UUID, tx_hash: str | None = None
) -> PayoutRow:
    """The money has arrived: final. `tx_hash` is needed if the payout was not marked as sent.

    Errors as `mark_sent`.
    """
    async with ctx.database.transaction() as tx:
        actor, payout = await _locked(tx, by, payout_id)
        sends = payout.status == _S.PROCESSING
        if sends:
            if tx_hash is None:
                raise _wrong_hash("Specify the transaction that paid.", "is required")
            payout = await _send(ctx, tx, payout, tx_hash)
        elif payout.tx_hash is not None and tx_hash not in (None, payout.tx_hash):
            known = payout.tx_hash
            raise _wrong_hash(
                f"This payout already has the transaction {known}.", f"must be {known}"
            )
        payout = await step(tx, payout, _S.SETTLED, now=ctx.clock.now())
        # Both entries after the booking: who holds the audit chain must not wait for the ledger.
        if sends:
            await note(tx, actor, "payout.sent", payout_id, _shown(payout) | {"tx_hash": tx_hash})
        await note(tx, actor, "payout.settled", payout_id, _shown(payout))
        Journal(ctx.settings.payout_journal).note(payout, _S.SETTLED, payout.tx_hash)
    return payout


async def fail_payout(ctx: AppContext, *, by: str, payout_id: UUID, reason: str) -> PayoutRow:
    """The money did not and will not leave: it is available to the partner again.

    Say so only after a look at the chain. `reason` is told to the partner. `NotFound`,
    `WrongPayoutState`, `ValidationFailed` (field `reason`).
    """
    reason = rules.check_reason(reason)
    async with ctx.database.transaction() as tx:
        actor, payout = await _locked(tx, by, payout_id)
        payout = await step(tx, payout, _S.FAILED, now=ctx.clock.now(), failure=reason)
        await note(tx, actor, "payout.failed", payout_id, _shown(payout) | {"reason": reason})
        Journal(ctx.settings.payout_journal).note(payout, _S.FAILED, payout.tx_hash)
    return payout


async def call_off(ctx: AppContext, *, by: str, payout_id: UUID) -> PayoutRow:
    """Cancel a payout before it is sent, as the partner may too. `NotFound`, `WrongPayoutState`."""
    owner = await ctx.database.pool.fetchval(
        "SELECT organization_id FROM payout WHERE id = $1 AND environment = 'live'", payout_id
    )
    if owner is None:
        raise NotFound(NO_PAYOUT)
    actor = operator(owner, by)
    return await cancel_payout(ctx, actor=actor, payout_id=payout_id)


async def _locked_of_approved(tx: Transaction, by: str, payout_id: UUID) -> tuple[Actor, PayoutRow]:
    """The same of an organization whose status allows payouts, which is locked first."""
    owner = await tx.connection.fetchval(
        "SELECT organization_id FROM payout WHERE id = $1", payout_id
    )
    if owner is None:
        raise NotFound(NO_PAYOUT)
    await organization_to_pay(tx, operator(owner, by))
    return await _locked(tx, by, payout_id)


async def _locked(tx: Transaction, by: str, payout_id: UUID) -> tuple[Actor, PayoutRow]:
    row = await store.lock_live_payout(tx, payout_id)
    if row is None:
        raise NotFound(NO_PAYOUT)
    return operator(row.organization_id, by), row


async def _send(ctx: AppContext, tx: Transaction, payout: PayoutRow, tx_hash: str) -> PayoutRow:
    """Note the transaction and tell of it; the caller audits, after all that it books."""
    currency = PayoutCurrency(payout.currency)
    rules.check_hash(currency, tx_hash)
    now = ctx.clock.now()
    try:
        async with tx.connection.transaction():
            payout = await step(tx, payout, _S.SENT, now=now, tx_hash=tx_hash)
    except asyncpg.UniqueViolationError:
        raise _wrong_hash(
            "This transaction already pays another payout.", "already pays another payout"
        ) from None
    await tell_sent(ctx, tx, payout, now)
    return payout


def _shown(payout: PayoutRow) -> dict[str, Any]:
    """What every entry about a payout says of it."""
    return {
        "amount": amount_text(payout.amount),
        "currency": payout.currency,
        "address": payout.address,
    }


def _wrong_hash(sentence: str, fragment: str) -> ValidationFailed:
    return ValidationFailed(sentence, fields=[("tx_hash", fragment)])
