"""Ethereum and every network with its accounts: 20 bytes in hexadecimal, checksum by ERC-55.

Kind: account (a contract looks the same). All lower case and all upper case carry no checksum and
are accepted; there a wrong character cannot be detected. Mixed case must match, which finds a wrong
character with a chance of about 99.986 %. The canonical form is the one with the checksum.
"""

from __future__ import annotations

import re
from typing import Final

from privata.core.addresses.codec.keccak import keccak256
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_account

_DIGITS: Final = 40
_HEX: Final = re.compile(r"[0-9a-fA-F]*", re.ASCII)


def evm(address: str) -> Decoded:
    """An account of an EVM network."""
    if not address.startswith("0x"):
        raise AddressError("The address must start with 0x")
    digits = address[2:]
    if not _HEX.fullmatch(digits):
        raise AddressError("The address contains a character other than 0 to 9 and a to f after 0x")
    if len(digits) != _DIGITS:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(bytes.fromhex(digits))
    canonical = checksummed(digits)
    if digits not in (canonical, digits.lower(), digits.upper()):
        raise AddressError(
            "The checksum does not match: a character is wrong or missing, "
            "or the letter case was changed"
        )
    refuse_account(bytes.fromhex(digits))
    return Decoded(f"0x{canonical}", "account")


def checksummed(digits: str) -> str:
    """The 40 digits in the case that ERC-55 gives them."""
    lower = digits.lower()
    nibbles = keccak256(lower.encode("ascii")).hex()
    return "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit
        for digit, nibble in zip(lower, nibbles, strict=False)
    )
