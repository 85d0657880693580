"""Base32 without padding (RFC 4648 section 6), strict: one text for one value (SEP-23)."""

from __future__ import annotations

from typing import Final

from privata.core.addresses.errors import WRONG_LENGTH, AddressError

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def decode(text: str) -> bytes:
    """The bytes of an unpadded upper-case Base32 text; spare bits must be zero."""
    number = 0
    for character in text:
        value = ALPHABET.find(character)
        if value < 0:
            raise AddressError(
                "The address contains a character that is invalid here, "
                "such as a lowercase letter, 0, 1, 8, or 9"
            )
        number = number << 5 | value
    count, spare = divmod(len(text) * 5, 8)
    if spare > 4:
        raise AddressError(WRONG_LENGTH)
    if number & ((1 << spare) - 1):
        raise AddressError("The address is malformed: its last character has unused bits set")
    return (number >> spare).to_bytes(count, "big")
