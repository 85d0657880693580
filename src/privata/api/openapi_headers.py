"""Headers and parameters that many operations share, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any, Final

from privata.infra.http.idempotency import MAX_KEY_LENGTH

Json = dict[str, Any]

_UUID: Final[Json] = {"type": "string", "format": "uuid"}

#: `components.headers`: those of our answers.
HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "Identifies this request in our logs.",
        "required": True,
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{24}$"},
        "example": "req_5f1d0c9b2a7e4d6318c0b9f2",
    },
    "X-RateLimit-Limit": {
        "description": "Requests of this kind allowed per minute; also the largest burst.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 600,
    },
    "X-RateLimit-Remaining": {
        "description": "Requests left right now.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 599,
    },
    "X-RateLimit-Reset": {
        "description": "When the full limit is available again, in Unix seconds.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1779358441,
    },
    "Cache-Control": {
        "description": "Responses must not be cached.",
        "schema": {"type": "string", "const": "no-store"},
        "example": "no-store",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": 'ApiKey realm="partner API", header="X-API-Key"',
    },
    "Retry-After": {
        "description": "Seconds to wait before retrying.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    "Idempotent-Replayed": {
        "description": "`true` if this is the response to an earlier request with the same key.",
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
        "description": "the order ID, `prv-…`",
        "schema": {"type": "string", "maxLength": 64},
    },
    "endpoint_id": {"description": "the endpoint ID", "schema": _UUID},
    "delivery_id": {"description": "the delivery ID", "schema": _UUID},
    "recovery_id": {"description": "the recovery ID", "schema": _UUID},
    "payout_id": {"description": "the payout ID", "schema": _UUID},
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
