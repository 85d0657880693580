"""TRON: Base58Check with version 0x41 and the last 20 bytes of the key's Keccak-256.

Kind: account (a contract looks the same). The hexadecimal form that nodes use inside, 41..., has
no checksum and is refused.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_account

_VERSION: Final = 0x41
_ACCOUNT_BYTES: Final = 20


def tron(address: str) -> Decoded:
    """A TRON account."""
    if not address.startswith("T"):
        raise AddressError("A TRON address must start with T")
    payload = base58.decode_check(address)
    if len(payload) != 1 + _ACCOUNT_BYTES:
        raise AddressError(WRONG_LENGTH)
    if payload[0] != _VERSION:
        raise AddressError("This address belongs to another network, not TRON")
    refuse_zero(payload[1:])
    refuse_account(payload[1:])
    return Decoded(address, "account")
