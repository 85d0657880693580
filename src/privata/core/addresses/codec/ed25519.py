"""Whether 32 bytes are a point of edwards25519 (RFC 8032 section 5.1.3)."""

from __future__ import annotations

from typing import Final

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def is_point(data: bytes) -> bool:
    """True when the bytes decode to a point, in the canonical encoding."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return False
    numerator = (y * y - 1) % _P
    if not numerator:
        return not sign
    # x^2 = numerator / denominator; a product is a square exactly when the quotient is.
    denominator = (_D * y * y + 1) % _P
    return pow(numerator * denominator, (_P - 1) // 2, _P) == 1
