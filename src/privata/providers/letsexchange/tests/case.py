"""LetsExchange for the conformance suite."""

from __future__ import annotations

import json
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.letsexchange.adapter import LetsExchange
from privata.providers.letsexchange.config import LetsExchangeSettings
from privata.providers.letsexchange.fake import FakeLetsExchange, invalid
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import ACCOUNT, KEY, Case, Documented, Step, quick

_S = OrderStatus

_SIGNAL: Final = {"signal": "mixer", "signalId": 7, "signalPercent": "61", "level": "high"}


def adapter(base_url: str) -> LetsExchange:
    """The adapter for a fake."""
    settings = LetsExchangeSettings()
    settings = LetsExchangeSettings(client=quick(settings.client, base_url))
    return LetsExchange(Credentials(key=KEY, account=ACCOUNT), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    if seen.method == "POST":
        assert json.loads(seen.body)["affiliate_id"] == ACCOUNT


def _invalid(call: str, field: str, reason: Refusal) -> Documented:
    error = invalid(field)
    return Documented(call, error.status, error.body, reason)


LETSEXCHANGE: Final = Case(
    name="letsexchange",
    fake=FakeLetsExchange,
    adapter=adapter,
    fields={
        "quote": {"amount_to": "amount"},
        "create": {
            "id": "transaction_id",
            "deposit_address": "deposit",
            "payout_address": "withdrawal",
            "currency_to": "coin_to",
            "amount_from": "deposit_amount",
            "amount_to": "withdrawal_amount",
        },
        "status": {
            "id": "transaction_id",
            "status": "status",
            "payout_address": "withdrawal",
            "currency_to": "coin_to",
            "amount_to": "real_withdrawal_amount",
            "tx_in": "hash_in",
            "tx_out": "hash_out",
        },
    },
    steps=(
        Step("wait", _S.WAITING_DEPOSIT),
        Step("confirmation", _S.CONFIRMING),
        Step("confirmed", _S.EXCHANGING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("sending_confirmation", _S.SENDING),
        Step("success", _S.COMPLETED),
        Step("overdue", _S.EXPIRED),
        Step("refund", _S.REFUND_REQUIRED),
        Step("aml_check", _S.MANUAL_REVIEW),
        Step("aml_check_failed", _S.MANUAL_REVIEW),
        Step("error", _S.MANUAL_REVIEW),
        Step("exchanging", _S.MANUAL_REVIEW, {"signals": [_SIGNAL]}),
        Step("confirmation", _S.MANUAL_REVIEW, {"kyc_url": "https://example.com/kyc"}),
        Step("success", _S.COMPLETED, {"signals": [_SIGNAL]}),
    ),
    errors=(
        _invalid("quote", "from", Refusal.PAIR),
        _invalid("quote", "network_to", Refusal.PAIR),
        _invalid("quote", "amount", Refusal.AMOUNT),
        _invalid("create", "withdrawal", Refusal.ADDRESS),
        _invalid("create", "return_extra_id", Refusal.ADDRESS),
        _invalid("create", "deposit_amount", Refusal.AMOUNT),
        _invalid("create", "rate_id", Refusal.RATE),
        _invalid("create", "promocode", Refusal.OTHER),
        Documented("quote", 403, {"error": "Wrong number of segments"}, Fault.CREDENTIALS),
        Documented("status", 404, {"error": "Transaction not found"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 422, {"success": False, "error": "what"}, Fault.UNKNOWN_ERROR),
        Documented("quote", 404, {"error": "Route not found"}, Fault.UNKNOWN_ERROR),
        Documented("create", 422, {"error": {"validation": []}}, Fault.UNKNOWN_ERROR),
    ),
    authorized=_authorized,
    reverse=("float", "fixed"),
)
