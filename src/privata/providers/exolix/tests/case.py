"""Exolix for the conformance suite."""

from __future__ import annotations

from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.exolix.adapter import Exolix
from privata.providers.exolix.config import ExolixSettings
from privata.providers.exolix.fake import FakeExolix
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import KEY, Case, Documented, Step, quick

_S = OrderStatus
_HASH: Final = "a" * 64


def adapter(base_url: str) -> Exolix:
    """The adapter for a fake."""
    settings = ExolixSettings()
    settings = ExolixSettings(client=quick(settings.client, base_url))
    return Exolix(Credentials(key=KEY), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["Authorization"] == KEY


_BELOW: Final = {
    "fromAmount": 0,
    "toAmount": 0,
    "message": "Amount to exchange is below the possible min amount to exchange",
    "minAmount": 1,
    "maxAmount": 10,
}

EXOLIX: Final = Case(
    name="exolix",
    fake=FakeExolix,
    adapter=adapter,
    fields={
        "quote": {"amount_from": "fromAmount", "amount_to": "toAmount"},
        "create": {
            "id": "id",
            "deposit_address": "depositAddress",
            "payout_address": "withdrawalAddress",
            "currency_to": "coinTo.coinCode",
            "amount_from": "amount",
            "amount_to": "amountTo",
        },
        "status": {
            "id": "id",
            "status": "status",
            "payout_address": "withdrawalAddress",
            "currency_to": "coinTo.coinCode",
            "amount_to": "amountTo",
            "tx_in": "hashIn.hash",
            "tx_out": "hashOut.hash",
        },
    },
    steps=(
        Step("wait", _S.WAITING_DEPOSIT),
        Step("confirmation", _S.CONFIRMING),
        Step("confirmed", _S.EXCHANGING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("success", _S.COMPLETED),
        Step("overdue", _S.EXPIRED),
        Step("deleted", _S.EXPIRED),
        Step("refund", _S.REFUND_REQUIRED),
        Step("refunded", _S.REFUNDED),
        Step("error", _S.FAILED),
    ),
    errors=(
        Documented("quote", 422, _BELOW, Refusal.AMOUNT),
        Documented("quote", 200, _BELOW, Refusal.AMOUNT),
        Documented("quote", 422, {"message": "Such exchange pair is not available"}, Refusal.PAIR),
        Documented("quote", 400, {"errors": {"coinFrom": "no such coin"}}, Refusal.PAIR),
        Documented("create", 400, {"errors": {"withdrawalAddress": "wrong"}}, Refusal.ADDRESS),
        Documented("create", 400, {"errors": {"amount": "too low"}}, Refusal.AMOUNT),
        Documented("create", 400, {"errors": {"somethingNew": "no"}}, Refusal.OTHER),
        Documented("create", 422, {"error": "who knows"}, Refusal.OTHER),
        Documented("create", 403, {"message": "Forbidden"}, Fault.CREDENTIALS),
        Documented("status", 404, {"message": "Transaction not found"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 400, {"who": "knows"}, Fault.UNKNOWN_ERROR),
    ),
    authorized=_authorized,
    reverse=("float", "fixed"),
)
