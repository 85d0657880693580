"""Identifiers in time order, and random tokens that nobody can guess.

Rows are named by UUIDs of version 7 (RFC 9562): the first 48 bits are the milliseconds of their
making, so new rows stand side by side in every index and an id tells its month. Such an id is no
secret: it opens nothing without a key, a session or a token, and those are random throughout.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from privata.core.clock import EPOCH, MILLISECOND, unix_ms

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: 32 random bytes written in base 62 never need more digits than this: ceil(256 / log2(62)).
TOKEN_DIGITS = 43

#: Version 7, and version 4 of the orders that are older than ids in time order.
ORDER_ID = re.compile(r"prv-[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_ORDER_PREFIX: Final = "prv-"

#: Versions of RFC 9562: in time order with random bits, and of our own making.
_IN_TIME_ORDER: Final = 7
_OWN: Final = 8

#: Bits below the milliseconds, and of what stands between version and variant.
_BELOW_TIME: Final = 80
_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62
_VARIANT: Final = 0b10

_MS_BITS: Final = 48


def base62_token() -> str:
    """32 random bytes in base 62, always `TOKEN_DIGITS` characters."""
    number = int.from_bytes(secrets.token_bytes(32))
    digits = []
    for _ in range(TOKEN_DIGITS):
        number, rest = divmod(number, 62)
        digits.append(BASE62[rest])
    return "".join(reversed(digits))


def new_id(at: datetime | None = None) -> UUID:
    """A UUIDv7 of the moment `at`; of now by this machine's clock without it.

    74 of its bits are random, so any number of processes can make them at the same moment.
    """
    if at is None:
        at = datetime.now(UTC)  # wall clock: only where rows stand; what depends on it hands it in
    return _laid_out(unix_ms(at), _IN_TIME_ORDER, secrets.randbits(_RANDOM_BITS))


def named_id(name: str, at: datetime) -> UUID:
    """The id of what `name` says and of the moment `at`: the same whenever it is asked for.

    A UUIDv8: the milliseconds where UUIDv7 has them, and 74 bits of the name's SHA-256.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return _laid_out(unix_ms(at), _OWN, int.from_bytes(digest) >> (256 - _RANDOM_BITS))


def made_at(ident: UUID) -> datetime | None:
    """When an id in time order was made, to the millisecond; None for one that does not tell."""
    if ident.version not in (_IN_TIME_ORDER, _OWN):
        return None
    return EPOCH + (ident.int >> _BELOW_TIME) * MILLISECOND


def _laid_out(ms: int, version: int, rest: int) -> UUID:
    high, low = rest >> _LOW_BITS, rest & ((1 << _LOW_BITS) - 1)
    ms &= (1 << _MS_BITS) - 1
    return UUID(int=(((ms << 4 | version) << 12 | high) << 2 | _VARIANT) << _LOW_BITS | low)


def new_order_id(at: datetime | None = None) -> str:
    """`prv-` and a lower-case UUIDv7 of the moment `at`, which is when the order is created."""
    return f"{_ORDER_PREFIX}{new_id(at)}"


def order_made_at(order_id: str) -> datetime | None:
    """When an order was created, by its id; None for an id of version 4, which does not tell."""
    ident = uuid_or_none(order_id.removeprefix(_ORDER_PREFIX))
    return None if ident is None else made_at(ident)


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
