"""Solana: the 32 bytes of an account in Base58, with no checksum and no network mark.

Kinds: account (the bytes are an Ed25519 key, so a wallet may hold it) and program-derived (they are
not, so no private key exists: a vault, a program's own or a token account).

What cannot be detected: a wrong character mostly gives another account of the right length, which
is accepted; in about half of these cases the kind turns to program-derived. Devnet addresses look
the same as mainnet ones, and a token account looks like any other program-derived one.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.codec.ed25519 import is_point
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import WRONG_LENGTH, AddressError

_ACCOUNT_BYTES: Final = 32


def solana(address: str) -> Decoded:
    """A Solana account."""
    key = base58.decode(address)
    if len(key) != _ACCOUNT_BYTES:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(key)
    return Decoded(address, "account" if is_point(key) else "program-derived")
