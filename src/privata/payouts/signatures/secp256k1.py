"""Recovering the public key of an ECDSA signature on secp256k1 (SEC 1, section 4.1.6). Pure.

Only public values come in here, so that the arithmetic needs no constant time. What is recovered is
verified once more by OpenSSL before it is returned.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

#: The field, the order of the group, and its generator (SEC 2, section 2.4.1).
P: Final = 2**256 - 2**32 - 977
N: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

SIGNATURE_BYTES: Final = 65
DIGEST_BYTES: Final = 32

#: Ethereum and TRON add 27 to the recovery bit; some hardware wallets leave it out.
_BITS: Final = {0: 0, 1: 1, 27: 0, 28: 1}

#: An affine point; None is the one at infinity.
Point = tuple[int, int] | None


def recover(signature: bytes, digest: bytes) -> bytes | None:
    """The 64 bytes of the public key that signed `digest`; None if there is no such key.

    `signature` is r, s and v, 65 bytes. Of the two values of s for one signature only the lower one
    is taken (EIP-2), as every wallet makes it.
    """
    if len(signature) != SIGNATURE_BYTES or len(digest) != DIGEST_BYTES:
        return None
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    bit = _BITS.get(signature[64])
    if bit is None or not 0 < r < N or not 0 < s <= N // 2:
        return None
    # An x above the group's order would need another bit: it has a chance of 2^-128, and the
    # wallets' formats have no room for it.
    point = _lifted(r, odd=bool(bit))
    if point is None:
        return None
    inverse = pow(r, -1, N)
    z = int.from_bytes(digest)
    key = _add(_times(point, s * inverse % N), _times(G, -z * inverse % N))
    if key is None or not _verifies(key, r, s, digest):
        return None
    return key[0].to_bytes(32) + key[1].to_bytes(32)


def _lifted(x: int, *, odd: bool) -> Point:
    """The point of the curve y^2 = x^3 + 7 with this x and parity of y."""
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return (x, y if bool(y & 1) is odd else P - y)


def _add(first: Point, second: Point) -> Point:
    if first is None:
        return second
    if second is None:
        return first
    (x1, y1), (x2, y2) = first, second
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = 3 * x1 * x1 * pow(2 * y1, -1, P) % P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    x = (slope * slope - x1 - x2) % P
    return (x, (slope * (x1 - x) - y1) % P)


def _times(point: Point, factor: int) -> Point:
    found: Point = None
    while factor:
        if factor & 1:
            found = _add(found, point)
        point = _add(point, point)
        factor >>= 1
    return found


def _verifies(key: tuple[int, int], r: int, s: int, digest: bytes) -> bool:
    try:
        public = ec.EllipticCurvePublicNumbers(*key, ec.SECP256K1()).public_key()
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True
