"""Values that break what is behind a careless reader, and the places of a document to put them."""

from __future__ import annotations

import base64
import copy
import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")

#: `make fuzz` tries every value in every place. A usual run tries every value too, and every place,
#: but not each in each: what reads a place is shared with many others.
LONG_RUN = bool(os.environ.get("PRIVATA_FUZZ_EXAMPLES"))

#: Of the values for a place, a usual run tries this many.
_SHARE = 8

#: As they stand in a path, a query or a form, percent-encoded.
ENCODED: tuple[str, ...] = (
    "%00",
    "a%00b",
    "qt_%00",
    "%ED%A0%80",  # a lone surrogate, as UTF-8 cannot have it
    "%FF%FE",
    quote(str(2**31)),
    quote(str(2**63)),
    quote(str(-(2**63) - 1)),
    quote(str(2**64)),
    "9" * 400,
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "1_000",
    quote("\uff12\uff10"),  # digits that int() takes and a database does not
    quote("\u0661"),
    quote("0001-01-01T00:00:00+14:00"),  # before the first moment that UTC has
    quote("9999-12-31T23:59:59-14:00"),
    "9999-12-31",
    "0001-01-01",
    "::ffff:1.2.3.4/0",
    "%",
    "[]",
)

#: Longer than Python's limit of 4,300 digits for reading an integer.
LONG: str = "9" * 5000

#: Cursors that decode well, to something that is no place.
CURSORS: tuple[str, ...] = (
    base64.urlsafe_b64encode(b"99999999999999999:a\0b").decode(),
    base64.urlsafe_b64encode(b"99999999999999999:x").decode(),
    "99999999999999999-" + "f" * 32,
    "253402300800000000-" + "f" * 32,
    "2026-01-01T00:00:00+00:00~a%00b",
    "0001-01-01T00:00:00%2B14:00~x",
    "9999-12-31T23:59:59-14:00~x",
)

#: As they stand in a JSON body.
JSON: tuple[str, ...] = (
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "9" * 5000,
    "1e400",
    "-1e400",
    "0.1e-400",
    "NaN",
    "Infinity",
    "null",
    "true",
    "[]",
    "{}",
    '["\\u0000"]',
    '{"\\u0000": "\\u0000"}',
    f"[{2**63}]",
    "[" * 200 + "]" * 200,
    f'"{2**63}"',
    '"' + "9" * 1000 + '"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
)

#: Values of headers, as bytes: what a server lets through.
HEADERS: tuple[bytes, ...] = (
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"%00",
    b'"a\\000b"',
    b"9" * 5000,
    b"9223372036854775808",
    b"\t",
    b"\x7f",
)


class Dealer:
    """Gives each place its share of the values: the next ones, so that none is forgotten."""

    def __init__(self) -> None:
        self._given = 0

    def some(self, values: Sequence[T], count: int = _SHARE) -> Sequence[T]:
        """The next `count` of the values, beginning again at the end; all in the long run."""
        if LONG_RUN or count >= len(values):
            return values
        begin, self._given = self._given, self._given + count
        return [values[(begin + more) % len(values)] for more in range(count)]


#: Stands in a body for the value that is tried, until it is JSON.
_HERE = "\ue000here\ue000"


def fields_of(schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The path of each field of a JSON schema of an object, nested ones included."""
    schema = _resolved(schema, parts)
    for choice in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        for name, inner in _resolved(choice, parts).get("properties", {}).items():
            yield (name,)
            for deeper in fields_of(inner, parts):
                yield (name, *deeper)


def bodies(
    example: dict[str, Any], fields: list[tuple[str, ...]], dealer: Dealer
) -> Iterator[tuple[str, str, bytes]]:
    """`example` with hostile values in each field: field, value, and the body's bytes."""
    import json

    for path in fields:
        made = copy.deepcopy(example)
        place = made
        for name in path[:-1]:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[path[-1]] = _HERE
        text = json.dumps(made, ensure_ascii=False)
        for value in dealer.some(JSON):
            yield ".".join(path), value, text.replace(f'"{_HERE}"', value).encode()
    for value in dealer.some(JSON):
        yield "(a field's name)", value, f'{{"\\u0000{value[:1]}": {value}}}'.encode()
        yield "(the body)", value, value.encode()
    for raw in (b"\0", b"{\0}", b"\xff", b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b"", b"{"):
        yield "(the body)", repr(raw), raw


def _resolved(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = parts[str(schema["$ref"]).rpartition("/")[2]]
    return schema
