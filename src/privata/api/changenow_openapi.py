"""The OpenAPI 3.1 document of the ChangeNOW-compatible API: its routes, shapes, and errors."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from fastapi.openapi.utils import get_openapi

from privata import __version__
from privata.api.openapi import NOT_OURS, lift_bodies, operations
from privata.api.openapi_headers import HEADERS, answer_headers
from privata.api.openapi_requests import CODES, REFERENCE
from privata.api.openapi_requests import errors as our_errors
from privata.api.routes import described_routes
from privata.apikeys.access_api import SCHEME
from privata.changenow_api.currencies_api import router as currencies_router
from privata.changenow_api.errors import ANSWERS, INTERNAL, NOT_AVAILABLE
from privata.changenow_api.exchange_api import router as exchange_router
from privata.changenow_api.quotes_api import router as quotes_router
from privata.core.errors import PrivataError

Json = dict[str, Any]

PREFIX: Final = "/v2"

#: In the order in which the document shows them.
ROUTERS: Final = (currencies_router, quotes_router, exchange_router)

_DESCRIPTION: Final = """\
Change the base URL and the key of a ChangeNOW v2 integration, and nothing else.

- **Base URL**: `{base_url}`. **Authentication**: your API key as `x-changenow-api-key` or \
`x-api-key`. `pk_test_…` keys use the sandbox and `pk_live_…` keys create real exchanges.
- **Amounts** are JSON numbers with a decimal point. Currencies and networks may be sent in any \
case and are returned in lower case. Unknown keys are ignored, and `""` means absent.
- **Errors** are `{{"error", "message"}}`, some with a `payload`.
"""

#: What any call can be answered.
_ALWAYS: Final[dict[int, tuple[str, ...]]] = {
    401: ("unauthorized",),
    403: ("forbidden",),
    429: ("too_many_requests",),
    500: (INTERNAL,),
    503: (INTERNAL,),
}


@cache
def document(base_url: str) -> Json:
    """The whole document; `base_url` is where this installation is reached. Do not change it."""
    made = get_openapi(
        title="Privata ChangeNOW-compatible API",
        version=__version__,
        openapi_version="3.1.0",
        summary="ChangeNOW v2 as wallets call it.",
        description=_DESCRIPTION.format(base_url=base_url),
        routes=described_routes(PREFIX, ROUTERS, _errors).routes,
        servers=[{"url": base_url, "description": "this installation"}],
    )
    schemas = made["components"]["schemas"]
    for name in NOT_OURS:
        schemas.pop(name, None)
    lift_bodies(made, schemas)
    schemas["Error"] = _error_schema()
    for _, _, operation in operations(made):
        _describe(operation, schemas)
    made["components"] |= {
        "headers": HEADERS,
        "securitySchemes": {
            SCHEME: {
                "type": "apiKey",
                "in": "header",
                "name": "x-changenow-api-key",
                "description": "Also taken as `x-api-key`.",
            }
        },
    }
    return made


@cache
def encoded_document(base_url: str) -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(document(base_url))


def _errors(*kinds: type[PrivataError]) -> dict[int | str, Json]:
    """The `responses` of a route in their statuses and codes."""
    found: dict[int | str, Json] = {}
    for response in our_errors(*kinds).values():
        for ours in response[CODES]:
            status, code = ANSWERS[ours]
            codes = found.setdefault(status, {"description": "", CODES: []})[CODES]
            if code not in codes:
                codes.append(code)
    return found


def _describe(operation: Json, schemas: Json) -> None:
    """Complete an operation in place: summary, headers, and every error that it can answer."""
    operation["summary"] = operation["operationId"]
    responses = operation["responses"]
    for status, codes in _ALWAYS.items():
        known = responses.setdefault(str(status), {"description": "", CODES: []})
        known[CODES] = list(dict.fromkeys((*known[CODES], *codes)))
    if "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            name = content["schema"]["$ref"].rpartition("/")[2]
            content["example"] = (schemas[name].get("examples") or [_EXAMPLES.get(name)])[0]
    for status, response in responses.items():
        response["headers"] = answer_headers(int(status))
        if status.startswith("2"):
            continue
        codes = response.pop(CODES, [response["description"]])
        response["description"] = ", ".join(f"`{code}`" for code in codes)
        schema = {"$ref": REFERENCE.format(model="Error")}
        example = {"error": codes[0], "message": _MESSAGES.get(codes[0], "…")}
        response["content"] = {"application/json": {"schema": schema, "example": example}}
    operation["responses"] = dict(sorted(responses.items()))


def _error_schema() -> Json:
    codes = dict.fromkeys(code for _, code in (*ANSWERS.values(), NOT_AVAILABLE))
    number = {"type": "number"}
    bounds = {"minAmount": number, "maxAmount": {"type": ["number", "null"]}}
    return {
        "type": "object",
        "required": ["error", "message"],
        "additionalProperties": False,
        "properties": {
            "error": {"type": "string", "enum": [*codes, INTERNAL]},
            "message": {"type": "string"},
            "payload": {
                "type": "object",
                "description": "with `deposit_too_small` and `out_of_range`",
                "properties": {
                    "range": {"type": "object", "required": list(bounds), "properties": bounds}
                },
            },
        },
    }


_ORDER: Final = "prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11"

#: Bodies without an example of their own.
_EXAMPLES: Final[dict[str, Json]] = {
    "RefundBody": {"id": _ORDER, "address": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
    "ContinueBody": {"id": _ORDER},
}

_MESSAGES: Final = {
    "unauthorized": "The API key is missing, malformed, revoked, expired, or not allowed from your"
    " address.",
    "not_found": "Transaction not found",
    "deposit_too_small": "Out of min amount",
    "out_of_range": "Out of max amount",
    "internal_error": "An internal error occurred.",
}
