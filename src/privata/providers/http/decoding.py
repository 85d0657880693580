"""JSON in and out, with decimals: no amount ever passes through a float."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from privata.providers.failures import Fault, unavailable
from privata.providers.fields import MAX_NUMBER

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class _NumberTooLong(ValueError):
    pass


def _number(text: str) -> Decimal:
    # Checked before it is read: a million digits are no amount, and cost time.
    if len(text) > MAX_NUMBER:
        raise _NumberTooLong
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _NumberTooLong from None


def _constant(text: str) -> Decimal:
    raise _NumberTooLong(text)


def decoded(provider: str, call: str, body: bytes) -> object:
    """The value of a JSON text; every number is a `Decimal`."""
    try:
        return json.loads(body, parse_float=_number, parse_int=_number, parse_constant=_constant)
    except _NumberTooLong:
        raise unavailable(provider, Fault.NUMBER, call) from None
    except (ValueError, RecursionError):
        raise unavailable(provider, Fault.NOT_JSON, call) from None


def encoded(value: object) -> bytes:
    """The JSON text of a body; a `Decimal` becomes a number with all of its digits."""
    return _ENCODER.encode(value)
