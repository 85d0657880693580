"""Cardano: payment addresses of the Shelley and the Byron era on mainnet (CIP-19).

Kinds: base, pointer, enterprise, each with the suffix -script where a script holds the funds;
byron-icarus, byron-daedalus. Stake addresses hold rewards, not payments, and are refused.
"""

from __future__ import annotations

import zlib
from typing import Final

from privata.core.addresses.codec import base58, bech32, cbor
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, TESTNET, WRONG_LENGTH, AddressError

_PREFIX: Final = "addr"
_STAKE_PREFIX: Final = "stake"
_MAINNET: Final = 1
_HASH_BYTES: Final = 28
_POINTER_NUMBERS: Final = 3
_POINTER_TYPES: Final = frozenset({4, 5})
_KINDS: Final = {
    0: ("base", 2 * _HASH_BYTES),
    1: ("base-script", 2 * _HASH_BYTES),
    2: ("base", 2 * _HASH_BYTES),
    3: ("base-script", 2 * _HASH_BYTES),
    4: ("pointer", _HASH_BYTES),
    5: ("pointer-script", _HASH_BYTES),
    6: ("enterprise", _HASH_BYTES),
    7: ("enterprise-script", _HASH_BYTES),
}
_CBOR_IN_CBOR: Final = 24
_DERIVATION_PATH, _NETWORK_MAGIC = 1, 2


def cardano(address: str) -> Decoded:
    """A mainnet Cardano payment address of either era."""
    lower = address.lower()
    if lower.startswith(("addr1", "addr_test1", "stake1", "stake_test1")):
        return _shelley(address)
    return _byron(address)


def _shelley(address: str) -> Decoded:
    decoded = bech32.decode(address, max_length=None)
    if decoded.variant != "bech32":
        raise AddressError(BAD_CHECKSUM)
    if decoded.prefix.endswith("_test"):
        raise AddressError(TESTNET)
    if decoded.prefix == _STAKE_PREFIX:
        raise AddressError(
            "This is a stake address: use the payment address, which starts with addr1"
        )
    if decoded.prefix != _PREFIX:
        raise AddressError("The address does not have the prefix addr")
    data = bech32.to_bytes(decoded.words)
    if not data:
        raise AddressError(WRONG_LENGTH)
    header, payload = data[0] >> 4, data[1:]
    if header not in _KINDS:
        raise AddressError("This is not a payment address")
    if data[0] & 0x0F != _MAINNET:
        raise AddressError(TESTNET)
    kind, size = _KINDS[header]
    if header in _POINTER_TYPES:
        _check_pointer(payload[size:])
    elif len(payload) != size:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(payload[:_HASH_BYTES])
    return Decoded(address.lower(), kind)


def _check_pointer(data: bytes) -> None:
    """Three numbers of seven bits a byte, the top bit set on all but the last byte of each."""
    ends = 0
    start = True
    for byte in data:
        if start and byte == 0x80:
            raise AddressError("The pointer in the address is malformed")
        start = byte < 0x80
        ends += start
    if ends != _POINTER_NUMBERS or not start:
        raise AddressError("The pointer in the address is malformed")


def _byron(address: str) -> Decoded:
    outer = cbor.Reader(base58.decode(address))
    _expect(outer.head(cbor.ARRAY), 2)
    _expect(outer.head(cbor.TAG), _CBOR_IN_CBOR)
    payload = outer.bytes_()
    checksum = outer.head(cbor.UINT)
    outer.end()
    if zlib.crc32(payload) != checksum:
        raise AddressError(BAD_CHECKSUM)
    inner = cbor.Reader(payload)
    _expect(inner.head(cbor.ARRAY), 3)
    root = inner.bytes_()
    if len(root) != _HASH_BYTES:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(root)
    kind = _byron_kind(inner)
    if inner.head(cbor.UINT) != 0:
        raise AddressError("This is a script or redemption address, which cannot receive payments")
    inner.end()
    return Decoded(address, kind)


def _byron_kind(reader: cbor.Reader) -> str:
    kind = "byron-icarus"
    last = -1
    for _ in range(reader.head(cbor.MAP)):
        key, value = reader.head(cbor.UINT), reader.bytes_()
        if key <= last:
            raise AddressError("The address is malformed: an attribute is repeated")
        last = key
        if key == _NETWORK_MAGIC:
            # CIP-19: the network tag is present only on test networks.
            raise AddressError(TESTNET)
        if key != _DERIVATION_PATH:
            raise AddressError("The address has an unknown Cardano attribute")
        path = cbor.Reader(value)
        path.bytes_()
        path.end()
        kind = "byron-daedalus"
    return kind


def _expect(got: int, wanted: int) -> None:
    if got != wanted:
        raise AddressError("The address is malformed: a character is wrong or missing")
