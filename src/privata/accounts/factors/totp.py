"""Codes of authenticator apps: TOTP of RFC 6238 with SHA-1, 6 digits, 30 seconds. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP_S: Final = 30
DIGITS: Final = 6

#: Steps before and after the present one that are accepted, for clocks that are a little off.
TOLERANCE: Final = 1

ISSUER: Final = "Privata"


def new_secret() -> str:
    """160 random bits in base 32, as apps take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def grouped(secret: str) -> str:
    """In groups of four, for those who type it."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def uri(secret: str, email: str) -> str:
    """What the QR code says."""
    query = urlencode({"secret": secret, "issuer": ISSUER}, quote_via=quote)
    return f"otpauth://totp/{quote(ISSUER)}:{quote(email)}?{query}"


def code_at(secret: str, counter: int) -> str:
    """The code of one step (RFC 4226, 5.3)."""
    key = base64.b32decode(secret)
    mac = hmac.digest(key, counter.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_counter(secret: str, typed: str, now: datetime, *, after: int = -1) -> int | None:
    """The step whose code `typed` is, within the tolerance; None if it is none.

    Steps up to `after` were used already: a code works once (RFC 6238, 5.2).
    """
    present = int(now.timestamp()) // STEP_S
    found = None
    for counter in range(present - TOLERANCE, present + TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, counter).encode(), typed.encode()):
            found = counter
    return found if found is not None and found > after else None
