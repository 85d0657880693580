"""The form of a key, what it may be given, and the state it is in: pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Final

from privata.apikeys.scopes import Scope
from privata.core.errors import ValidationFailed
from privata.core.ids import TOKEN_DIGITS, base62_token
from privata.core.tenancy import Environment

#: What is kept of a secret for display: its beginning and its end.
PREFIX_LENGTH = 16
LAST_SHOWN = 4

MAX_NAME: Final = 80
MAX_BLOCKS: Final = 50

_KEY = re.compile(rf"pk_(test|live)_[0-9A-Za-z]{{{TOKEN_DIGITS}}}")

#: An IPv4 address within IPv6 stands behind this many bits.
_MAPPED_BITS: Final = 96

#: Of a wrong block, so much is shown: the longest right one.
_SHOWN: Final = 43


class KeyState(StrEnum):
    """`rotating`: two secrets work. An expired or revoked key never works again."""

    ACTIVE = "active"
    ROTATING = "rotating"
    EXPIRED = "expired"
    REVOKED = "revoked"


def mint_key(environment: Environment) -> str:
    """`pk_test_` or `pk_live_` and 32 random bytes in base 62 (docs/authentication.md)."""
    return f"pk_{environment.value}_{base62_token()}"


def as_sent(header: str) -> str:
    """A secret as it was minted: what was pasted with it, spaces and tabs, is no part of any."""
    return header.strip(" \t")


def well_formed(key: str) -> bool:
    """Whether the text could be a key at all; saves the database the rest."""
    return _KEY.fullmatch(key) is not None


def expired(expires_on: date | None, now: datetime) -> bool:
    """A key is dead from 00:00 UTC of its expiry date."""
    return expires_on is not None and now.astimezone(UTC).date() >= expires_on


def ends_at(expires_on: date) -> datetime:
    """The moment from which a key with this expiry date is dead."""
    return datetime.combine(expires_on, time.min, UTC)


def state_of(
    *,
    revoked_at: datetime | None,
    expires_on: date | None,
    old_dead_at: datetime | None,
    now: datetime,
) -> KeyState:
    """The state of a key; `old_dead_at` is when the secret before the current one dies."""
    if revoked_at is not None:
        return KeyState.REVOKED
    if expired(expires_on, now):
        return KeyState.EXPIRED
    if old_dead_at is not None and old_dead_at > now:
        return KeyState.ROTATING
    return KeyState.ACTIVE


def checked_name(text: str) -> str:
    """The name of a key: 1 to 80 printable characters. `ValidationFailed` otherwise."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise _wrong("name", f"Enter a name of 1 to {MAX_NAME} characters.")
    return name


def checked_scopes(wanted: Iterable[str]) -> list[Scope]:
    """The scopes, each once, in the order of the table (docs/authentication.md).

    `ValidationFailed` for none, for an unknown one, and for `ramp:embed` beside another.
    """
    given = set(wanted)
    unknown = sorted(given.difference(Scope))
    if unknown:
        raise _wrong("scopes", f"Unknown scope {unknown[0]}. Use {', '.join(Scope)}.")
    if not given:
        raise _wrong("scopes", "Choose at least one scope.")
    if Scope.RAMP_EMBED in given and len(given) > 1:
        raise _wrong(
            "scopes",
            "ramp:embed creates a publishable key and cannot be combined with other scopes.",
        )
    return [scope for scope in Scope if scope in given]


def checked_change_of_scopes(old: Sequence[str], new: Sequence[Scope]) -> None:
    """Refuse to make a publishable key secret or the other way round: `ValidationFailed`.

    A publishable key stands in web pages; given more scopes, everybody would have them.
    """
    if (Scope.RAMP_EMBED in old) != (Scope.RAMP_EMBED in new):
        raise _wrong(
            "scopes",
            "You cannot change a key between publishable and secret. Create another key.",
        )


def checked_expiry(expires_on: date | None, now: datetime) -> date | None:
    """The expiry date, later than today in UTC; None: never. `ValidationFailed` otherwise."""
    if expired(expires_on, now):
        raise _wrong("expires_on", "Choose a date after today (UTC).")
    return expires_on


def split_blocks(text: str) -> list[str]:
    """The blocks of a text that has them in lines, or apart by commas or spaces."""
    return [block for block in re.split(r"[\s,;]+", text) if block]


def checked_blocks(blocks: Iterable[str]) -> list[str]:
    """CIDR blocks in their usual form, each once, in the order given; none allow any address.

    A single address is a block of itself (`/32`, `/128`), and IPv4 within IPv6 is IPv4. A block
    whose address is not its first is refused rather than widened: `203.0.113.7/24` may be meant as
    one address. `ValidationFailed` names every wrong block; at most 50 are taken.
    """
    kept: dict[str, None] = {}
    wrong: list[str] = []
    for block in blocks:
        try:
            kept[str(_network(block.strip()))] = None
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise _wrong("allowed_cidrs", "Invalid IP range format: " + "; ".join(wrong) + ".")
    if len(kept) > MAX_BLOCKS:
        raise _wrong("allowed_cidrs", f"A key can have at most {MAX_BLOCKS} IP ranges.")
    return list(kept)


def _network(block: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The block; a ValueError says in words what is wrong with it."""
    shown = block[:_SHOWN] or "empty value"
    address, slash, bits = block.partition("/")
    if "%" in address or (slash and not (bits.isascii() and bits.isdigit())):
        raise ValueError(shown)
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise ValueError(shown) from None
    if network.network_address != ipaddress.ip_address(address):
        raise ValueError(f"{shown} is not the start of a range; use {network} or {address}")
    mapped = (
        network.network_address.ipv4_mapped
        if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED_BITS
        else None
    )
    if mapped is not None:
        return ipaddress.ip_network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def _wrong(field: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(sentence, fields=[(field, sentence)])
