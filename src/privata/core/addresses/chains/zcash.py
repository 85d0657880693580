"""Zcash mainnet: transparent, Sapling, TEX and unified addresses.

Kinds: p2pkh, p2sh, sapling, tex (ZIP-320: pays a transparent key, from transparent funds only) and
unified (ZIP-316, revision 0). Sprout addresses (zc...) are refused: since the Canopy upgrade
nothing can be sent to them. That the keys inside a shielded receiver are points of their curves is
not checked; every form has a checksum of at least four bytes.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58, bech32, f4jumble
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, TESTNET, WRONG_LENGTH, AddressError

_HASH_BYTES: Final = 20
_SHIELDED_BYTES: Final = 43
_TRANSPARENT: Final = {bytes.fromhex("1cb8"): "p2pkh", bytes.fromhex("1cbd"): "p2sh"}
_TRANSPARENT_TEST: Final = frozenset({bytes.fromhex("1d25"), bytes.fromhex("1cba")})
_BECH32_PREFIXES: Final = ("zs1", "tex1", "u1", "ztestsapling1", "textest1", "utest1")
_SINGLE: Final = {"zs": ("sapling", _SHIELDED_BYTES), "tex": ("tex", _HASH_BYTES)}
_PADDING: Final = b"u".ljust(16, b"\0")
_P2PKH, _P2SH, _SAPLING, _ORCHARD = range(4)
_RECEIVER_BYTES: Final = {
    _P2PKH: _HASH_BYTES,
    _P2SH: _HASH_BYTES,
    _SAPLING: _SHIELDED_BYTES,
    _ORCHARD: _SHIELDED_BYTES,
}
_MUST_UNDERSTAND: Final = range(0xE0, 0xFD)
_MAX_TYPECODE: Final = 0x02000000
_MALFORMED: Final = "The unified address is malformed"


def zcash(address: str) -> Decoded:
    """A mainnet Zcash address."""
    if address.lower().startswith(_BECH32_PREFIXES):
        return _bech32(address)
    if address.startswith("zc"):
        raise AddressError("This is a Sprout address, which can no longer receive funds")
    return _transparent(address)


def _transparent(address: str) -> Decoded:
    payload = base58.decode_check(address)
    version, digest = payload[:2], payload[2:]
    if version in _TRANSPARENT_TEST:
        raise AddressError(TESTNET)
    if version not in _TRANSPARENT:
        raise AddressError("This address belongs to another network, not Zcash")
    if len(digest) != _HASH_BYTES:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(digest)
    return Decoded(address, _TRANSPARENT[version])


def _bech32(address: str) -> Decoded:
    decoded = bech32.decode(address, max_length=None)
    if "test" in decoded.prefix:
        raise AddressError(TESTNET)
    if decoded.variant != ("bech32" if decoded.prefix == "zs" else "bech32m"):
        raise AddressError(BAD_CHECKSUM)
    data = bech32.to_bytes(decoded.words)
    if decoded.prefix == "u":
        _check_unified(data)
        return Decoded(address.lower(), "unified")
    if decoded.prefix not in _SINGLE:
        raise AddressError("The address does not have a Zcash prefix")
    kind, size = _SINGLE[decoded.prefix]
    if len(data) != size:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(data)
    return Decoded(address.lower(), kind)


def _check_unified(jumbled: bytes) -> None:
    """Receivers in rising order of their typecode, at least one of them known and payable.

    ZIP-316 lets a sender ignore receivers of unknown type, and refuses an address with only
    transparent ones, with both transparent kinds, or with an item marked "must understand".
    """
    raw = f4jumble.unjumble(jumbled)
    items, padding = raw[: -len(_PADDING)], raw[-len(_PADDING) :]
    if padding != _PADDING:
        raise AddressError(_MALFORMED)
    seen: list[int] = []
    while items:
        typecode, items = _compact_size(items)
        size, items = _compact_size(items)
        value, items = items[:size], items[size:]
        if len(value) != size or (seen and typecode <= seen[-1]):
            raise AddressError(_MALFORMED)
        if size != _RECEIVER_BYTES.get(typecode, size) or typecode > _MAX_TYPECODE:
            raise AddressError(_MALFORMED)
        if typecode in _MUST_UNDERSTAND:
            raise AddressError("The unified address requires an unsupported feature")
        seen.append(typecode)
    if _P2PKH in seen and _P2SH in seen:
        raise AddressError(_MALFORMED)
    if set(seen) <= {_P2PKH, _P2SH} or not set(seen) & set(_RECEIVER_BYTES):
        raise AddressError("The unified address has no supported receiver")


def _compact_size(data: bytes) -> tuple[int, bytes]:
    """Bitcoin's variable-length number, shortest form only, and the rest of the data."""
    if not data:
        raise AddressError(_MALFORMED)
    first = data[0]
    if first < 0xFD:
        return first, data[1:]
    size = 2 << (first - 0xFD)
    number, rest = data[1 : 1 + size], data[1 + size :]
    value = int.from_bytes(number, "little")
    if len(number) != size or value < (0xFD if size == 2 else 1 << (4 * size)):
        raise AddressError(_MALFORMED)
    return value, rest
