"""Errors in the OpenAPI document: the envelope, its codes, and what each of them looks like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from privata.core.errors import RequestError

Json = dict[str, Any]

REQUEST_ID: Final = "req_5f1d0c9b2a7e4d6318c0b9f2"
_ORDER_ID: Final = "prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11"


def request_errors(kind: type[RequestError] = RequestError) -> Iterator[type[RequestError]]:
    """Every class of the tree below `kind`, itself included."""
    yield kind
    for below in kind.__subclasses__():
        yield from request_errors(below)


#: Every code the API can answer, in the order of the tree.
ERROR_CODES: Final = tuple(dict.fromkeys(kind.code for kind in request_errors()))

#: What each status means, whatever the code.
MEANINGS: Final[dict[int, str]] = {
    400: "What was asked for cannot be had like this.",
    401: "No key, or not one that is valid here.",
    403: "The key lacks a scope (`scope`), or the organization's status (`status`) forbids it.",
    404: "Nothing of yours has this id in this environment.",
    409: "It does not fit the present state.",
    410: "The quote is unknown, used, or older than 5 minutes.",
    422: "A field or parameter is wrong, unknown or given twice; `fields` names each.",
    429: "Too many calls. Wait for `Retry-After` seconds.",
    500: "Our mistake; safe to repeat with an `Idempotency-Key`.",
    502: "The provider failed to open the order.",
    503: "Not now; `Retry-After` says when to come back, where we know.",
}

#: Message and further fields of each code, and of a code at one status where that reads better.
_SAMPLES: Final[dict[str | tuple[str, int], tuple[str, Json]]] = {
    "INTERNAL": ("Something went wrong on our side.", {}),
    ("INTERNAL", 503): ("The service is restarting; please try again.", {}),
    "INVALID_KEY": (
        "The API key is missing, malformed, revoked, expired or not allowed from this address.",
        {},
    ),
    "SCOPE_REQUIRED": ("This key does not have the scope orders:rw.", {"scope": "orders:rw"}),
    "ORGANIZATION_INACTIVE": (
        "Your organization is not approved. Contact us to have it reviewed again.",
        {"status": "rejected"},
    ),
    "RATE_LIMITED": (
        "More than 600 calls of this kind were made in a minute; the next one is free in 1 s.",
        {},
    ),
    "VALIDATION_ERROR": (
        "The body is not what this route takes.",
        {"fields": [{"field": "address", "message": "Field required"}]},
    ),
    ("VALIDATION_ERROR", 404): ("There is no such endpoint.", {}),
    ("VALIDATION_ERROR", 409): ("Another change of this kind is still under way.", {}),
    "INVALID_PAIR": ("No provider swaps BTC to XYZ.", {}),
    "AMOUNT_TOO_LOW": ("At least 0.0002 BTC must be sent.", {"min": "0.0002", "max": "12"}),
    "AMOUNT_TOO_HIGH": ("At most 12 BTC can be sent.", {"min": "0.0002", "max": "12"}),
    "INVALID_ADDRESS": (
        "address is not an address of ETH.",
        {"fields": [{"field": "address", "message": "the checksum is wrong"}]},
    ),
    "NO_PROVIDERS_AVAILABLE": ("No provider answers at the moment.", {}),
    "PROVIDER_ERROR": ("The provider failed to open the order.", {}),
    "QUOTE_EXPIRED": ("This quote is unknown, used or expired; ask for a new one.", {}),
    "ORDER_NOT_FOUND": ("There is no such order.", {}),
    "DUPLICATE_ACTIVE_ORDER": (
        "An open order has this partner_order_ref.",
        {"order_id": _ORDER_ID},
    ),
    "IDEMPOTENCY_CONFLICT": ("This Idempotency-Key was used for another request.", {}),
    "REFUND_WINDOW_EXPIRED": ("The refund window of this order has ended.", {}),
    "REFUND_NOT_PROGRAMMATIC": ("The provider of this order takes no refund actions.", {}),
    "REFUND_NOT_REQUIRED": ("This order does not need a refund.", {}),
    "STABLE_TARGET_REQUIRED": ("convert_to_stable needs a stable_target.", {}),
    "WEBHOOK_PAUSED": ("No endpoint is paused.", {}),
    "INSUFFICIENT_BALANCE": (
        "750 USD were asked for; 612.4 USD are available.",
        {"available": "612.4"},
    ),
}


def error_schema() -> Json:
    """The envelope of every failure, with all that any code adds to it."""
    text = {"type": "string"}
    field = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": {"type": "string", "description": "which field, parameter or header"},
            "message": {"type": "string", "description": "what is wrong with it"},
        },
        "additionalProperties": False,
    }
    inner = {
        "code": {"$ref": "#/components/schemas/ErrorCode"},
        "message": {"type": "string", "description": "a sentence for people; it may change"},
        "request_id": {
            "type": "string",
            "pattern": "^req_[0-9a-f]{24}$",
            "description": "the same as in `X-Request-Id`; name it when you write to support",
        },
        "fields": {"type": "array", "items": field},
        "scope": text | {"description": "the scope that is missing (SCOPE_REQUIRED)"},
        "min": text | {"description": "the least that can be sent (AMOUNT_TOO_…)"},
        "max": text | {"description": "the most that can be sent (AMOUNT_TOO_…)"},
        "order_id": text | {"description": "the open order (DUPLICATE_ACTIVE_ORDER)"},
        "available": text | {"description": "US dollars that are (INSUFFICIENT_BALANCE)"},
        "status": text | {"description": "the state that stands against it"},
        "tries_left": {"type": "integer", "description": "answers to a challenge that are left"},
        "limit": {"type": "integer", "description": "how many there may be; all are in use"},
        "recovery_id": text | {"description": "the recovery that is running already"},
    }
    return {
        "type": "object",
        "description": "What every failure looks like.",
        "required": ["error"],
        "additionalProperties": False,
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "request_id"],
                "properties": inner,
            }
        },
    }


def code_schema() -> Json:
    """The codes; a program branches on these and never on the message."""
    return {
        "type": "string",
        "enum": list(ERROR_CODES),
        "description": "What happened, for programs.",
    }


def error_response(status: int, codes: list[str], headers: Json) -> Json:
    """The answer of one status with the codes it can carry here, each with an example."""
    narrowed = {"error": {"type": "object", "properties": {"code": {"enum": codes}}}}
    return {
        "description": MEANINGS.get(status, " or ".join(codes)),
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Error"},
                        {"type": "object", "properties": narrowed},
                    ]
                },
                "examples": {code: {"$ref": _example_ref(code, status)} for code in codes},
            }
        },
    }


def error_examples() -> Json:
    """`components.examples`: an envelope for each code."""
    return {
        _name(key): {
            "summary": key if isinstance(key, str) else key[0],
            "value": {
                "error": {
                    "code": key if isinstance(key, str) else key[0],
                    "message": message,
                    "request_id": REQUEST_ID,
                    **more,
                }
            },
        }
        for key, (message, more) in _SAMPLES.items()
    }


def _example_ref(code: str, status: int) -> str:
    key = (code, status) if (code, status) in _SAMPLES else code
    return f"#/components/examples/{_name(key)}"


def _name(key: str | tuple[str, int]) -> str:
    return key if isinstance(key, str) else f"{key[0]}_{key[1]}"
