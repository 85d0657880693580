"""SideShift for the conformance suite."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, cast

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import FakeExchange, Seen
from privata.providers.port import Credentials
from privata.providers.sideshift.adapter import SideShift
from privata.providers.sideshift.config import SideShiftSettings
from privata.providers.sideshift.fake import FakeSideShift
from privata.providers.tests.conformance.case import (
    ACCOUNT,
    SECRET,
    Case,
    Documented,
    Step,
    quick,
)

_S = OrderStatus


def adapter(base_url: str) -> SideShift:
    """The adapter for a fake."""
    settings = SideShiftSettings()
    settings = SideShiftSettings(
        client=quick(settings.client, base_url),
        user_ip="192.0.2.1",
        refund_check=timedelta(seconds=1),
    )
    return SideShift(Credentials(secret=SECRET, account=ACCOUNT), settings)


def _authorized(seen: Seen) -> None:
    if seen.method == "POST":
        assert seen.headers["x-sideshift-secret"] == SECRET
        assert seen.headers["x-user-ip"] in ("192.0.2.7", "192.0.2.1")
    else:
        assert "x-sideshift-secret" not in seen.headers
    if seen.call in ("create", "quote"):
        assert seen.json()["affiliateId"] == ACCOUNT


def _finish_refund(fake: FakeExchange, order_id: str) -> None:
    cast("FakeSideShift", fake).finish_refund(order_id)


def _error(message: str, code: str | None = "BAD_USER_INPUT") -> object:
    inner = {"message": message} if code is None else {"message": message, "code": code}
    return {"error": inner}


def _deposits(*words: str) -> dict[str, object]:
    return {"deposits": [{"status": word} for word in words]}


SIDESHIFT: Final = Case(
    name="sideshift",
    fake=FakeSideShift,
    adapter=adapter,
    usual="fixed",
    amountless=("float",),
    reverse=("float", "fixed"),
    fields={
        "quote": {
            "amount_from": "depositAmount",
            "amount_to": "settleAmount",
            "currency_to": "settleCoin",
        },
        "create": {
            "id": "id",
            "deposit_address": "depositAddress",
            "payout_address": "settleAddress",
            "currency_to": "settleCoin",
            "amount_from": "depositAmount",
            "amount_to": "settleAmount",
        },
        "status": {
            "id": "id",
            "status": "status",
            "payout_address": "settleAddress",
            "currency_to": "settleCoin",
            "amount_to": "settleAmount",
            "tx_in": "depositHash",
            "tx_out": "settleHash",
        },
    },
    steps=(
        Step("waiting", _S.WAITING_DEPOSIT),
        Step("pending", _S.CONFIRMING),
        Step("processing", _S.EXCHANGING),
        Step("review", _S.MANUAL_REVIEW),
        Step("settling", _S.SENDING),
        Step("settled", _S.COMPLETED),
        Step("refund", _S.REFUND_REQUIRED, {"issue": "incorrect amount"}),
        Step("refunding", _S.REFUND_REQUIRED),
        Step("refunded", _S.REFUNDED),
        Step("expired", _S.EXPIRED),
        Step("dead", _S.FAILED),
        Step("multiple", _S.COMPLETED, _deposits("settled", "settled")),
        Step("multiple", _S.MANUAL_REVIEW, _deposits("settled", "refunding")),
        Step("multiple", _S.MANUAL_REVIEW, _deposits()),
    ),
    errors=(
        Documented("quote", 400, _error("Invalid coin"), Refusal.PAIR),
        Documented("quote", 400, _error("Amount too low. Minimum: 1"), Refusal.AMOUNT),
        Documented("quote", 400, _error("Amount too high. Maximum: 1"), Refusal.AMOUNT),
        Documented("quote", 403, _error("Access denied", "ACCESS_DENIED"), Refusal.COUNTRY),
        Documented("create", 400, _error("Invalid receiving address"), Refusal.ADDRESS),
        Documented("create", 400, _error("Invalid refundDestination"), Refusal.ADDRESS),
        Documented(
            "create", 400, _error("This settle address belongs to SideShift.ai"), Refusal.ADDRESS
        ),
        Documented("create", 400, {"message": "Invalid coin"}, Refusal.PAIR),
        Documented("create", 400, _error("Missing x-user-ip header", None), Refusal.OTHER),
        Documented("status", 404, _error("Order not found", None), Refusal.UNKNOWN_ORDER),
        Documented("status", 500, _error("Internal", None), Fault.SERVER_ERROR),
    ),
    authorized=_authorized,
    refund_required=Step("refund", _S.REFUND_REQUIRED),
    finish_refund=_finish_refund,
)
