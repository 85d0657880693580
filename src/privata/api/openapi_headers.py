"""Headers and parameters that many operations share, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any, Final

from privata.infra.idempotency import MAX_KEY_LENGTH

Json = dict[str, Any]

_UUID: Final[Json] = {"type": "string", "format": "uuid"}

#: `components.headers`: those of our answers.
HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "Names this request in our logs.",
        "required": True,
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{24}$"},
        "example": "req_5f1d0c9b2a7e4d6318c0b9f2",
    },
    "X-RateLimit-Limit": {
        "description": "Calls of this kind in a minute; also how many may come at once.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 600,
    },
    "X-RateLimit-Remaining": {
        "description": "Calls that are left at this moment.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 599,
    },
    "X-RateLimit-Reset": {
        "description": "When all of them are there again, in unix seconds.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1779358441,
    },
    "Cache-Control": {
        "description": "Answers are for the one who asked, and for now.",
        "schema": {"type": "string", "const": "no-store"},
        "example": "no-store",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": 'ApiKey realm="partner API", header="X-API-Key"',
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    "Idempotent-Replayed": {
        "description": "`true` when this is the answer of an earlier call with the same key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}

#: On every answer.
ALWAYS: Final = (
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Cache-Control",
)

#: Statuses that say when to come back.
_RETRIED: Final = (429, 503)
_UNAUTHORIZED: Final = 401

#: What is sent in headers, by name: schema and example.
SENT: Final[Json] = {
    "Idempotency-Key": {
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_LENGTH,
            "pattern": "^[ -~]+$",
        },
        "example": "order-4711-first-try",
    },
    "Last-Event-ID": {"schema": {"type": "string", "maxLength": 128}},
}

#: Parts of paths, by name: description and schema.
IN_PATH: Final[Json] = {
    "order_id": {
        "description": "the order's id, `prv-…`",
        "schema": {"type": "string", "maxLength": 64},
    },
    "endpoint_id": {"description": "the endpoint's id", "schema": _UUID},
    "delivery_id": {"description": "the delivery's id", "schema": _UUID},
    "recovery_id": {"description": "the recovery's id", "schema": _UUID},
    "payout_id": {"description": "the payout's id", "schema": _UUID},
}


def answer_headers(status: int, *, idempotent: bool = False) -> Json:
    """The `headers` of an answer, as references."""
    names = list(ALWAYS)
    if status in _RETRIED:
        names.append("Retry-After")
    if status == _UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if idempotent:
        names.append("Idempotent-Replayed")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
