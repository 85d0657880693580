"""Reading requests and writing answers of the HTTP API, the same way on every route.

Bodies and queries are read by pydantic models with `extra="forbid"`, so that a misspelt field is
named instead of ignored; every failure becomes one `ValidationFailed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from privata.core.cursors import Cursor, parse_cursor, parse_uuid_cursor
from privata.core.errors import ValidationFailed
from privata.core.instants import read_instant
from privata.infra.http.json_bodies import check_json, unshown

#: No request of ours is anywhere near as large.
MAX_BODY_BYTES = 64 * 1024

#: No cursor of ours is as long.
MAX_CURSOR_CHARS = 128


class Wire(BaseModel):
    """Base of every request shape."""

    model_config = ConfigDict(extra="forbid", strict=False, str_max_length=1024)

    #: Parameters of a query that hold several values, between commas or by standing several times:
    #: clients that are made from the document write lists in the one way or the other.
    lists: ClassVar[frozenset[str]] = frozenset()


M = TypeVar("M", bound=Wire)

#: A decimal string as it leaves the API: no sign, no exponent.
AmountText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$")]


def _moment(value: object) -> object:
    # pydantic would take a number too, as unix seconds or milliseconds: which is a guess.
    return read_instant(value if isinstance(value, str) else "")


#: A moment in a request: RFC 3339 with an offset, as text.
Instant = Annotated[AwareDatetime, BeforeValidator(_moment)]


def _read_by(parse: Callable[[str], Cursor | None]) -> PlainValidator:
    def read(value: object) -> Cursor:
        found = parse(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError("is not a next_cursor from this route")
        return found

    return PlainValidator(read)


_CURSOR_SCHEMA = WithJsonSchema({"type": "string", "maxLength": MAX_CURSOR_CHARS})

#: A place in a list, as the route gave it out; of a list whose ids are UUIDs, the second.
NextCursor = Annotated[Cursor, _read_by(parse_cursor), _CURSOR_SCHEMA]
NextUuidCursor = Annotated[Cursor, _read_by(parse_uuid_cursor), _CURSOR_SCHEMA]


def misfit(field: str, sentence: str) -> PydanticCustomError:
    """What a validator of a whole model raises about one of its fields, so that it is named."""
    return PydanticCustomError("misfit", "{sentence}", {"field": field, "sentence": sentence})


class JsonBytes(Response):
    """An answer that is encoded already."""

    media_type = "application/json"

    def __init__(
        self, content: bytes, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        # What is answered depends on the key, and on the moment: no cache may give it again.
        super().__init__(content, status_code, {"Cache-Control": "no-store", **(headers or {})})


def json_response(
    content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> JsonBytes:
    """Encode with msgspec; decimals must be strings by now."""
    return JsonBytes(msgspec.json.encode(content), status_code, headers)


async def read_body(request: Request) -> bytes:
    """The raw body, bounded; `ValidationFailed` if it is none, not JSON by name, or too large."""
    _check_kind(request)
    body = await _received(request)
    if not body:
        sentence = "is empty; send a JSON object"
        raise ValidationFailed(f"The request body {sentence}.", fields=[("body", sentence)])
    return body


async def read_optional_body(request: Request) -> bytes:
    """The body of a route that can do without one: nothing at all stands for `{}`.

    Whether something comes is known when it has come: HTTP libraries name a type, send a length of
    0, or end a chunked body at once where there is no body.
    """
    body = await _received(request)
    if not body:
        return b"{}"
    _check_kind(request)
    return body


def _check_kind(request: Request) -> None:
    """`ValidationFailed` unless the headers announce plain JSON in UTF-8."""
    kind, _, more = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json":
        given = kind.strip() or "none"
        raise ValidationFailed(
            "The request body must be application/json.",
            fields=[("Content-Type", f"must be application/json, not {given[:64]}")],
        )
    for parameter in more.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"')
        if name.strip() == "charset" and charset not in ("utf-8", "utf8"):
            raise ValidationFailed(
                "The request body must be UTF-8.",
                fields=[("Content-Type", f"must be UTF-8, not {charset[:64]}")],
            )
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise ValidationFailed(
            "Compressed request bodies are not supported.",
            fields=[("Content-Encoding", f"{coding[:64]} is not supported; remove this header")],
        )


async def _received(request: Request) -> bytes:
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise ValidationFailed(
                    "The request body is too large.",
                    fields=[("body", f"must be at most {MAX_BODY_BYTES} bytes")],
                )
            chunks.append(chunk)
    except ClientDisconnect:
        raise ValidationFailed("The request body is incomplete.") from None
    return b"".join(chunks)


def parse_body(model: type[M], body: bytes) -> M:
    """Check a JSON body against `model`; `ValidationFailed` names each wrong field.

    A field that is given twice, at any depth, is wrong.
    """
    check_json(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # Numbers as text: one may be longer than Python reads as a number.
        given = json.loads(body, parse_int=str, parse_float=str)
        raise _failed("The request body is invalid.", error, given) from None


def parse_query(model: type[M], request: Request) -> M:
    """Check the query against `model`; a parameter given twice is an error, unless it is a list."""
    values: dict[str, str] = {}
    for name, given in request.query_params.multi_items():
        again = name in values and name in model.lists
        value = f"{values.pop(name)},{given}" if again else given
        wrong = "is given twice" if name in values else unshown(name + value)
        if wrong is not None:
            shown = name if name.isprintable() else ascii(name)[1:-1]
            raise ValidationFailed("The query string is invalid.", fields=[(shown[:64], wrong)])
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _failed("The query string is invalid.", error, values) from None


def _failed(message: str, error: ValidationError, given: Any) -> ValidationFailed:
    fields = []
    for problem in error.errors(include_url=False, include_input=False):
        place = _place(problem["loc"], given)
        if problem["type"] == "misfit":
            place.append(problem["ctx"]["field"])
        name = ".".join(place) or "body"
        fields.append((name[:128], problem["msg"].removeprefix("Value error, ")))
    return ValidationFailed(message, fields=fields[:20])


def _place(steps: Sequence[int | str], given: Any) -> list[str]:
    """The way to what is wrong, without the names of types that pydantic adds to it."""
    place = []
    for step in steps:
        if isinstance(given, dict):
            given = given.get(step)
        elif isinstance(given, list) and isinstance(step, int) and step < len(given):
            given = given[step]
        else:
            break
        place.append(str(step))
    return place
