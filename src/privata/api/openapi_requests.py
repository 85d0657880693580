"""What an operation reads and refuses, in the words of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from privata.core.errors import (
    PrivataError,
    RequestError,
    UrlRefused,
    ValidationFailed,
)
from privata.infra.http.once import IDEMPOTENCY_HEADER
from privata.infra.http.operations import Operation

#: Bodies refer to the document's common schemas.
REFERENCE: Final = "#/components/schemas/{model}"

#: Where `errors` leaves the codes of a status for the one who puts the document together.
CODES: Final = "x-codes"

_IDEMPOTENCY: Final = "retry safely: returns the same response for 24 hours"

#: How errors that are no `RequestError` are answered (see `api.errors`).
_ANSWERED_AS: Final[dict[type[PrivataError], tuple[int, str]]] = {
    UrlRefused: (ValidationFailed.status, ValidationFailed.code),
}


def errors(*kinds: type[PrivataError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: each status with the codes it can carry.

    What any call can get (401, 429, 500, 503) is added where the document is put together.
    `KeyError` for a kind that is never answered.
    """
    by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        if issubclass(kind, RequestError):
            status, code = kind.status, kind.code
        else:
            status, code = _ANSWERED_AS[kind]
        found = by_status.setdefault(status, [])
        if code not in found:
            found.append(code)
    return {
        status: {"description": " or ".join(codes), CODES: codes}
        for status, codes in by_status.items()
    }


def request_of(operation: Operation[Any]) -> dict[str, Any]:
    """Parameters, body and credentials of an operation: its `openapi_extra`."""
    extra: dict[str, Any] = {"parameters": []}
    if operation.query is not None:
        extra["parameters"] += _parameters(operation.query)
    if operation.idempotency is not None:
        header = _header(IDEMPOTENCY_HEADER, _IDEMPOTENCY)
        if operation.idempotency.required:
            header["required"] = True
        extra["parameters"].append(header)
    extra["parameters"] += [_header(name, text) for name, text in operation.headers.items()]
    if operation.body is not None:
        schema = operation.body.model_json_schema(ref_template=REFERENCE)
        extra["requestBody"] = {
            "required": not operation.body_optional,
            "content": {"application/json": {"schema": schema}},
        }
    security = operation.access.security()
    if security is not None:
        extra["security"] = security
    return extra


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema with what it refers to put in place: it stands in no common list."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            name = str(value["$ref"]).rpartition("/")[2]
            return whole(parts[name] | {key: one for key, one in value.items() if key != "$ref"})
        return {key: whole(one) for key, one in value.items()}

    shown: dict[str, Any] = whole(schema)
    return shown


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = _whole_schema(model)
    required = set(schema.get("required", ()))
    found = []
    for name, shape in schema["properties"].items():
        described = _given(shape)
        parameter = {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": described,
        }
        if described.get("type") == "array":
            # As people write it; `Wire.lists` may also stand several times.
            parameter |= {"style": "form", "explode": False}
        if "description" in described:
            parameter["description"] = described.pop("description")
        found.append(parameter)
    return found


def _given(shape: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: a query has no null, it leaves things out."""
    given = {key: value for key, value in shape.items() if key != "title"}
    if given.get("default", 0) is None:
        del given["default"]
    choices = [one for one in given.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del given["anyOf"]
        given = choices[0] | given
    elif choices:
        given["anyOf"] = choices
    return given
