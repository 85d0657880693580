"""Bitcoin, Litecoin and Dogecoin: Base58Check and segregated witness addresses on mainnet.

Kinds: p2pkh, p2sh, p2wpkh, p2wsh, p2tr, witness-v1 to witness-v16, mweb.

A witness program of a version, or a length, that has no meaning yet is accepted, as BIP-350 asks of
every sender; its kind says so. A Litecoin script address that starts with 3 is the older form of
one that starts with M; it reads the same as a Bitcoin address, and nothing in it can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privata.core.addresses.codec import base58, bech32
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, TESTNET, WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_base58

_HASH_BYTES: Final = 20
_TESTNET_VERSIONS: Final = frozenset({0x6F, 0xC4, 0x3A, 0x71})
_TESTNET_PREFIXES: Final = ("tb1", "bcrt1", "tltc1", "rltc1", "tmweb1")
_V0_KINDS: Final = {20: "p2wpkh", 32: "p2wsh"}
_ANCHOR: Final = bytes.fromhex("4e73")
_MWEB_PREFIX: Final = "ltcmweb"
_MWEB_KEY_BYTES: Final = 33


@dataclass(frozen=True, slots=True)
class Coin:
    """What differs between the coins that kept Bitcoin's formats."""

    name: str
    p2pkh: int
    p2sh: frozenset[int]
    segwit_prefix: str | None = None
    mweb: bool = False


BTC: Final = Coin("Bitcoin", 0x00, frozenset({0x05}), "bc")
LTC: Final = Coin("Litecoin", 0x30, frozenset({0x32, 0x05}), "ltc", mweb=True)
DOGE: Final = Coin("Dogecoin", 0x1E, frozenset({0x16}))


def bitcoin(address: str) -> Decoded:
    """A mainnet Bitcoin address."""
    return _check(BTC, address)


def litecoin(address: str) -> Decoded:
    """A mainnet Litecoin address, MWEB stealth addresses included."""
    return _check(LTC, address)


def dogecoin(address: str) -> Decoded:
    """A mainnet Dogecoin address."""
    return _check(DOGE, address)


def legacy(coin: Coin, address: str) -> Decoded:
    """A Base58Check address of `coin`: version byte and hash."""
    payload = base58.decode_check(address)
    version, digest = payload[0], payload[1:]
    if len(digest) != _HASH_BYTES:
        raise AddressError(WRONG_LENGTH)
    if version == coin.p2pkh:
        kind = "p2pkh"
    elif version in coin.p2sh:
        kind = "p2sh"
    elif version in _TESTNET_VERSIONS:
        raise AddressError(TESTNET)
    else:
        raise AddressError(f"This address belongs to another network, not {coin.name}")
    refuse_zero(digest)
    refuse_base58(address)
    return Decoded(address, kind)


def _check(coin: Coin, address: str) -> Decoded:
    if coin.segwit_prefix and _has_prefix(address, f"{coin.segwit_prefix}1"):
        return _segwit(coin, address)
    if coin.mweb and _has_prefix(address, f"{_MWEB_PREFIX}1"):
        return _mweb(address)
    if any(_has_prefix(address, prefix) for prefix in _TESTNET_PREFIXES):
        raise AddressError(TESTNET)
    return legacy(coin, address)


def _has_prefix(address: str, prefix: str) -> bool:
    # An upper-case prefix counts only in an all upper-case text: a Base58 address may start so.
    return address.startswith(prefix) or (address.isupper() and address.lower().startswith(prefix))


def _segwit(coin: Coin, address: str) -> Decoded:
    decoded = bech32.decode(address)
    if decoded.prefix != coin.segwit_prefix:
        raise AddressError(f"This address belongs to another network, not {coin.name}")
    if not decoded.words:
        raise AddressError(WRONG_LENGTH)
    version, program = decoded.words[0], bech32.to_bytes(decoded.words[1:])
    if version > 16:
        raise AddressError("The witness version of the address must be from 0 to 16")
    if decoded.variant != ("bech32m" if version else "bech32"):
        # The right sum of the wrong variant is a wrong sum (BIP-350).
        raise AddressError(BAD_CHECKSUM)
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in _V0_KINDS):
        raise AddressError(WRONG_LENGTH)
    refuse_zero(program)
    if version == 1 and program == _ANCHOR:
        raise AddressError("Anyone can spend funds sent to this address")
    return Decoded(address.lower(), _segwit_kind(version, len(program)))


def _segwit_kind(version: int, size: int) -> str:
    if version == 0:
        return _V0_KINDS[size]
    if version == 1 and size == 32:
        return "p2tr"
    return f"witness-v{version}"


def _mweb(address: str) -> Decoded:
    """A stealth address of LIP-0004: version 0, then scan key and spend key, both compressed."""
    decoded = bech32.decode(address, max_length=None)
    if decoded.prefix != _MWEB_PREFIX or decoded.variant != "bech32" or not decoded.words:
        raise AddressError(BAD_CHECKSUM)
    keys = bech32.to_bytes(decoded.words[1:])
    if decoded.words[0] != 0 or len(keys) != 2 * _MWEB_KEY_BYTES:
        raise AddressError(WRONG_LENGTH)
    if keys[0] not in (2, 3) or keys[_MWEB_KEY_BYTES] not in (2, 3):
        raise AddressError("The address does not contain two public keys")
    return Decoded(address.lower(), "mweb")
