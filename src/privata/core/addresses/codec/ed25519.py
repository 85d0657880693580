"""Whether 32 bytes are a point of edwards25519 (RFC 8032 section 5.1.3)."""

from __future__ import annotations

from Crypto.Signature.eddsa import import_public_key


def is_point(data: bytes) -> bool:
    """True when the 32 bytes decode to a point, in the canonical encoding."""
    try:
        import_public_key(data)
    except ValueError:
        return False
    return True
