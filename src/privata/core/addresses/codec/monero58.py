"""Monero's Base58: blocks of eight bytes as eleven characters, so that the length is fixed."""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.codec.keccak import keccak256
from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError

_BLOCK_CHARACTERS: Final = 11
_BYTES_OF_BLOCK: Final = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
"""Bytes in a block of so many characters; other lengths do not occur."""

_CHECKSUM_BYTES: Final = 4


def decode_check(text: str) -> bytes:
    """Prefix and payload of an address, without its four bytes of Keccak-256."""
    if len(text) % _BLOCK_CHARACTERS not in _BYTES_OF_BLOCK:
        raise AddressError(WRONG_LENGTH)
    data = b"".join(
        _block(text[start : start + _BLOCK_CHARACTERS])
        for start in range(0, len(text), _BLOCK_CHARACTERS)
    )
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if keccak256(payload)[:_CHECKSUM_BYTES] != checksum:
        raise AddressError(BAD_CHECKSUM)
    return payload


def _block(text: str) -> bytes:
    number = 0
    for value in base58.digits(text):
        number = number * 58 + value
    size = _BYTES_OF_BLOCK[len(text)]
    if number >> (8 * size):
        raise AddressError(BAD_CHECKSUM)
    return number.to_bytes(size, "big")
