"""Base58 and Base58Check (draft-msporny-base58; the alphabets of Bitcoin and of the XRP Ledger)."""

from __future__ import annotations

import hashlib
from typing import Final

from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError

BITCOIN: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"

_CHECKSUM_BYTES: Final = 4


def digits(text: str, alphabet: str = BITCOIN) -> list[int]:
    """The value of every character; `AddressError` for one outside the alphabet."""
    values = [alphabet.find(character) for character in text]
    if -1 in values:
        raise AddressError(
            "The address contains a character that is invalid here, such as 0, O, I, or l"
        )
    return values


def decode(text: str, alphabet: str = BITCOIN) -> bytes:
    """The bytes of a Base58 text; one text for one value, because leading zeros are kept."""
    values = digits(text, alphabet)
    number = 0
    for value in values:
        number = number * 58 + value
    zeros = next((i for i, value in enumerate(values) if value), len(values))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode(data: bytes, alphabet: str = BITCOIN) -> str:
    """The Base58 text of `data`."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, value = divmod(number, 58)
        text = alphabet[value] + text
    return alphabet[0] * zeros + text


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:_CHECKSUM_BYTES]


def decode_check(text: str, alphabet: str = BITCOIN) -> bytes:
    """Version and payload of a Base58Check text, without its four bytes of double SHA-256."""
    data = decode(text, alphabet)
    if len(data) <= _CHECKSUM_BYTES:
        raise AddressError(WRONG_LENGTH)
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(payload):
        raise AddressError(BAD_CHECKSUM)
    return payload


def encode_check(payload: bytes, alphabet: str = BITCOIN) -> str:
    """The Base58Check text of version and payload."""
    return encode(payload + _checksum(payload), alphabet)
