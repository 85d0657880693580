"""Payout addresses: what is taken, how they are verified, and the one default of each currency."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privata.core.addresses.codec import base58
from privata.core.addresses.codec.keccak import keccak256
from privata.core.errors import InvalidAddress, NotFound, ValidationFailed, WrongPayoutState
from privata.infra.context import AppContext
from privata.payouts import reading
from privata.payouts.access import operator
from privata.payouts.addresses import proofs
from privata.payouts.addresses import service as addresses
from privata.payouts.currencies import TOKENS, PayoutCurrency
from privata.payouts.signatures import secp256k1
from privata.payouts.tests.making import ADDRESS, Payee, make_payee, other_organization
from privata.payouts.tests.test_signatures import sign_65

ERC20, SOL, TRC20 = PayoutCurrency.USDT_ERC20, PayoutCurrency.USDC_SOL, PayoutCurrency.USDT_TRC20


@pytest.fixture
async def owner_of_none(ctx: AppContext, organization: uuid.UUID) -> Payee:
    """A partner without addresses."""
    return await make_payee(ctx, organization)


async def _add(payee: Payee, currency: PayoutCurrency, address: str | None = None) -> uuid.UUID:
    row = await addresses.add_address(
        payee.ctx,
        actor=payee.actor,
        currency=currency,
        address=ADDRESS[currency] if address is None else address,
    )
    return uuid.UUID(str(row.id))


async def _vouch(payee: Payee, address_id: uuid.UUID) -> bool:
    row = await addresses.vouch_for_address(
        payee.ctx, actor=operator(payee.organization_id, "op"), address_id=address_id
    )
    return bool(row.is_default)


@pytest.mark.parametrize(
    ("currency", "text", "why"),
    [
        (ERC20, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "checksum"),
        (ERC20, "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "must start with 0x"),
        (TRC20, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "must start with T"),
        (TRC20, "TJRabPrwbZy45sbavfcjinPJC18kjpRTv9", "hecksum"),
        (SOL, "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "vault or a token account"),
        (SOL, "11111111111111111111111111111111", "."),
        (ERC20, "0x000000000000000000000000000000000000dEaD", "."),
        (ERC20, " 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "."),
        (ERC20, "", "."),
        *((currency, token.contract, "the token itself") for currency, token in TOKENS.items()),
        (PayoutCurrency.USDC_ERC20, TOKENS[ERC20].contract.lower(), "the token itself"),
    ],
)
async def test_a_wrong_address_is_refused_by_name(
    owner_of_none: Payee, currency: PayoutCurrency, text: str, why: str
) -> None:
    with pytest.raises(InvalidAddress, match=why) as refused:
        await _add(owner_of_none, currency, text)
    assert refused.value.fields[0][0] == "address"


async def test_it_is_kept_in_the_form_to_pay_to_and_once(owner_of_none: Payee) -> None:
    payee = owner_of_none
    first = await _add(payee, ERC20, ADDRESS[ERC20].lower())
    (row,) = await reading.addresses(payee.ctx, actor=payee.actor)
    assert (row.address, row.state, row.is_default) == (
        ADDRESS[ERC20],
        "unverified",
        False,
    )
    with pytest.raises(ValidationFailed, match="already"):
        await _add(payee, ERC20)
    await _add(payee, PayoutCurrency.USDC_ERC20, ADDRESS[ERC20])
    other = await make_payee(payee.ctx, await other_organization(payee.ctx))
    await _add(other, ERC20)
    await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=first)
    assert await _add(payee, ERC20) != first


async def test_adding_one_is_mailed_to_owners_and_finance(owner_of_none: Payee) -> None:
    pool = owner_of_none.ctx.database.pool
    for role in ("owner", "finance", "admin"):
        await pool.execute(
            "WITH made AS (INSERT INTO app_user (email, password, is_superuser)"
            " VALUES ($1, '!', false) RETURNING id)"
            " INSERT INTO membership (organization_id, user_id, role) SELECT $2, id, $3 FROM made",
            f"{role}@acme.example",
            owner_of_none.organization_id,
            role,
        )
    await _add(owner_of_none, SOL)
    rows = await pool.fetch("SELECT recipient FROM mail WHERE template = 'payout_address_added'")
    assert sorted(row["recipient"] for row in rows) == [
        "finance@acme.example",
        "owner@acme.example",
    ]


async def test_one_default_and_how_it_moves(owner_of_none: Payee) -> None:
    payee = owner_of_none
    first, second = await _add(payee, ERC20), await _add(payee, ERC20, "0x" + "12" * 20)
    with pytest.raises(WrongPayoutState, match="Only a verified"):
        await addresses.promote_address(payee.ctx, actor=payee.actor, address_id=first)
    assert await _vouch(payee, first)
    assert not await _vouch(payee, second)
    with pytest.raises(WrongPayoutState, match="Make another one the default first"):
        await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=first)
    await addresses.promote_address(payee.ctx, actor=payee.actor, address_id=second)
    rows = await reading.addresses(payee.ctx, actor=payee.actor)
    assert [row.id for row in rows if row.is_default] == [second]
    await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=first)
    # The last one may go: there is nothing to promote.
    await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=second)
    assert await reading.addresses(payee.ctx, actor=payee.actor) == []
    with pytest.raises(NotFound):
        await addresses.promote_address(payee.ctx, actor=payee.actor, address_id=second)


async def test_many_changes_at_once_leave_one_default(owner_of_none: Payee) -> None:
    payee = owner_of_none
    made = [await _add(payee, ERC20, f"0x{n:02x}" + "34" * 19) for n in range(1, 7)]
    await asyncio.gather(*(_vouch(payee, one) for one in made))
    await asyncio.gather(
        *(addresses.promote_address(payee.ctx, actor=payee.actor, address_id=one) for one in made)
    )
    removals = [
        addresses.remove_address(payee.ctx, actor=payee.actor, address_id=one) for one in made
    ]
    found = await asyncio.gather(*removals, return_exceptions=True)
    assert all(isinstance(one, WrongPayoutState) for one in found if isinstance(one, Exception))
    rows = await reading.addresses(payee.ctx, actor=payee.actor)
    assert len(rows) == sum(isinstance(one, Exception) for one in found)
    assert [row.is_default for row in rows].count(True) == bool(rows)


async def test_somebody_elses_address_is_not_there(owner_of_none: Payee) -> None:
    payee = owner_of_none
    other = await make_payee(payee.ctx, await other_organization(payee.ctx))
    foreign = await _add(other, ERC20)
    for ident in (foreign, uuid.uuid4()):
        for act in (
            addresses.promote_address,
            addresses.remove_address,
            addresses.vouch_for_address,
            proofs.begin_proof,
        ):
            with pytest.raises(NotFound, match="Payout address not found"):
                await act(payee.ctx, actor=payee.actor, address_id=ident)
        with pytest.raises(NotFound):
            await proofs.prove_address(
                payee.ctx, actor=payee.actor, address_id=ident, signature="x"
            )


def _account(key: int) -> bytes:
    public = secp256k1.recover(sign_65(key, b"\x05" * 32), b"\x05" * 32)
    assert public is not None
    return keccak256(public)[-20:]


def _sign(currency: PayoutCurrency, text: str) -> str:
    raw = text.encode()
    if currency is SOL:
        return base58.encode(Ed25519PrivateKey.from_private_bytes(b"\x09" * 32).sign(raw))
    name = b"TRON" if currency is TRC20 else b"Ethereum"
    digest = keccak256(b"\x19" + name + b" Signed Message:\n%d" % len(raw) + raw)
    return "0x" + sign_65(9, digest).hex()


def _own(currency: PayoutCurrency) -> str:
    if currency is SOL:
        key = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32).public_key()
        return base58.encode(key.public_bytes_raw())
    if currency is TRC20:
        return base58.encode_check(b"\x41" + _account(9))
    return "0x" + _account(9).hex()


@pytest.mark.parametrize("currency", PayoutCurrency)
async def test_the_owner_signs_the_text(owner_of_none: Payee, currency: PayoutCurrency) -> None:
    payee = owner_of_none
    ident = await _add(payee, currency, _own(currency))
    text = await proofs.begin_proof(payee.ctx, actor=payee.actor, address_id=ident)
    assert f"Currency: {currency}" in text
    row = await proofs.prove_address(
        payee.ctx, actor=payee.actor, address_id=ident, signature=_sign(currency, text)
    )
    assert (row.state, row.verified_by, row.is_default) == ("verified", "signature", True)
    assert row.usable_at is not None
    assert row.verified_at is not None
    assert row.usable_at - row.verified_at == timedelta(hours=24)
    with pytest.raises(WrongPayoutState, match="already verified"):
        await proofs.prove_address(
            payee.ctx, actor=payee.actor, address_id=ident, signature=_sign(currency, text)
        )


async def test_a_text_is_good_for_one_address_ten_minutes_and_five_tries(
    owner_of_none: Payee,
) -> None:
    payee = owner_of_none
    ident = await _add(payee, ERC20, _own(ERC20))
    twin = await _add(payee, PayoutCurrency.USDC_ERC20, _own(ERC20))

    async def prove(signature: str) -> None:
        await proofs.prove_address(
            payee.ctx, actor=payee.actor, address_id=ident, signature=signature
        )

    async def begin(one: uuid.UUID = ident) -> str:
        return await proofs.begin_proof(payee.ctx, actor=payee.actor, address_id=one)

    with pytest.raises(WrongPayoutState, match="The text to sign is missing or expired"):
        await prove("x")
    late = await begin()
    payee.clock.advance(timedelta(minutes=10))
    with pytest.raises(WrongPayoutState, match="The text to sign is missing or expired"):
        await prove(_sign(ERC20, late))
    old, new, other = await begin(), await begin(), await begin(twin)
    for left, text in zip((4, 3, 2, 1, 0), (late, old, other, new + "\n", ""), strict=True):
        with pytest.raises(ValidationFailed, match="personal_sign") as refused:
            await prove(_sign(ERC20, text))
        assert refused.value.data == {"tries_left": left}
    with pytest.raises(WrongPayoutState, match="The text to sign is missing or expired"):
        await prove(_sign(ERC20, new))
    await prove(_sign(ERC20, await begin()))
