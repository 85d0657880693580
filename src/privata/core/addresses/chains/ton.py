"""TON: raw addresses and the user-friendly form (TEP-2).

Kinds: bounceable, non-bounceable, raw. The user-friendly form is 36 bytes in Base64 or Base64url:
flags, workchain, 32 bytes of account, CRC-16. It is kept as given, because the flag decides whether
a transfer to an account without contract comes back. The raw form (0:hex) has no checksum, so a
wrong character in it cannot be detected; its hex digits are lowered.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from privata.core.addresses.codec.crc16 import crc16
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, TESTNET, WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_ton

_CHARACTERS: Final = 48
_RAW: Final = re.compile(r"(?:0|-1):([0-9a-fA-F]{64})", re.ASCII)
_FRIENDLY: Final = re.compile(r"[A-Za-z0-9_-]+|[A-Za-z0-9+/]+", re.ASCII)
_KINDS: Final = {0x11: "bounceable", 0x51: "non-bounceable"}
_TESTNET_FLAG: Final = 0x80
_WORKCHAINS: Final = frozenset({b"\x00", b"\xff"})


def ton(address: str) -> Decoded:
    """A mainnet TON address of the basechain or the masterchain."""
    if ":" in address:
        return _raw(address)
    if len(address) != _CHARACTERS:
        raise AddressError(WRONG_LENGTH)
    if not _FRIENDLY.fullmatch(address):
        raise AddressError(
            "The address contains a character outside Base64 and Base64url, or mixes the two"
        )
    data = base64.b64decode(address.replace("-", "+").replace("_", "/"), validate=True)
    body, checksum = data[:-2], data[-2:]
    if crc16(body).to_bytes(2, "big") != checksum:
        raise AddressError(BAD_CHECKSUM)
    flags, workchain, account = body[0], body[1:2], body[2:]
    if flags & _TESTNET_FLAG:
        raise AddressError(TESTNET)
    if flags not in _KINDS or workchain not in _WORKCHAINS:
        raise AddressError("The address has unknown TON flags or an unknown workchain")
    refuse_zero(account)
    refuse_ton(account)
    return Decoded(address, _KINDS[flags])


def _raw(address: str) -> Decoded:
    match = _RAW.fullmatch(address)
    if match is None:
        raise AddressError("A raw TON address must be 0: or -1: and 64 hexadecimal digits")
    account = bytes.fromhex(match[1])
    refuse_zero(account)
    refuse_ton(account)
    return Decoded(address.lower(), "raw")
