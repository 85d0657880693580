"""The form of a key, and whether it may be used: pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import date, datetime

from privata.core.ids import TOKEN_DIGITS, base62_token
from privata.core.tenancy import Environment

#: What is kept of a secret for display: its beginning and its end.
PREFIX_LENGTH = 16
LAST_SHOWN = 4

_KEY = re.compile(rf"pk_(test|live)_[0-9A-Za-z]{{{TOKEN_DIGITS}}}")


def mint_key(environment: Environment) -> str:
    """`pk_test_` or `pk_live_` and 32 random bytes in base 62 (SPEC 5)."""
    return f"pk_{environment.value}_{base62_token()}"


def well_formed(key: str) -> bool:
    """Whether the text could be a key at all; saves the database the rest."""
    return _KEY.fullmatch(key) is not None


def ip_allowed(ip: str | None, cidrs: Sequence[str]) -> bool:
    """Whether `ip` lies in one of the blocks; no blocks allow any address.

    An IPv4 address that arrives in its IPv6-mapped form is judged as IPv4.
    """
    if not cidrs:
        return True
    if ip is None:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(block) for block in cidrs)


def expired(expires_on: date | None, now: datetime) -> bool:
    """A key is dead from 00:00 UTC of its expiry date."""
    return expires_on is not None and now.date() >= expires_on
