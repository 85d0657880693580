"""Recovering the public key of an ECDSA signature on secp256k1, by libsecp256k1 (coincurve).

What is taken is narrower than what the library takes: one form of each signature, as wallets make
it. Nothing that somebody sends raises.
"""

from __future__ import annotations

from typing import Final

from coincurve import PublicKey

#: The order of the group (SEC 2, section 2.4.1).
N: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

SIGNATURE_BYTES: Final = 65
DIGEST_BYTES: Final = 32

#: Ethereum and TRON add 27 to the recovery bit; some hardware wallets leave it out. The bits 2 and
#: 3 (an x above the group's order) have a chance of 2^-128, and wallets' formats no room for them.
_BITS: Final = {0: 0, 1: 1, 27: 0, 28: 1}


def recover(signature: bytes, digest: bytes) -> bytes | None:
    """The 64 bytes of the public key that signed `digest`; None if there is no such key.

    `signature` is r, s and v, 65 bytes. Of the two values of s for one signature only the lower one
    is taken (EIP-2), as every wallet makes it: the library takes both.
    """
    if len(signature) != SIGNATURE_BYTES or len(digest) != DIGEST_BYTES:
        return None
    bit = _BITS.get(signature[64])
    if bit is None or int.from_bytes(signature[32:64]) > N // 2:
        return None
    compact = signature[:64] + bytes([bit])
    try:
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
        return key.format(compressed=False)[1:]
    # Whatever a library thinks of a stranger's bytes, it is no signature.
    except Exception:
        return None
