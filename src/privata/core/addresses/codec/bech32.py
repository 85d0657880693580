"""Bech32 (BIP-173) and Bech32m (BIP-350)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError

CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
MAX_LENGTH: Final = 90
"""The limit of BIP-173; ADA, MWEB and Zcash addresses lift it, as their own standards say."""

Variant = Literal["bech32", "bech32m"]

_VARIANTS: Final[dict[int, Variant]] = {1: "bech32", 0x2BC830A3: "bech32m"}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Bech32:
    """A text with a right checksum: `words` are five-bit values, without the checksum."""

    prefix: str
    words: tuple[int, ...]
    variant: Variant


def decode(text: str, *, max_length: int | None = MAX_LENGTH) -> Bech32:
    """Split and verify a Bech32 or Bech32m text; `max_length=None` lifts the limit on length."""
    if max_length is not None and len(text) > max_length:
        raise AddressError(WRONG_LENGTH)
    text = single_case(text)
    prefix, separator, data = text.rpartition("1")
    if not separator or not prefix or len(data) < _CHECKSUM_WORDS:
        raise AddressError("The address is incomplete or lacks the separator 1 after its prefix")
    if not all(33 <= ord(character) <= 126 for character in prefix):
        raise AddressError("The address prefix contains an invalid character")
    words = words_of(data)
    variant = _VARIANTS.get(_polymod([*_expand(prefix), *words]))
    if variant is None:
        raise AddressError(BAD_CHECKSUM)
    return Bech32(prefix, words[:-_CHECKSUM_WORDS], variant)


def single_case(text: str) -> str:
    """The text in lower case; `AddressError` when it mixes upper and lower case."""
    if text != text.lower() and text != text.upper():
        raise AddressError("The address mixes uppercase and lowercase letters")
    return text.lower()


def words_of(data: str) -> tuple[int, ...]:
    """The five-bit value of every character."""
    words = tuple(CHARSET.find(character) for character in data)
    if -1 in words:
        raise AddressError(
            "The address contains a character that is invalid here, such as b, i, o, or 1"
        )
    return words


def to_bytes(words: Sequence[int]) -> bytes:
    """Regroup five-bit words into bytes; padding of more than four bits, or not zero, is refused.

    Were it accepted, several texts would stand for one address.
    """
    number = 0
    for word in words:
        number = number << 5 | word
    count, spare = divmod(len(words) * 5, 8)
    if spare > 4 or number & ((1 << spare) - 1):
        raise AddressError("The address is malformed: its last character has unused bits set")
    return (number >> spare).to_bytes(count, "big")


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: Iterable[int]) -> int:
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= term
    return remainder
