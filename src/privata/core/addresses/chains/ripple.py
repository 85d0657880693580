"""XRP Ledger: classic addresses and X-addresses (XLS-5d) of mainnet.

Kinds: classic, x-address. An X-address is rewritten to its exact equal, classic address and
destination tag, because not every provider reads X-addresses. A tag given beside it must be the
same one. An X-address without tag says "no tag", so any tag beside it contradicts.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import (
    BURN_ADDRESS,
    TESTNET,
    WRONG_LENGTH,
    AddressError,
)
from privata.core.addresses.not_payees import refuse_ripple

_ACCOUNT_BYTES: Final = 20
_CLASSIC_VERSION: Final = b"\0"
_X_BYTES: Final = 31
_X_MAINNET: Final = bytes.fromhex("0544")
_X_TESTNET: Final = bytes.fromhex("0493")
_ACCOUNT_ONE: Final = bytes(19) + b"\1"
_NO_TAG, _TAG_32_BIT = 0, 1


def ripple(address: str) -> Decoded:
    """A mainnet XRP address in either format."""
    payload = base58.decode_check(address, base58.RIPPLE)
    if len(payload) == _X_BYTES and address[0] in "XT":
        return _x_address(payload)
    if len(payload) != 1 + _ACCOUNT_BYTES:
        raise AddressError(WRONG_LENGTH)
    if payload[:1] != _CLASSIC_VERSION:
        raise AddressError("This is another type of key, not an XRP address")
    _refuse_black_holes(payload[1:])
    refuse_ripple(address)
    return Decoded(address, "classic")


def _x_address(payload: bytes) -> Decoded:
    prefix, account, flag = payload[:2], payload[2:22], payload[22]
    tag, reserved = int.from_bytes(payload[23:27], "little"), payload[27:]
    if prefix == _X_TESTNET:
        raise AddressError(TESTNET)
    if prefix != _X_MAINNET:
        raise AddressError("This is another type of key, not an XRP address")
    if flag not in (_NO_TAG, _TAG_32_BIT) or any(reserved) or (flag == _NO_TAG and tag):
        raise AddressError("The X-address has an unknown tag type")
    _refuse_black_holes(account)
    classic = base58.encode_check(_CLASSIC_VERSION + account, base58.RIPPLE)
    refuse_ripple(classic)
    return Decoded(classic, "x-address", str(tag) if flag == _TAG_32_BIT else None)


def _refuse_black_holes(account: bytes) -> None:
    """ACCOUNT_ZERO and ACCOUNT_ONE have no key; the ledger's documentation lists them."""
    refuse_zero(account)
    if account == _ACCOUNT_ONE:
        raise AddressError(BURN_ADDRESS)
