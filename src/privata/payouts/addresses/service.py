"""Payout addresses: adding, verifying, choosing a default, removing (docs/payouts.md).

All changes of one organization's addresses take turns at the organization's row, so that there is
one default of each currency at any moment.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from privata.core.errors import ValidationFailed, WrongPayoutState
from privata.core.ids import new_id
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_payout_address_added
from privata.payouts import rules
from privata.payouts.access import live_only, locked_address, locked_organization, note
from privata.payouts.addresses import store as address_store
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.rows import AddressRow
from privata.payouts.states import AddressState, VerifiedBy


async def add_address(
    ctx: AppContext, *, actor: Actor, currency: PayoutCurrency, address: str, label: str = ""
) -> AddressRow:
    """Add an address, unverified; owners and finance are told by mail.

    `InvalidAddress` for a wrong format or checksum; `ValidationFailed` for a label that is too
    long, and for an address that is there already.
    """
    live_only(actor)
    checked, label = rules.check_address(currency, address), rules.check_label(label)
    async with ctx.database.transaction() as tx:
        await locked_organization(tx, actor)
        row = await address_store.insert_address(
            tx,
            address_id=new_id(),
            organization_id=actor.organization_id,
            environment=actor.environment,
            currency=currency,
            address=checked,
            label=label,
            created_by=actor.label,
            now=ctx.clock.now(),
        )
        if row is None:
            raise ValidationFailed(
                f"You already have this address for {currency}.",
                fields=[("address", f"is already one of your {currency} addresses")],
            )
        await mail_payout_address_added(
            ctx,
            tx,
            organization_id=actor.organization_id,
            actor=actor.label,
            currency=currency.value,
            address=checked,
        )
        changes = {"currency": currency.value, "address": checked, "label": label}
        await note(tx, actor, "payout_address.added", row.id, changes)
    return row


async def vouch_for_address(ctx: AppContext, *, actor: Actor, address_id: UUID) -> AddressRow:
    """The operator has made sure that the address is the partner's. `NotFound`;
    `WrongPayoutState` if it is verified already."""
    async with ctx.database.transaction() as tx:
        await locked_organization(tx, actor)
        address = await locked_address(tx, actor, address_id)
        return await verified(ctx, tx, actor, address, VerifiedBy.OPERATOR)


async def promote_address(ctx: AppContext, *, actor: Actor, address_id: UUID) -> AddressRow:
    """Make it the default of its currency. `NotFound`; `WrongPayoutState` if it is unverified."""
    live_only(actor)
    async with ctx.database.transaction() as tx:
        await locked_organization(tx, actor)
        address = await locked_address(tx, actor, address_id)
        if address.is_default:
            return address
        if address.state != AddressState.VERIFIED:
            raise _wrong_state(address, "Only a verified address can be the default.")
        promoted = await address_store.promote(tx, address)
        assert promoted is not None
        changes = {"currency": address.currency, "address": address.address}
        await note(tx, actor, "payout_address.promoted", address_id, changes)
    return promoted


async def remove_address(ctx: AppContext, *, actor: Actor, address_id: UUID) -> AddressRow:
    """Take an address out of use for good; it can be added again as a new one.

    `NotFound`; `WrongPayoutState` for the default of a currency that has other verified addresses:
    promote one of them first. The last one may go: there is nothing to promote, and a partner whose
    wallet was stolen has to be able to. A payout that was confirmed still goes where it was
    confirmed for; cancel it first.
    """
    live_only(actor)
    async with ctx.database.transaction() as tx:
        await locked_organization(tx, actor)
        address = await locked_address(tx, actor, address_id)
        if address.is_default and await address_store.other_verified(tx, address):
            raise _wrong_state(
                address,
                f"This is the default address for {address.currency}."
                " Make another one the default first.",
            )
        removed = await address_store.remove(tx, address_id, now=ctx.clock.now())
        assert removed is not None
        changes = {"currency": address.currency, "address": address.address}
        await note(tx, actor, "payout_address.removed", address_id, changes)
    return removed


async def verified(
    ctx: AppContext, tx: Transaction, actor: Actor, address: AddressRow, by: VerifiedBy
) -> AddressRow:
    """Write that an address is its owner's; organization and address are locked by the caller.

    It can be paid to after `PRIVATA_PAYOUT_ADDRESS_DELAY_HOURS`.
    """
    if address.state != AddressState.UNVERIFIED:
        raise _wrong_state(address, "This address is already verified.")
    now = ctx.clock.now()
    usable_at = now + timedelta(hours=ctx.settings.payout_address_delay_hours)
    row = await address_store.verify(tx, address.id, by, now=now, usable_at=usable_at)
    assert row is not None
    changes = {
        "currency": address.currency,
        "address": address.address,
        "by": by.value,
        "is_default": row.is_default,
    }
    await note(tx, actor, "payout_address.verified", address.id, changes)
    return row


def _wrong_state(address: AddressRow, sentence: str) -> WrongPayoutState:
    return WrongPayoutState(sentence, data={"state": address.state})
