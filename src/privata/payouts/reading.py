"""Reading payouts and addresses, and the objects they are over the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from privata.core.clock import iso
from privata.core.cursors import Cursor
from privata.core.errors import NotFound
from privata.core.explorers import explorer_link
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.payouts import store
from privata.payouts.access import NO_PAYOUT
from privata.payouts.addresses import store as address_store
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.requesting import Requested
from privata.payouts.rows import AddressRow, PayoutRow
from privata.payouts.sandbox import give_addresses


@dataclass(frozen=True, slots=True)
class Page:
    """Payouts from the newest to the oldest, and where the next page begins."""

    rows: Sequence[PayoutRow]
    older: Cursor | None


async def payout(ctx: AppContext, *, actor: Actor, payout_id: UUID) -> PayoutRow:
    """One of the actor's payouts; `NotFound` if it is not theirs."""
    row = await store.payout_of(
        ctx.database.pool, payout_id, actor.organization_id, actor.environment
    )
    if row is None:
        raise NotFound(NO_PAYOUT)
    return row


async def payouts(
    ctx: AppContext,
    *,
    actor: Actor,
    older_than: Cursor | None = None,
    statuses: Sequence[PayoutStatus] | None = None,
    limit: int,
) -> Page:
    """A page of the actor's payouts. The cursor's id is a payout's UUID."""
    before = None if older_than is None else (older_than.at, UUID(older_than.id))
    rows = await store.page_of(
        ctx.database.pool,
        actor.organization_id,
        actor.environment,
        before=before,
        statuses=statuses,
        limit=limit + 1,
    )
    more, rows = len(rows) > limit, rows[:limit]
    older = Cursor(rows[-1].created_at, str(rows[-1].id)) if more else None
    return Page(rows, older)


async def addresses(ctx: AppContext, *, actor: Actor) -> list[AddressRow]:
    """The actor's payout addresses, by currency, each default first.

    The sandbox is given its own when somebody first looks, or first asks for a payout.
    """
    if actor.environment is Environment.TEST:
        async with ctx.database.transaction() as tx:
            await give_addresses(ctx, tx, actor.organization_id)
    return await address_store.addresses_of(
        ctx.database.pool, actor.organization_id, actor.environment
    )


async def can_be_paid(ctx: AppContext, organization_id: UUID) -> bool:
    """Whether the organization has a verified live address; those of the sandbox are nobody's."""
    return await address_store.any_verified(ctx.database.pool, organization_id, Environment.LIVE)


def payout_object(row: PayoutRow) -> dict[str, Any]:
    """A payout as it goes over the API."""
    link, sandbox = None, row.environment == Environment.TEST
    if row.tx_hash is not None:
        network = PayoutCurrency(row.currency).network
        link = explorer_link(network, row.tx_hash, sandbox=sandbox)
    return {
        "payout_id": str(row.id),
        "status": row.status,
        "amount": amount_text(row.amount),
        "currency": row.currency,
        "address_id": str(row.address_id),
        "address": row.address,
        "needs_approval": row.needs_approval,
        "tx_hash": row.tx_hash,
        "explorer_url": link.url if link else None,
        "failure": row.failure,
        "sandbox": sandbox,
        "created_at": iso(row.created_at),
        "confirmed_at": _moment(row.confirmed_at),
        "sent_at": _moment(row.sent_at),
        "finished_at": _moment(row.finished_at),
    }


def requested_object(made: Requested) -> dict[str, Any]:
    """The answer to a request: the payout, and this once its challenge."""
    return payout_object(made.payout) | {
        "challenge": made.challenge,
        "challenge_expires_at": iso(made.payout.challenge_expires_at),
    }


def address_object(row: AddressRow) -> dict[str, Any]:
    """A payout address as it goes over the API."""
    return {
        "address_id": str(row.id),
        "currency": row.currency,
        "address": row.address,
        "label": row.label,
        "state": row.state,
        "is_default": row.is_default,
        "verified_by": row.verified_by,
        "verified_at": _moment(row.verified_at),
        "usable_at": _moment(row.usable_at),
        "created_at": iso(row.created_at),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)
