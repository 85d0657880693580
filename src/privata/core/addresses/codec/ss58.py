"""SS58, the address format of Substrate chains (docs.substrate.io, "SS58 address format")."""

from __future__ import annotations

import hashlib
from typing import Final

from privata.core.addresses.codec import base58
from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError

_CONTEXT: Final = b"SS58PRE"
_ACCOUNT_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 2


def decode(text: str) -> tuple[int, bytes]:
    """Network prefix (0 to 16383) and the 32 bytes of the account id.

    Shorter ids exist in the standard (account indices); they name no account by themselves and are
    refused.
    """
    data = base58.decode(text)
    prefix_bytes = 2 if data and data[0] & 0x40 else 1
    if len(data) != prefix_bytes + _ACCOUNT_BYTES + _CHECKSUM_BYTES:
        raise AddressError(WRONG_LENGTH)
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.blake2b(_CONTEXT + body).digest()[:_CHECKSUM_BYTES] != checksum:
        raise AddressError(BAD_CHECKSUM)
    if data[0] & 0x80:
        raise AddressError("This address type is reserved and not in use yet")
    if prefix_bytes == 1:
        return data[0], body[1:]
    # The 14 bits of a long prefix lie scattered so that the first byte stays in 64..127.
    prefix = (data[0] & 0x3F) << 2 | data[1] >> 6 | (data[1] & 0x3F) << 8
    return prefix, body[2:]
