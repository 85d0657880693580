"""Secrets at rest: AES-256-GCM under keys derived from PRIVATA_SECRET_KEYS.

The first key seals, every key opens, so that a key can be replaced without downtime. Each value is
bound to a context (such as `webhook_secret:<id>`): a sealed value copied into another row does not
open there. Form: one version byte, 4 bytes that name the key, 12 bytes nonce, ciphertext with tag.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privata.core.errors import PrivataError

VERSION = b"\x01"
_NONCE_BYTES = 12

#: Bytes that name a secret key at the front of what it sealed, behind the version.
NAME_BYTES = 4


class UnsealError(PrivataError):
    """A sealed value does not open: wrong key, wrong context, or changed bytes."""


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose out of a secret key (HKDF-SHA256, RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"privata:{purpose}".encode()).derive(key)


@dataclass(frozen=True, slots=True)
class KeyMark:
    """How a secret key is recognized: neither part leads back to the key.

    `name` stands in front of what the key sealed, and is what people are shown; `fingerprint` is
    derived for this purpose alone, and long enough that no two keys share one.
    """

    name: bytes
    fingerprint: bytes

    @property
    def shown(self) -> str:
        """Eight hex digits."""
        return self.name.hex()


class Sealer:
    """Seals, opens and digests under the installation's secret keys."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys:
            raise ValueError("a sealer needs at least one key")
        boxes = [derive(key, "sealing") for key in keys]
        self._boxes = {_key_id(box): AESGCM(box) for box in boxes}
        self._first = _key_id(boxes[0])
        self._digest_keys = [derive(key, "digest") for key in keys]
        #: The keys in their order: the first one seals and digests.
        self.marks = tuple(
            KeyMark(_key_id(box), derive(key, "fingerprint"))
            for key, box in zip(keys, boxes, strict=True)
        )

    def seal(self, secret: bytes, context: str) -> bytes:
        """Encrypt `secret`; only `unseal` with the same context opens it."""
        nonce = os.urandom(_NONCE_BYTES)
        box = self._boxes[self._first]
        return VERSION + self._first + nonce + box.encrypt(nonce, secret, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; `UnsealError` if key, context or bytes do not fit."""
        key_id = sealed[1 : 1 + NAME_BYTES]
        box = self._boxes.get(key_id)
        if sealed[:1] != VERSION or box is None:
            raise UnsealError(f"no secret key opens this value of {context}")
        rest = sealed[1 + NAME_BYTES :]
        try:
            return box.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode())
        except InvalidTag:
            raise UnsealError(f"the sealed value of {context} has been changed") from None

    def digest(self, text: str) -> bytes:
        """HMAC-SHA256 under the first key: what is stored of a token that is only compared."""
        return hmac.digest(self._digest_keys[0], text.encode(), hashlib.sha256)

    def digests(self, text: str) -> list[bytes]:
        """`digest` under every key, newest first: what a token is looked up by."""
        return [hmac.digest(key, text.encode(), hashlib.sha256) for key in self._digest_keys]


def _key_id(box: bytes) -> bytes:
    return hashlib.sha256(box).digest()[:NAME_BYTES]
