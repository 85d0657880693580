"""Failures in ChangeNOW's shape, `{"error", "message"[, "payload"]}`, whatever raised them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from privata.changenow_api.numbers import number_of
from privata.infra.http.failures import Failure
from privata.infra.http.wire import JsonBytes, json_response

INTERNAL: Final = "internal_error"

#: Status and code of what their API has and cannot be had here or now.
NOT_AVAILABLE: Final = (400, "not_available")

#: Status and code of their API for each code of ours. What is not listed is a fault of ours.
ANSWERS: Final[Mapping[str, tuple[int, str]]] = {
    "INVALID_KEY": (401, "unauthorized"),
    "SCOPE_REQUIRED": (403, "forbidden"),
    "BROWSER_REFUSED": (403, "forbidden"),
    "ORGANIZATION_INACTIVE": (403, "forbidden"),
    "RATE_LIMITED": (429, "too_many_requests"),
    "VALIDATION_ERROR": (400, "not_valid_params"),
    "INVALID_ADDRESS": (400, "not_valid_params"),
    "QUOTE_EXPIRED": (400, "not_valid_params"),
    "INVALID_PAIR": (400, "pair_is_inactive"),
    "AMOUNT_TOO_LOW": (400, "deposit_too_small"),
    "AMOUNT_TOO_HIGH": (400, "out_of_range"),
    "NOT_FOUND": (404, "not_found"),
    "ORDER_NOT_FOUND": (404, "not_found"),
    "REFUND_NOT_REQUIRED": NOT_AVAILABLE,
    "REFUND_NOT_PROGRAMMATIC": NOT_AVAILABLE,
    "REFUND_WINDOW_EXPIRED": NOT_AVAILABLE,
    "NO_PROVIDERS_AVAILABLE": (503, "not_available"),
    "PROVIDER_ERROR": (502, "not_available"),
}
#: Wallets look for these words.
_MESSAGES: Final = {
    "AMOUNT_TOO_LOW": "Out of min amount",
    "AMOUNT_TOO_HIGH": "Out of max amount",
    "QUOTE_EXPIRED": "This rateId is unknown, used, or expired. Request a new estimate.",
}

#: A method that a path does not take keeps its status: `Allow` comes with it.
_METHOD_NOT_ALLOWED: Final = 405

_FIELDS: Final = {
    "extra_id": "extraId",
    "quote_id": "rateId",
    "refund_address": "refundAddress",
    "refund_extra_id": "refundExtraId",
    "refund_to_address": "address",
}
_OUR_FIELD: Final = re.compile(rf"\b({'|'.join(_FIELDS)})\b")


def in_their_words(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body. The request's id is only in its header: their clients know no other key."""
    status, code = ANSWERS.get(failure.code, (failure.status, INTERNAL))
    if failure.status == _METHOD_NOT_ALLOWED:
        status = failure.status
    message = _MESSAGES.get(failure.code, failure.message)
    if failure.code == "VALIDATION_ERROR":
        message = " ".join((message, *(f"{name} {text}." for name, text in failure.fields)))
    body: dict[str, Any] = {"error": code, "message": _OUR_FIELD.sub(_renamed, message)}
    if code in ("deposit_too_small", "out_of_range"):
        bounds = {"minAmount": failure.data["min"], "maxAmount": failure.data["max"]}
        body["payload"] = {"range": {name: number_of(text) for name, text in bounds.items()}}
    return status, body


def not_available(message: str) -> JsonBytes:
    """The refusal of what cannot be had, whatever is asked for."""
    status, code = NOT_AVAILABLE
    return json_response({"error": code, "message": message}, status)


def _renamed(found: re.Match[str]) -> str:
    return _FIELDS[found[1]]
