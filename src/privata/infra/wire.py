"""Reading requests and writing answers of the HTTP API, the same way on every route.

Bodies and queries are read by pydantic models with `extra="forbid"`, so that a misspelt field is
named instead of ignored; every failure becomes one `ValidationFailed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
)
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from privata.core.errors import ValidationFailed
from privata.infra.storable import in_utc, nul_in_json, nul_in_text, shown_name

#: No request of ours is anywhere near as large.
MAX_BODY_BYTES = 64 * 1024


class Wire(BaseModel):
    """Base of every request shape."""

    model_config = ConfigDict(extra="forbid", strict=False, str_max_length=1024)


M = TypeVar("M", bound=BaseModel)


def _a_text(value: object) -> object:
    # pydantic would take a number too, as unix seconds or milliseconds: which is a guess.
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        raise ValueError("must be a time with its offset, such as 2026-05-21T10:14:01Z")
    return value


_NUMBER = re.compile(r"\s*[-+]?[0-9_.]+([eE][-+]?[0-9]+)?\s*")

#: A moment in a request: RFC 3339 with an offset, as text. It arrives in UTC.
Instant = Annotated[AwareDatetime, BeforeValidator(_a_text), AfterValidator(in_utc)]


class JsonBytes(Response):
    """An answer that is encoded already."""

    media_type = "application/json"


def json_response(
    content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> JsonBytes:
    """Encode with msgspec; decimals must be strings by now."""
    return JsonBytes(msgspec.json.encode(content), status_code, dict(headers or {}))


async def read_body(request: Request) -> bytes:
    """The raw body, bounded; `ValidationFailed` if it is not JSON by name or is too large."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        given = content_type or "none"
        raise ValidationFailed(
            "The body must be sent as application/json.",
            fields=[("Content-Type", f"must be application/json, not {given[:64]}")],
        )
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise ValidationFailed(
                    "The body is too large.", fields=[("body", f"is over {MAX_BODY_BYTES} bytes")]
                )
            chunks.append(chunk)
    except ClientDisconnect:
        raise ValidationFailed("The body ended early.") from None
    return b"".join(chunks)


def parse_body(model: type[M], body: bytes) -> M:
    """Check a JSON body against `model`; `ValidationFailed` names each wrong field."""
    try:
        found = model.model_validate_json(body)
    except ValidationError as error:
        raise _failed("The body is not what this route takes.", error) from None
    _refuse("The body is not what this route takes.", nul_in_json(body))
    return found


def parse_query(model: type[M], request: Request) -> M:
    """Check the query against `model`; a parameter given twice is an error."""
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        _refuse("The query is not what this route takes.", nul_in_text(name, value))
        if name in values:
            raise ValidationFailed(
                "A parameter is given twice.", fields=[(name[:64], "is given twice")]
            )
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _failed("The query is not what this route takes.", error) from None


def _refuse(message: str, fields: list[tuple[str, str]]) -> None:
    if fields:
        raise ValidationFailed(message, fields=fields[:20])


def _failed(message: str, error: ValidationError) -> ValidationFailed:
    fields = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"]) or "body"
        fields.append((shown_name(name)[:128], problem["msg"].removeprefix("Value error, ")))
    return ValidationFailed(message, fields=fields[:20])
