"""F4Jumble, the unkeyed permutation over a whole unified address (ZIP-316, "Jumbling")."""

from __future__ import annotations

import hashlib
from typing import Final

from privata.core.addresses.errors import WRONG_LENGTH, AddressError

_MIN_BYTES: Final = 48
_MAX_LEFT: Final = 64


def unjumble(message: bytes) -> bytes:
    """The inverse permutation: one changed bit of the input changes the whole output."""
    if len(message) < _MIN_BYTES:
        raise AddressError(WRONG_LENGTH)
    left = min(_MAX_LEFT, len(message) // 2)
    c, d = message[:left], message[left:]
    y = _xor(c, _h(1, d, left))
    x = _xor(d, _g(1, y, len(d)))
    a = _xor(y, _h(0, x, left))
    b = _xor(x, _g(0, a, len(d)))
    return a + b


def _h(index: int, data: bytes, size: int) -> bytes:
    person = b"UA_F4Jumble_H" + bytes([index, 0, 0])
    return hashlib.blake2b(data, digest_size=size, person=person).digest()


def _g(index: int, data: bytes, size: int) -> bytes:
    blocks = (size + 63) // 64
    stream = b"".join(
        hashlib.blake2b(
            data, person=b"UA_F4Jumble_G" + bytes([index]) + block.to_bytes(2, "little")
        ).digest()
        for block in range(blocks)
    )
    return stream[:size]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(p ^ q for p, q in zip(one, other, strict=True))
