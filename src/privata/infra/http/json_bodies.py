"""JSON of requests, read strictly: what could be understood in two ways is refused and named.

Parsers differ about an object with the same key twice (the first, the last, both), so a check may
see one value and the one who pays another. RFC 8259 leaves it open, RFC 8785 forbids it. The same
reading gives the canonical form by which two bodies are compared.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from privata.core.errors import ValidationFailed

#: Nothing of ours is nested nearly as deep.
MAX_DEPTH: Final = 32

#: No field of ours takes control characters (Unicode's Cc), and halves of a surrogate pair are no
#: text at all.
_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_NUMBER: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?", re.ASCII)

#: Longer exponents are no number that anybody means, and are compared as they are written.
_EXPONENT_DIGITS: Final = 18


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: with every key, in its order."""


class _Number(str):
    """A number as it was written: nothing of it is lost, however long it is."""

    __slots__ = ()


def check_json(body: bytes) -> None:
    """Refuse what is not JSON in UTF-8, and what is ambiguous in it.

    `ValidationFailed` names the field: one that is given twice, at any depth, or whose text has
    characters that are none. Whether the fields are the right ones is for the model to say.
    """
    problems: list[tuple[str, str]] = []
    _judge(_read(body), (), problems)
    if problems:
        raise ValidationFailed("The request body is invalid.", fields=problems[:20])


def canonical(body: bytes) -> bytes:
    """The same bytes for all spellings of a value: order of keys, spaces, escapes, numbers.

    After RFC 8785, but with numbers exact instead of as doubles: 2^53 and 2^53 + 1 are two amounts.
    Takes what `check_json` let pass, and nothing at all.
    """
    return _spelt(_read(body)).encode() if body else b""


def unshown(text: str) -> str | None:
    """What is wrong with a text of a request; None for a text."""
    found = _NO_TEXT.search(text)
    if found is None:
        return None
    return f"contains an invalid character (U+{ord(found[0]):04X}); remove it"


def _read(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_json(f"is not valid UTF-8: invalid byte at {error.start}") from None
    try:
        # Raw control characters are let through here, so that their field can be named.
        return json.loads(
            text,
            strict=False,
            object_pairs_hook=_Pairs,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        where = f"line {error.lineno}, column {error.colno}"
        raise _no_json(f"is not valid JSON: {reason} at {where}") from None
    except RecursionError:
        raise _too_deep() from None


def _no_constant(name: str) -> None:
    raise _no_json(f"is not valid JSON: {name} is not a number")


def _judge(value: Any, path: tuple[str, ...], problems: list[tuple[str, str]]) -> None:
    if len(path) > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, _Pairs):
        given = set()
        for name, inner in value:
            place = (*path, name)
            if name in given:
                problems.append((_named(place), "is given twice"))
            given.add(name)
            _text(name, place, problems)
            _judge(inner, place, problems)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _judge(inner, (*path, str(number)), problems)
    elif isinstance(value, str):
        _text(value, path, problems)


def _text(text: str, place: tuple[str, ...], problems: list[tuple[str, str]]) -> None:
    wrong = unshown(text)
    if wrong is not None:
        problems.append((_named(place), wrong))


def _named(place: tuple[str, ...]) -> str:
    # A name can hold what cannot be shown, and it is shown in the answer.
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", ".".join(place) or "body")[:128]


def _spelt(value: Any) -> str:
    if isinstance(value, _Pairs):
        inner = (f"{json.dumps(name)}:{_spelt(one)}" for name, one in sorted(value, key=_key))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_spelt, value)) + "]"
    return _digits(value) if isinstance(value, _Number) else json.dumps(value)


def _key(pair: tuple[str, Any]) -> str:
    return pair[0]


def _digits(text: str) -> str:
    """A number as its digits without zeros at the ends, and the power of ten they stand at."""
    found = _NUMBER.fullmatch(text)
    assert found is not None  # the parser read it as a number
    sign, whole, fraction, exponent = found[1], found[2], found[3] or "", found[4] or "0"
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0"
    if len(exponent) > _EXPONENT_DIGITS:
        return str(text)
    power = int(exponent) - len(fraction) + len(digits) - len(digits.rstrip("0"))
    return f"{sign}{digits.rstrip('0')}e{power}"


def _no_json(sentence: str) -> ValidationFailed:
    return ValidationFailed(f"The request body {sentence}.", fields=[("body", sentence)])


def _too_deep() -> ValidationFailed:
    return _no_json(f"is nested deeper than {MAX_DEPTH} levels")
