"""ChangeNOW for the conformance suite."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, cast

from privata.core.lifecycle import OrderStatus
from privata.providers.changenow.adapter import ChangeNow
from privata.providers.changenow.config import ChangeNowSettings
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import FakeExchange, Seen
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import KEY, Case, Documented, Step, quick

_S = OrderStatus


def adapter(base_url: str) -> ChangeNow:
    """The adapter for a fake."""
    settings = ChangeNowSettings()
    settings = ChangeNowSettings(
        client=quick(settings.client, base_url), refund_check=timedelta(seconds=1)
    )
    return ChangeNow(Credentials(key=KEY), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["x-changenow-api-key"] == KEY


def _finish_refund(fake: FakeExchange, order_id: str) -> None:
    cast("FakeChangeNow", fake).finish_refund(order_id)


CHANGENOW: Final = Case(
    name="changenow",
    fake=FakeChangeNow,
    adapter=adapter,
    fields={
        "quote": {
            "amount_from": "fromAmount",
            "amount_to": "toAmount",
            "currency_to": "toCurrency",
        },
        "limits": {"minimum": "minAmount", "maximum": "maxAmount", "currency_to": "toCurrency"},
        "create": {
            "id": "id",
            "deposit_address": "payinAddress",
            "payout_address": "payoutAddress",
            "currency_to": "toCurrency",
            "amount_from": "fromAmount",
            "amount_to": "toAmount",
        },
        "status": {
            "id": "id",
            "status": "status",
            "payout_address": "payoutAddress",
            "currency_to": "toCurrency",
            "amount_to": "amountTo",
            "tx_in": "payinHash",
            "tx_out": "payoutHash",
        },
    },
    steps=(
        Step("new", _S.WAITING_DEPOSIT),
        Step("waiting", _S.WAITING_DEPOSIT),
        Step("confirming", _S.CONFIRMING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("finished", _S.COMPLETED),
        Step("failed", _S.REFUND_REQUIRED, {"actions": True}),
        Step("failed", _S.FAILED, {"actions": False}),
        Step("verifying", _S.MANUAL_REVIEW),
        Step("refunded", _S.REFUNDED),
        Step("expired", _S.EXPIRED),
    ),
    errors=(
        Documented("quote", 400, {"error": "pair_is_inactive", "message": "no"}, Refusal.PAIR),
        Documented("quote", 400, {"error": "out_of_range", "message": "no"}, Refusal.AMOUNT),
        Documented("quote", 400, {"error": "not_valid_params", "message": "no"}, Refusal.OTHER),
        Documented(
            "create",
            400,
            {"error": "deposit_too_small", "message": "no", "payload": {"range": None}},
            Refusal.AMOUNT,
        ),
        Documented("create", 400, {"error": "bad_params", "message": None}, Refusal.OTHER),
        Documented("create", 403, {"error": "invalid_api_key"}, Fault.CREDENTIALS),
        Documented("status", 404, {"error": "not_found", "message": "no"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 403, {"error": "forbidden", "message": "no"}, Fault.CREDENTIALS),
        Documented("status", 400, {"code": 1, "error": "who knows"}, Fault.UNKNOWN_ERROR),
    ),
    authorized=_authorized,
    refund_required=Step("failed", _S.REFUND_REQUIRED, {"actions": True}),
    finish_refund=_finish_refund,
)
