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
        raise _error(
            f"The destination tag must be a number from 0 to {MAX_TAG} without leading zeros"
        )
    if decoded.kind != "x-address":
        return given
    if decoded.carried is None:
        raise _error("This X-address has no destination tag: omit the tag")
    if decoded.carried != given:
        raise _error("The destination tag differs from the one in the X-address")
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
        raise _error("The memo is empty after its type: omit the memo")
    if size > MAX_STELLAR_TEXT:
        raise _error(
            f"A text memo must be at most {MAX_STELLAR_TEXT} bytes in UTF-8, not {size};"
            " a hash must have 64 hexadecimal digits"
        )
    return value


def _stellar_id(value: str) -> str:
    # By its digits first: a number of thousands of them must not be computed.
    long = len(value) > len(str(MAX_STELLAR_ID))
    if not _NUMBER.fullmatch(value) or long or int(value) > MAX_STELLAR_ID:
        raise _error(
            f"A memo id must be a number from 0 to {MAX_STELLAR_ID} without leading zeros; if the"
            " receiver needs a text memo of digits, prefix it with text:"
        )
    return value


def _stellar_hash(value: str) -> str:
    if not _HASH.fullmatch(value):
        raise _error("A memo of type hash or return must have 64 hexadecimal digits")
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
            raise _error("A muxed account includes its own id: omit the memo")
        return None
    plain = kind != "return" and ":" not in value and _stellar_type(value) == kind
    return value if plain else f"{kind}:{value}"


def _text(name: str, limit: int) -> Callable[[Decoded, str | None], str | None]:
    def rule(_: Decoded, given: str | None) -> str | None:
        if given is not None and len(given.encode()) > limit:
            raise _error(f"The {name} must be at most {limit} bytes in UTF-8")
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
