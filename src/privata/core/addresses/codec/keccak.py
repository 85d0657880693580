"""Keccak-256 with the padding of the original submission, as Ethereum and Monero use it.

This is not SHA3-256 of FIPS 202, which pads differently.
"""

from __future__ import annotations

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """The 32-byte digest."""
    return keccak.new(digest_bits=256, data=data).digest()
