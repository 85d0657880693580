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
    400: "The request cannot be fulfilled as given.",
    401: "The API key is missing or invalid.",
    403: "The key lacks a scope (`scope`), the organization's status (`status`) does not allow the"
    " request, or a browser sent a secret key.",
    404: "You have no resource with this ID in this environment.",
    408: "The request took too long to arrive. Nothing was changed.",
    409: "The request conflicts with the current state.",
    410: "The quote is unknown, used, or older than 5 minutes, or the cursor was issued before our"
    " database was restored.",
    422: "A field or parameter is invalid, unknown, or given twice. `fields` lists each one.",
    429: "Too many requests. Wait `Retry-After` seconds.",
    500: "An error on our side. Safe to retry with an `Idempotency-Key`.",
    502: "The provider failed to open the order.",
    503: "Temporarily unavailable. `Retry-After` says when to retry, if known.",
}

#: Message and further fields of each code, and of a code at one status where that reads better.
_SAMPLES: Final[dict[str | tuple[str, int], tuple[str, Json]]] = {
    "INTERNAL": ("An internal error occurred.", {}),
    ("INTERNAL", 503): ("The service is temporarily unavailable. Try again shortly.", {}),
    "INVALID_KEY": (
        "The API key is missing, malformed, revoked, expired, or not allowed from your address.",
        {},
    ),
    "SCOPE_REQUIRED": ("This key does not have the orders:rw scope.", {"scope": "orders:rw"}),
    "BROWSER_REFUSED": (
        "A browser sent the secret key pk_test_Ab12Cd34…. Rotate it and call from your server.",
        {},
    ),
    "ORGANIZATION_INACTIVE": (
        "Your organization was not approved. Contact us for another review.",
        {"status": "rejected"},
    ),
    "RATE_LIMITED": (
        "You exceeded the limit of 600 requests of this kind per minute. Try again in 1 s.",
        {},
    ),
    "VALIDATION_ERROR": (
        "The request body is invalid.",
        {"fields": [{"field": "address", "message": "Field required"}]},
    ),
    "NOT_FOUND": ("Endpoint not found.", {}),
    ("VALIDATION_ERROR", 408): ("The request body did not arrive within 30 seconds.", {}),
    ("VALIDATION_ERROR", 409): ("Another change of this kind is still in progress.", {}),
    "INVALID_PAIR": ("No provider swaps BTC to XYZ.", {}),
    "AMOUNT_TOO_LOW": ("The minimum amount is 0.0002 BTC.", {"min": "0.0002", "max": "12"}),
    "AMOUNT_TOO_HIGH": ("The maximum amount is 12 BTC.", {"min": "0.0002", "max": "12"}),
    "INVALID_ADDRESS": (
        "address is not valid on ETH. This is a burn address: funds sent to it are lost.",
        {
            "fields": [
                {"field": "address", "message": "this is a burn address: funds sent to it are lost"}
            ]
        },
    ),
    "NO_PROVIDERS_AVAILABLE": ("No provider is responding. Try again shortly.", {}),
    "PROVIDER_ERROR": ("The provider failed to open the order.", {}),
    "QUOTE_EXPIRED": ("This quote is unknown, used, or expired. Request a new one.", {}),
    "ORDER_NOT_FOUND": ("Order not found.", {}),
    "DUPLICATE_ACTIVE_ORDER": (
        "An open order already has this partner_order_ref.",
        {"order_id": _ORDER_ID},
    ),
    "IDEMPOTENCY_CONFLICT": ("This Idempotency-Key was already used for a different request.", {}),
    "REFUND_WINDOW_EXPIRED": ("The refund window of this order has ended.", {}),
    "REFUND_NOT_PROGRAMMATIC": ("The provider of this order does not support refund actions.", {}),
    "REFUND_NOT_REQUIRED": ("This order does not need a refund.", {}),
    "STABLE_TARGET_REQUIRED": ("convert_to_stable requires a stable_target.", {}),
    "WEBHOOK_PAUSED": ("No endpoint is paused.", {}),
    "INSUFFICIENT_BALANCE": (
        "You requested 750.00 USD, but only 612.40 USD is available.",
        {"available": "612.40"},
    ),
    "RESYNC": (
        "Our database was restored after this cursor was issued. Read again from after=0.",
        {},
    ),
    "PAYOUTS_HELD": (
        "Payouts are on hold while we check our records after a database recovery.",
        {},
    ),
}


def error_schema() -> Json:
    """The envelope of every failure, with all that any code adds to it."""
    text = {"type": "string"}
    field = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": {"type": "string", "description": "the field, parameter, or header"},
            "message": {"type": "string", "description": "what is wrong with it"},
        },
        "additionalProperties": False,
    }
    inner = {
        "code": {"$ref": "#/components/schemas/ErrorCode"},
        "message": {
            "type": "string",
            "description": "a message for people; its wording may change",
        },
        "request_id": {
            "type": "string",
            "pattern": "^req_[0-9a-f]{24}$",
            "description": "same as `X-Request-Id`; include it when you contact support",
        },
        "fields": {"type": "array", "items": field},
        "scope": text | {"description": "the missing scope (SCOPE_REQUIRED)"},
        "min": text | {"description": "the minimum amount (AMOUNT_TOO_…)"},
        "max": text | {"description": "the maximum amount (AMOUNT_TOO_…)"},
        "order_id": text | {"description": "the open order (DUPLICATE_ACTIVE_ORDER)"},
        "available": text
        | {"description": "the available balance in US dollars (INSUFFICIENT_BALANCE)"},
        "status": text | {"description": "the state that prevents the request"},
        "tries_left": {"type": "integer", "description": "attempts left to answer the challenge"},
        "limit": {"type": "integer", "description": "the maximum number, all in use"},
        "recovery_id": text | {"description": "the recovery that is already running"},
    }
    return {
        "type": "object",
        "description": "The shape of every error.",
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
        "description": "A stable code for programs to branch on.",
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
