"""Identifiers and random tokens, each from the operating system's random source."""

from __future__ import annotations

import re
import secrets
import uuid
from uuid import UUID

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: 32 random bytes written in base 62 never need more digits than this: ceil(256 / log2(62)).
TOKEN_DIGITS = 43

ORDER_ID = re.compile(r"prv-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def base62_token() -> str:
    """32 random bytes in base 62, always `TOKEN_DIGITS` characters."""
    number = int.from_bytes(secrets.token_bytes(32))
    digits = []
    for _ in range(TOKEN_DIGITS):
        number, rest = divmod(number, 62)
        digits.append(BASE62[rest])
    return "".join(reversed(digits))


def new_order_id() -> str:
    """`prv-` and a lower-case UUIDv4."""
    return f"prv-{uuid.uuid4()}"


def new_quote_id() -> str:
    """`qt_` and 128 random bits in hexadecimal."""
    return f"qt_{secrets.token_hex(16)}"


def new_request_id() -> str:
    """`req_` and 96 random bits in hexadecimal; travels in `X-Request-Id` and the logs."""
    return f"req_{secrets.token_hex(12)}"


def uuid_or_none(text: str) -> UUID | None:
    """The UUID that a person pasted, in any of its forms; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None
