"""SimpleSwap for the conformance suite."""

from __future__ import annotations

from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.port import Credentials
from privata.providers.simpleswap.adapter import SimpleSwap
from privata.providers.simpleswap.config import SimpleSwapSettings
from privata.providers.simpleswap.fake import FakeSimpleSwap
from privata.providers.tests.conformance.case import KEY, Case, Documented, Step, quick

_S = OrderStatus


def adapter(base_url: str) -> SimpleSwap:
    """The adapter for a fake."""
    settings = SimpleSwapSettings()
    settings = SimpleSwapSettings(client=quick(settings.client, base_url))
    return SimpleSwap(Credentials(key=KEY), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["x-api-key"] == KEY


SIMPLESWAP: Final = Case(
    name="simpleswap",
    fake=FakeSimpleSwap,
    adapter=adapter,
    fields={
        "quote": {"amount_to": "result.estimatedAmount"},
        "limits": {"minimum": "result.min", "maximum": "result.max"},
        "create": {
            "id": "result.publicId",
            "deposit_address": "result.addressFrom",
            "payout_address": "result.addressTo",
            "currency_to": "result.tickerTo",
            "amount_from": "result.amountFrom",
            "amount_to": "result.amountTo",
        },
        "status": {
            "id": "publicId",
            "status": "status",
            "payout_address": "addressTo",
            "currency_to": "tickerTo",
            "amount_to": "amountTo",
            "tx_in": "txFrom",
            "tx_out": "txTo",
        },
    },
    steps=(
        Step("waiting", _S.WAITING_DEPOSIT),
        Step("confirming", _S.CONFIRMING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("finished", _S.COMPLETED),
        Step("verifying", _S.MANUAL_REVIEW),
        Step("expired", _S.EXPIRED),
        Step("failed", _S.FAILED),
        Step("refunded", _S.REFUNDED),
    ),
    errors=(
        Documented("quote", 404, {"description": "Pair not found"}, Refusal.PAIR),
        Documented("quote", 422, {"message": "Pair not found"}, Refusal.PAIR),
        Documented("create", 400, {"error": "addressTo is not valid"}, Refusal.OTHER),
        Documented("create", 422, {"code": 422, "message": "no"}, Refusal.OTHER),
        Documented("status", 404, {"description": "not found"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 404, {"code": 404}, Fault.UNKNOWN_ERROR),
        Documented("quote", 400, {"description": "who knows"}, Fault.UNKNOWN_ERROR),
        Documented("create", 403, {"message": "Forbidden"}, Fault.CREDENTIALS),
    ),
    authorized=_authorized,
)
