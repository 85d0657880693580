"""Proving that a payout address is one's own: a text signed with its key (docs/payouts.md).

The other proof, a micro-payment whose exact amount the owner reads back, needs rails to pay with.
"""

from __future__ import annotations

import base64
from typing import Final
from uuid import UUID

from privata.core.clock import iso
from privata.core.errors import RequestError, ValidationFailed, WrongPayoutState
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.sealing import Sealer
from privata.payouts.access import live_only, locked_address, locked_organization, note
from privata.payouts.addresses import store as address_store
from privata.payouts.addresses.service import verified
from privata.payouts.challenges import LIFE, MOST_WRONG, new_nonce
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.rows import AddressRow
from privata.payouts.signatures.messages import METHODS, signed_by
from privata.payouts.states import AddressState, VerifiedBy

_NOT_OPEN: Final = "The text to sign is missing or expired. Request a new one."


def texts_of(sealer: Sealer, address: AddressRow) -> list[str]:
    """The text that the address's owner signs; after the first, those of older secret keys.

    It says to people what they sign, and ends with a MAC of it under the installation's key.
    """
    assert address.challenge_expires_at is not None  # the caller has set or seen a challenge
    text = "\n".join(
        (
            "Privata: this payout address is ours.",
            f"Organization: {address.organization_id}",
            f"Currency: {address.currency}",
            f"Address: {address.address}",
            f"Valid until: {iso(address.challenge_expires_at)}",
        )
    )
    bound = f"payout_address:{address.id}:{address.challenge_nonce}:{text}"
    tokens = (base64.urlsafe_b64encode(one).rstrip(b"=") for one in sealer.digests(bound))
    return [f"{text}\nCode: {token.decode('ascii')}" for token in tokens]


async def begin_proof(ctx: AppContext, *, actor: Actor, address_id: UUID) -> str:
    """A new text to sign, ten minutes good; an older one is void. `NotFound`; `WrongPayoutState` if
    the address is verified already."""
    live_only(actor)
    async with ctx.database.transaction() as tx:
        address = await _unverified(tx, actor, address_id)
        expires_at = ctx.clock.now().replace(microsecond=0) + LIFE
        row = await address_store.set_challenge(tx, address.id, new_nonce(), expires_at)
        assert row is not None
        await note(tx, actor, "payout_address.challenged", address_id)
    return texts_of(ctx.sealer, row)[0]


async def prove_address(
    ctx: AppContext, *, actor: Actor, address_id: UUID, signature: str
) -> AddressRow:
    """Verify the address by the signature of its text; the row as it is then.

    `NotFound`; `WrongPayoutState` if it is verified already or no text waits to be signed;
    `ValidationFailed` (field `signature`, data `tries_left`) for a wrong one: the fifth voids the
    text.
    """
    live_only(actor)
    refusal: RequestError | None = None
    async with ctx.database.transaction() as tx:
        await locked_organization(tx, actor)
        address = await _unverified(tx, actor, address_id)
        refusal = await _judge(ctx, tx, actor, address, signature)
        if refusal is None:
            address = await verified(ctx, tx, actor, address, VerifiedBy.SIGNATURE)
    if refusal is not None:
        # Only now: what a wrong answer cost is committed.
        raise refusal
    return address


async def _unverified(tx: Transaction, actor: Actor, address_id: UUID) -> AddressRow:
    address = await locked_address(tx, actor, address_id)
    if address.state != AddressState.UNVERIFIED:
        raise WrongPayoutState("This address is already verified.", data={"state": address.state})
    return address


async def _judge(
    ctx: AppContext, tx: Transaction, actor: Actor, address: AddressRow, signature: str
) -> RequestError | None:
    """What stands against it; a wrong signature is counted already."""
    open_until = address.challenge_expires_at
    if open_until is None or ctx.clock.now() >= open_until or address.wrong_answers >= MOST_WRONG:
        return WrongPayoutState(_NOT_OPEN, data={"state": address.state})
    currency = PayoutCurrency(address.currency)
    texts = texts_of(ctx.sealer, address)
    if any(signed_by(currency, address.address, text, signature) for text in texts):
        return None
    wrong = address.wrong_answers + 1
    left = MOST_WRONG - wrong
    await address_store.count_wrong(tx, address.id, wrong)
    await note(tx, actor, "payout_address.proof_refused", address.id, {"tries_left": left})
    sentence = (
        f"is not a signature ({METHODS[currency]}) of the text by this address;"
        f" attempts left: {left}"
    )
    return ValidationFailed(
        f"signature {sentence}.", fields=[("signature", sentence)], data={"tries_left": left}
    )
