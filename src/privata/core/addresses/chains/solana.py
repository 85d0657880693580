"""Solana: the 32 bytes of an account in Base58, with no checksum and no network mark.

Kind: account (the bytes are an Ed25519 key, so a wallet may hold it). Bytes that are none have no
private key: a vault, a program's own or a token account. They are no payee, since nobody could sign
for them, and a token account is what people paste by mistake.

What cannot be detected: a wrong character mostly gives another account of the right length; about
half of these are no key, and refused. Devnet addresses look the same as mainnet ones.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.codec.ed25519 import is_point
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_solana

_ACCOUNT_BYTES: Final = 32
_NO_WALLET: Final = (
    "This is the address of a vault or a token account, not a wallet, or a character is wrong"
)


def solana(address: str) -> Decoded:
    """A Solana account."""
    key = base58.decode(address)
    if len(key) != _ACCOUNT_BYTES:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(key)
    refuse_solana(address)
    if not is_point(key):
        raise AddressError(_NO_WALLET)
    return Decoded(address, "account")
