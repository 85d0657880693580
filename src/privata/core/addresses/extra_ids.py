"""Destination tags, memos and comments: what a network accepts beside an address."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from privata.core.addresses.decoded import Decoded
from privata.core.addresses.errors import AddressError

_NUMBER: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)

MAX_TAG: Final = 2**32 - 1
MAX_STELLAR_TEXT: Final = 28
MAX_TON_COMMENT: Final = 123
"""Bytes: one cell holds 127, four of them mark the body as a comment."""

MAX_ATOM_MEMO: Final = 256
"""Characters: the Cosmos Hub's `MaxMemoCharacters`."""


@dataclass(frozen=True, slots=True)
class ExtraId:
    """A network's extra id: its name on forms, and the rule that gives the one to send."""

    name: str
    rule: Callable[[Decoded, str | None], str | None]


def _error(message: str) -> AddressError:
    return AddressError(message, field="extra_id")


def _destination_tag(decoded: Decoded, given: str | None) -> str | None:
    """A number of 32 bits, in decimal without leading zeros; X-addresses carry their own."""
    if given is None:
        return decoded.carried
    if not _NUMBER.fullmatch(given) or len(given) > len(str(MAX_TAG)) or int(given) > MAX_TAG:
        raise _error(f"A destination tag is a number from 0 to {MAX_TAG}, without leading zeros")
    if decoded.kind != "x-address":
        return given
    if decoded.carried is None:
        raise _error("This X-address says that no destination tag is to be used: leave it out")
    if decoded.carried != given:
        raise _error("The destination tag is not the one that this X-address carries")
    return given


def _stellar_memo(decoded: Decoded, given: str | None) -> str | None:
    """Text of up to 28 bytes, or an id: a number of 64 bits.

    The two are one field, as with every provider: digits only may be sent as an id or as text.
    Leading zeros are refused, because an id would lose them. A muxed account carries its id: the
    same id may be repeated beside it but is not sent again, and no other memo may go with it.
    """
    if given is None:
        return None
    if decoded.carried is not None:
        if given != decoded.carried:
            raise _error("A muxed account carries its own id: leave the memo out")
        return None
    if len(given) > MAX_STELLAR_TEXT:
        raise _error(f"A memo is at most {MAX_STELLAR_TEXT} characters long")
    if _DIGITS.fullmatch(given) and not _NUMBER.fullmatch(given):
        raise _error("A memo id has no leading zeros: give the number as the receiver shows it")
    return given


def _text(name: str, limit: int) -> Callable[[Decoded, str | None], str | None]:
    def rule(_: Decoded, given: str | None) -> str | None:
        if given is not None and len(given) > limit:
            raise _error(f"A {name} is at most {limit} characters long")
        return given

    return rule


DESTINATION_TAG: Final = ExtraId("destination tag", _destination_tag)
STELLAR_MEMO: Final = ExtraId("memo", _stellar_memo)
TON_COMMENT: Final = ExtraId("comment", _text("comment", MAX_TON_COMMENT))
ATOM_MEMO: Final = ExtraId("memo", _text("memo", MAX_ATOM_MEMO))
