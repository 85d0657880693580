"""The access checks of this room: fetch, authorise and lock at once; note what was done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import NotFound, ScopeRequired, WrongPayoutState
from privata.core.standing import REASONS, Capability, OrganizationStatus, works
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.database.postgres import Transaction
from privata.organizations.profile import locked_profile
from privata.payouts import store
from privata.payouts.addresses import store as address_store
from privata.payouts.moving import LIVE_TOPIC
from privata.payouts.rows import AddressRow, PayoutRow

NO_PAYOUT = "Payout not found."
NO_ADDRESS = "Payout address not found."


def live_only(actor: Actor) -> None:
    """`ScopeRequired` for an actor of the test environment, whose addresses are there already."""
    if actor.environment is not Environment.LIVE:
        raise ScopeRequired("Sandbox payout addresses are fixed. You can change only live ones.")


async def locked_payout(tx: Transaction, actor: Actor, payout_id: UUID) -> PayoutRow:
    """The actor's payout, locked; `NotFound` if it is not theirs.

    The operator comes in with the organization that the payout belongs to.
    """
    row = await store.lock_payout(tx, payout_id, actor.organization_id, actor.environment)
    if row is None:
        raise NotFound(NO_PAYOUT)
    return row


async def locked_address(tx: Transaction, actor: Actor, address_id: UUID) -> AddressRow:
    """The actor's payout address, locked; `NotFound` if it is not theirs, or removed."""
    row = await address_store.lock_address(tx, address_id, actor.organization_id, actor.environment)
    if row is None:
        raise NotFound(NO_ADDRESS)
    return row


async def locked_organization(tx: Transaction, actor: Actor) -> OrganizationStatus:
    """The actor's organization, locked against other requests and changes of addresses.

    Taken before a payout's or an address's lock wherever both are.
    """
    return (await locked_profile(tx, organization_id=actor.organization_id)).status


async def organization_to_pay(tx: Transaction, actor: Actor) -> None:
    """The same; for live only one whose status allows payouts, `WrongPayoutState` for any other.

    A change of the status waits for this transaction or is seen by it: the row is locked.
    """
    status = await locked_organization(tx, actor)
    if actor.environment is Environment.LIVE and not works(Capability.PAYOUTS, status):
        raise WrongPayoutState(
            f"Payouts require an approved organization. {REASONS[status]}",
            data={"status": status.value},
        )


async def note(
    tx: Transaction,
    actor: Actor,
    action: str,
    target: UUID,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Audit an act (`payout.confirmed`) and tell open pages of it. The last statement of an act."""
    await audit.record(tx, actor=actor, action=action, target=str(target), changes=changes)
    tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, LIVE_TOPIC))


def operator(organization_id: UUID, label: str) -> Actor:
    """The operator acting on an organization's payout, as the audit log names them."""
    return Actor(ActorKind.OPERATOR, "cli", label, organization_id, Environment.LIVE)


def moment_words(moment: datetime) -> str:
    """A time in a sentence."""
    return f"{moment:%d %B %Y, %H:%M} UTC"
