"""Monero mainnet: standard addresses, subaddresses and integrated addresses.

Kinds: standard, subaddress, integrated (it carries its payment id; a separate one no longer exists
on the network). Both public keys must be points of the curve, as Monero's own wallet demands.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import monero58
from privata.core.addresses.codec.ed25519 import is_point
from privata.core.addresses.decoded import Decoded
from privata.core.addresses.errors import TESTNET, WRONG_LENGTH, AddressError

_KEY_BYTES: Final = 32
_PAYMENT_ID_BYTES: Final = 8
_KINDS: Final = {18: "standard", 19: "integrated", 42: "subaddress"}
_TEST_PREFIXES: Final = frozenset({53, 54, 63, 24, 25, 36})
_CHARACTERS: Final = frozenset({95, 106})


def monero(address: str) -> Decoded:
    """A mainnet Monero address."""
    if len(address) not in _CHARACTERS:
        raise AddressError(WRONG_LENGTH)
    payload = monero58.decode_check(address)
    prefix, keys = payload[0], payload[1:]
    if prefix in _TEST_PREFIXES:
        raise AddressError(TESTNET)
    kind = _KINDS.get(prefix)
    if kind is None:
        raise AddressError("This address belongs to another network, not Monero")
    expected = 2 * _KEY_BYTES + (_PAYMENT_ID_BYTES if kind == "integrated" else 0)
    if len(keys) != expected:
        raise AddressError(WRONG_LENGTH)
    if not (is_point(keys[:_KEY_BYTES]) and is_point(keys[_KEY_BYTES : 2 * _KEY_BYTES])):
        raise AddressError("The address does not contain two public keys")
    return Decoded(address, kind)
