"""CashAddr, the address format of Bitcoin Cash (spec/cashaddr.md, version 1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from privata.core.addresses.codec import bech32
from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError

HASH_BYTES: Final = (20, 24, 28, 32, 40, 48, 56, 64)
"""Length of the hash for each value of the size bits."""

_GENERATOR: Final = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_CHECKSUM_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class CashAddr:
    """A text with a right checksum and a hash of the length that its version byte announces."""

    prefix: str
    kind: int
    payload: bytes


def decode(text: str, *, default_prefix: str) -> CashAddr:
    """Split and verify a CashAddr text; `default_prefix` stands in when the text has none."""
    text = bech32.single_case(text)
    prefix, separator, data = text.rpartition(":")
    if not separator:
        prefix = default_prefix
    words = bech32.words_of(data)
    if _polymod([*(ord(c) & 31 for c in prefix), 0, *words]) != 1:
        raise AddressError(BAD_CHECKSUM)
    raw = bech32.to_bytes(words[:-_CHECKSUM_WORDS])
    if not raw or len(raw) - 1 != HASH_BYTES[raw[0] & 7]:
        raise AddressError(WRONG_LENGTH)
    if raw[0] & 0x80:
        raise AddressError("This address type is reserved and not in use yet")
    return CashAddr(prefix, raw[0] >> 3, raw[1:])


def _polymod(values: Iterable[int]) -> int:
    remainder = 1
    for value in values:
        top = remainder >> 35
        remainder = (remainder & 0x07FFFFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= term
    return remainder
