"""FixedFloat for the conformance suite."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, cast

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import FakeExchange, Seen
from privata.providers.fixedfloat.adapter import FixedFloat
from privata.providers.fixedfloat.config import FixedFloatSettings
from privata.providers.fixedfloat.fake import FakeFixedFloat
from privata.providers.fixedfloat.wire import signature
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import KEY, SECRET, Case, Documented, Step, quick

_S = OrderStatus


def adapter(base_url: str) -> FixedFloat:
    """The adapter for a fake."""
    settings = FixedFloatSettings()
    settings = FixedFloatSettings(
        client=quick(settings.client, base_url), refund_check=timedelta(seconds=1)
    )
    return FixedFloat(Credentials(key=KEY, secret=SECRET), settings)


def fake() -> FakeFixedFloat:
    """The fake, with signatures checked."""
    made = FakeFixedFloat()
    made.secret = SECRET
    return made


def _authorized(seen: Seen) -> None:
    assert seen.headers["X-API-KEY"] == KEY
    assert seen.headers["X-API-SIGN"] == signature(SECRET, seen.body)
    assert SECRET.encode() not in seen.body


def _finish_refund(fake: FakeExchange, order_id: str) -> None:
    cast("FakeFixedFloat", fake).finish_refund(order_id)


def _error(message: str) -> object:
    return {"code": 1, "msg": message, "data": None}


_PRICE: Final = {
    "from": {"code": "BTC", "amount": "0.01", "min": "0.001", "max": "3"},
    "to": {"code": "USDT", "amount": "600", "min": "1", "max": "9"},
}

FIXEDFLOAT: Final = Case(
    name="fixedfloat",
    fake=fake,
    adapter=adapter,
    fields={
        "quote": {
            "amount_from": "data.from.amount",
            "amount_to": "data.to.amount",
            "currency_to": "data.to.code",
        },
        "create": {
            "id": "data.id",
            "deposit_address": "data.from.address",
            "payout_address": "data.to.address",
            "currency_to": "data.to.code",
            "amount_from": "data.from.amount",
            "amount_to": "data.to.amount",
        },
        "status": {
            "id": "data.id",
            "status": "data.status",
            "payout_address": "data.to.address",
            "currency_to": "data.to.code",
            "amount_to": "data.to.tx.amount",
            "tx_in": "data.from.tx.id",
            "tx_out": "data.to.tx.id",
        },
    },
    steps=(
        Step("NEW", _S.WAITING_DEPOSIT),
        Step("PENDING", _S.CONFIRMING),
        Step("EXCHANGE", _S.EXCHANGING),
        Step("WITHDRAW", _S.SENDING),
        Step("DONE", _S.COMPLETED),
        Step("DONE", _S.REFUND_REQUIRED, {"choice": "REFUND"}),
        Step("EXPIRED", _S.EXPIRED),
        Step("EMERGENCY", _S.REFUND_REQUIRED, {"emergency": ["LESS"]}),
        Step("EMERGENCY", _S.REFUND_REQUIRED, {"choice": "REFUND"}),
        Step("EMERGENCY", _S.EXCHANGING, {"choice": "EXCHANGE"}),
        Step("EMERGENCY", _S.MANUAL_REVIEW, {"choice": "DONATE"}),
    ),
    errors=(
        Documented("quote", 200, _error("Invalid currency"), Refusal.PAIR),
        Documented("quote", 200, _error("Something new"), Fault.UNKNOWN_ERROR),
        Documented("quote", 200, _error("Invalid API key"), Fault.CREDENTIALS),
        *(
            Documented("quote", 200, {"code": 0, "data": {**_PRICE, "errors": [word]}}, reason)
            for word, reason in (
                ("LIMIT_MAX", Refusal.AMOUNT),
                ("RESERVE_TO", Refusal.PAIR),
                ("MAINTENANCE_FROM", Refusal.PAIR),
                ("OFFLINE_TO", Refusal.PAIR),
                ("SOMETHING_NEW", Fault.UNKNOWN_ERROR),
            )
        ),
        Documented("create", 200, _error("Out of limits"), Refusal.AMOUNT),
        Documented("create", 200, _error("Invalid address"), Refusal.ADDRESS),
        Documented("create", 200, {"code": "0", "msg": "OK", "data": None}, Fault.SHAPE),
        Documented("status", 200, _error("Order not found"), Refusal.UNKNOWN_ORDER),
    ),
    authorized=_authorized,
    refund_required=Step("EMERGENCY", _S.REFUND_REQUIRED, {"emergency": ["EXPIRED"]}),
    finish_refund=_finish_refund,
    reverse=("float", "fixed"),
)
