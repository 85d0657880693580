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
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)

MAX_TAG: Final = 2**32 - 1
MAX_STELLAR_ID: Final = 2**64 - 1
MAX_STELLAR_TEXT: Final = 28
"""Bytes of UTF-8, as all limits of free text here."""

MAX_TON_COMMENT: Final = 123
"""One cell holds 127 bytes, four of them mark the body as a comment."""

MAX_ATOM_MEMO: Final = 256
"""The Cosmos Hub's `MaxMemoCharacters`, which its nodes count in bytes."""


@dataclass(frozen=True, slots=True)
class ExtraId:
    """A network's extra id: its name on forms, and the rule that gives the one to send.

    `kind` names the type of one that passed the rule. `ascii_only`: it is no free text.
    """

    name: str
    rule: Callable[[Decoded, str | None], str | None]
    kind: Callable[[str], str]
    ascii_only: bool = False


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


def stellar_memo(memo: str) -> tuple[str, str]:
    """Type (`text`, `id`, `hash`, `return`) and value of a Stellar memo, as it is to be sent.

    Stellar has four types of memo and here is one field, so the text itself says which it is: a
    number is an id, 64 hexadecimal digits are a hash, everything else is text. `text:`, `id:`,
    `hash:` and `return:` in front say it outright: for a text that looks like a number, or for the
    hash of a returned payment. `AddressError` for what no type holds.
    """
    kind, colon, value = memo.partition(":")
    if not colon or kind not in _STELLAR_TYPES:
        kind, value = _stellar_type(memo), memo
    return kind, _STELLAR_TYPES[kind](value)


def _stellar_type(memo: str) -> str:
    if _DIGITS.fullmatch(memo) and not _HASH.fullmatch(memo):
        return "id"
    return "hash" if _HASH.fullmatch(memo) else "text"


def _stellar_text(value: str) -> str:
    size = len(value.encode())
    if not value:
        raise _error("The memo is empty after its type: leave it out")
    if size > MAX_STELLAR_TEXT:
        raise _error(
            f"A text memo has at most {MAX_STELLAR_TEXT} bytes in UTF-8, and this one has {size};"
            " a hash has 64 hexadecimal digits"
        )
    return value


def _stellar_id(value: str) -> str:
    # By its digits first: a number of thousands of them must not be computed.
    long = len(value) > len(str(MAX_STELLAR_ID))
    if not _NUMBER.fullmatch(value) or long or int(value) > MAX_STELLAR_ID:
        raise _error(
            f"A memo id is a number from 0 to {MAX_STELLAR_ID}, without leading zeros; if the"
            " receiver asks for a text of digits, write text: before it"
        )
    return value


def _stellar_hash(value: str) -> str:
    if not _HASH.fullmatch(value):
        raise _error("A memo of the types hash and return has 64 hexadecimal digits")
    return value.lower()


_STELLAR_TYPES: Final[dict[str, Callable[[str], str]]] = {
    "text": _stellar_text,
    "id": _stellar_id,
    "hash": _stellar_hash,
    "return": _stellar_hash,
}


def _stellar_rule(decoded: Decoded, given: str | None) -> str | None:
    """The memo in its shortest form that still says its type: see `stellar_memo`.

    A muxed account carries its id: the same id may be repeated beside it but is not sent again, and
    no other memo may go with it.
    """
    if given is None:
        return None
    kind, value = stellar_memo(given)
    if decoded.carried is not None:
        if (kind, value) != ("id", decoded.carried):
            raise _error("A muxed account carries its own id: leave the memo out")
        return None
    plain = kind != "return" and ":" not in value and _stellar_type(value) == kind
    return value if plain else f"{kind}:{value}"


def _text(name: str, limit: int) -> Callable[[Decoded, str | None], str | None]:
    def rule(_: Decoded, given: str | None) -> str | None:
        if given is not None and len(given.encode()) > limit:
            raise _error(f"A {name} is at most {limit} bytes long in UTF-8")
        return given

    return rule


def _always(kind: str) -> Callable[[str], str]:
    return lambda _: kind


DESTINATION_TAG: Final = ExtraId(
    "destination tag", _destination_tag, _always("tag"), ascii_only=True
)
STELLAR_MEMO: Final = ExtraId("memo", _stellar_rule, lambda memo: stellar_memo(memo)[0])
TON_COMMENT: Final = ExtraId("comment", _text("comment", MAX_TON_COMMENT), _always("comment"))
ATOM_MEMO: Final = ExtraId("memo", _text("memo", MAX_ATOM_MEMO), _always("memo"))
