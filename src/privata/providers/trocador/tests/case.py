"""Trocador for the conformance suite."""

from __future__ import annotations

from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.port import Credentials
from privata.providers.tests.conformance.case import KEY, Case, Documented, Step, quick
from privata.providers.trocador.adapter import Trocador
from privata.providers.trocador.config import TrocadorSettings
from privata.providers.trocador.fake import FakeTrocador

_S = OrderStatus


def adapter(base_url: str, *, without: frozenset[str] = frozenset()) -> Trocador:
    """The adapter for a fake."""
    settings = TrocadorSettings()
    settings = TrocadorSettings(client=quick(settings.client, base_url), without=without)
    return Trocador(Credentials(key=KEY), settings)


def _authorized(seen: Seen) -> None:
    assert seen.method == "GET"
    assert seen.headers["API-Key"] == KEY
    assert KEY not in str(seen.query)


TROCADOR: Final = Case(
    name="trocador",
    fake=FakeTrocador,
    adapter=adapter,
    fields={
        "quote": {
            "amount_from": "amount_from",
            "amount_to": "quotes.quotes.0.amount_to",
            "currency_to": "ticker_to",
        },
        "limits": {"minimum": "0.minimum", "maximum": "0.maximum", "currency_to": "0.ticker"},
        "create": {
            "id": "trade_id",
            "deposit_address": "address_provider",
            "payout_address": "address_user",
            "currency_to": "ticker_to",
            "amount_from": "amount_from",
            "amount_to": "amount_to",
        },
        "status": {
            "id": "0.trade_id",
            "status": "0.status",
            "payout_address": "0.address_user",
            "currency_to": "0.ticker_to",
            "amount_to": "0.amount_to",
            "tx_out": "0.details.hashout",
        },
    },
    steps=(
        Step("new", _S.WAITING_DEPOSIT),
        Step("waiting", _S.WAITING_DEPOSIT),
        Step("confirming", _S.CONFIRMING),
        Step("sending", _S.SENDING),
        Step("finished", _S.COMPLETED),
        Step("paid partially", _S.MANUAL_REVIEW),
        Step("paid_partially", _S.MANUAL_REVIEW),
        Step("halted", _S.MANUAL_REVIEW),
        Step("failed", _S.REFUND_REQUIRED),
        Step("expired", _S.EXPIRED),
        Step("refunded", _S.REFUNDED),
    ),
    errors=(
        Documented("quote", 400, {"error": "no", "message": "no"}, Refusal.OTHER),
        Documented("quote", 200, {"error": "no"}, Refusal.OTHER),
        Documented("create", 400, {"error": "no", "message": "no"}, Refusal.OTHER),
        Documented("create", 200, {"error": "no"}, Refusal.OTHER),
        Documented("status", 200, {"error": "Trade not found"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 400, {"error": "no", "message": "no"}, Refusal.UNKNOWN_ORDER),
        Documented("status", 200, [], Refusal.UNKNOWN_ORDER),
        Documented("currencies", 200, {"error": "no"}, Fault.UNKNOWN_ERROR),
        Documented("quote", 403, {"error": "no"}, Fault.CREDENTIALS),
        Documented("create", 400, {"message": "no"}, Fault.UNKNOWN_ERROR),
    ),
    authorized=_authorized,
)
