"""Godex for the conformance suite."""

from __future__ import annotations

import json
from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.godex.adapter import Godex
from privata.providers.godex.config import GodexSettings
from privata.providers.godex.fake import FakeGodex
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import ACCOUNT, KEY, Case, Documented, Step, quick

_S = OrderStatus


def adapter(base_url: str, *, locks_rate: bool = False) -> Godex:
    """The adapter for a fake."""
    settings = GodexSettings()
    settings = GodexSettings(client=quick(settings.client, base_url), locks_rate=locks_rate)
    return Godex(Credentials(key=KEY, account=ACCOUNT), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["public-key"] == KEY
    if seen.call == "create":
        assert json.loads(seen.body)["affiliate_id"] == ACCOUNT


GODEX: Final = Case(
    name="godex",
    fake=FakeGodex,
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
        Step("confirming", _S.CONFIRMING),
        Step("confirmed", _S.EXCHANGING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("sending_confirmation", _S.SENDING),
        Step("success", _S.COMPLETED),
        Step("overdue", _S.EXPIRED),
        Step("expired", _S.EXPIRED),
        Step("refund", _S.REFUND_REQUIRED),
        Step("refunded", _S.REFUNDED),
        Step("error", _S.MANUAL_REVIEW),
        Step("other", _S.MANUAL_REVIEW),
    ),
    errors=(
        Documented("quote", 422, {"error": "Pair is not supported"}, Refusal.PAIR),
        Documented("quote", 422, {"message": "The given data was invalid."}, Refusal.PAIR),
        Documented("quote", 422, {"something": "else"}, Fault.UNKNOWN_ERROR),
        Documented("create", 422, {"message": "The given data was invalid."}, Refusal.OTHER),
        Documented("create", 403, {"error": "forbidden"}, Fault.CREDENTIALS),
        Documented("status", 404, {"error": "Transaction not found"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 400, {"error": "who knows"}, Fault.UNKNOWN_ERROR),
    ),
    authorized=_authorized,
    reverse=("float",),
    rates=("float",),
)
