"""One operation of the OpenAPI document: what every call shares, and an example of everything."""

from __future__ import annotations

import re
from typing import Any, Final

from privata.api.openapi_errors import error_response
from privata.api.openapi_headers import IN_PATH, SENT, answer_headers
from privata.api.openapi_requests import CODES
from privata.api.openapi_samples import ANSWERS, STREAM, Samples
from privata.infra.http.once import IDEMPOTENCY_HEADER

Json = dict[str, Any]

#: What any call can be answered, whatever it asks for.
_ALWAYS: Final[dict[int, list[str]]] = {
    401: ["INVALID_KEY"],
    403: ["BROWSER_REFUSED", "ORGANIZATION_INACTIVE"],
    429: ["RATE_LIMITED"],
    500: ["INTERNAL"],
    503: ["INTERNAL"],
}

_JSON: Final = "application/json"
_STREAM: Final = "text/event-stream"

#: What a successful answer is called, by status.
_SUCCESS: Final = {"200": "Success.", "201": "Created.", "202": "Accepted; processed shortly."}


def describe(path: str, operation: Json, samples: Samples, shared: Json) -> None:
    """Complete the operation in place; errors go to the `shared` answers and are referred to."""
    operation["summary"] = _title(operation["operationId"])
    _parameters(operation, samples)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = samples.body(content["schema"])
    idempotent = any(one["name"] == IDEMPOTENCY_HEADER for one in operation["parameters"])
    codes = _codes(path, operation)
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        if response["description"] == "Successful Response":
            response["description"] = _SUCCESS.get(status, "Done.")
        response["headers"] = answer_headers(int(status), idempotent=idempotent) | response.get(
            "headers", {}
        )
        stream = response.get("content", {}).get(_STREAM)
        if stream is not None:
            stream |= {"schema": {"type": "string"}, "example": STREAM}
        content = response.get("content", {}).get(_JSON)
        if content is not None and not {"example", "examples"} & set(content):
            shown = samples.of(content["schema"])
            content["example"] = shown | ANSWERS.get(operation["operationId"], {})
    succeeded = {
        status: found for status, found in operation["responses"].items() if status.startswith("2")
    }
    operation["responses"] = succeeded | {
        str(status): _shared(status, found, shared) for status, found in sorted(codes.items())
    }


def _title(operation_id: str) -> str:
    """`createOrder` as people read it: "Create order"."""
    words = re.sub(r"([A-Z])", r" \1", operation_id).lower()
    return words[0].upper() + words[1:]


def _shared(status: int, codes: list[str], shared: Json) -> Json:
    name = "_".join([str(status), *sorted(codes)])
    if name not in shared:
        shared[name] = error_response(status, sorted(codes), answer_headers(status))
    return {"$ref": f"#/components/responses/{name}"}


def _codes(path: str, operation: Json) -> dict[int, list[str]]:
    """The codes of each status: the route's own, and those that any call can get."""
    found = {
        int(status): list(response[CODES])
        for status, response in operation["responses"].items()
        if CODES in response
    }
    if "requestBody" in operation:
        found.setdefault(408, ["VALIDATION_ERROR"])
    if "{" in path and 404 not in found:
        found[404] = ["NOT_FOUND"]
    for status, codes in _ALWAYS.items():
        known = found.setdefault(status, [])
        known += [code for code in codes if code not in known]
    return found


def _parameters(operation: Json, samples: Samples) -> None:
    for parameter in operation.setdefault("parameters", []):
        name = parameter["name"]
        known = {"path": IN_PATH, "header": SENT}.get(parameter["in"], {})
        parameter.update(known.get(name, {}))
        parameter["schema"].pop("title", None)
        if "example" not in parameter:
            value = samples.parameter(name, parameter["schema"])
            if value is not None:
                parameter["example"] = value
