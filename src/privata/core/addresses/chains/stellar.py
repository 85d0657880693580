"""Stellar: account ids (G...) and muxed accounts (M...) as strkeys of SEP-23.

Kinds: account, muxed. A muxed account stays as it is: it carries its id itself, and "G... with a
memo" is not the same destination for a receiver that watches for muxed payments.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base32
from privata.core.addresses.codec.crc16 import crc16
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_stellar

_KEY_BYTES: Final = 32
_VERSIONS: Final = {"G": 6 << 3, "M": 12 << 3}
_LENGTHS: Final = {"G": 56, "M": 69}
_NOT_ADDRESSES: Final = {
    "S": "This is a secret key, not an address: never share it",
    "C": "This is a contract, which cannot receive an ordinary payment",
    "T": "This is a transaction signer, not an address",
    "X": "This is a hash signer, not an address",
    "P": "This is a payload signer, not an address",
    "L": "This is a liquidity pool, not an address",
    "B": "This is a claimable balance, not an address",
}


def stellar(address: str) -> Decoded:
    """A Stellar account, plain or muxed."""
    first = address[0]
    if first not in _VERSIONS:
        raise AddressError(_NOT_ADDRESSES.get(first, "A Stellar address must start with G or M"))
    if len(address) != _LENGTHS[first]:
        raise AddressError(WRONG_LENGTH)
    data = base32.decode(address)
    body, checksum = data[:-2], data[-2:]
    if crc16(body).to_bytes(2, "little") != checksum:
        raise AddressError(BAD_CHECKSUM)
    if body[0] != _VERSIONS[first]:
        raise AddressError("The address has an unknown Stellar key type")
    key, number = body[1 : 1 + _KEY_BYTES], body[1 + _KEY_BYTES :]
    refuse_zero(key)
    refuse_stellar(key)
    if first == "G":
        return Decoded(address, "account")
    return Decoded(address, "muxed", str(int.from_bytes(number, "big")))
