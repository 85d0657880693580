"""StealthEX for the conformance suite."""

from __future__ import annotations

from typing import Final

from privata.core.lifecycle import OrderStatus
from privata.providers.failures import Fault, Refusal
from privata.providers.fakes.exchange import Seen
from privata.providers.port import Credentials
from privata.providers.stealthex.adapter import StealthEx
from privata.providers.stealthex.config import StealthExSettings
from privata.providers.stealthex.fake import FakeStealthEx
from privata.providers.tests.conformance.case import KEY, Case, Documented, Step, quick

_S = OrderStatus


def adapter(base_url: str, *, page: int = 250) -> StealthEx:
    """The adapter for a fake."""
    settings = StealthExSettings()
    settings = StealthExSettings(client=quick(settings.client, base_url), page=page)
    return StealthEx(Credentials(key=KEY), settings)


def _authorized(seen: Seen) -> None:
    assert seen.headers["Authorization"] == f"Bearer {KEY}"


def _kind(call: str, status: int, kind: object, reason: Refusal | Fault) -> Documented:
    return Documented(call, status, {"err": {"kind": kind, "details": "as it says"}}, reason)


STEALTHEX: Final = Case(
    name="stealthex",
    fake=FakeStealthEx,
    adapter=adapter,
    fields={
        "quote": {"amount_to": "estimated_amount"},
        "limits": {"minimum": "min_amount", "maximum": "max_amount"},
        "create": {
            "id": "id",
            "deposit_address": "deposit.address",
            "payout_address": "withdrawal.address",
            "currency_to": "withdrawal.symbol",
            "amount_from": "deposit.expected_amount",
            "amount_to": "withdrawal.expected_amount",
        },
        "status": {
            "id": "id",
            "status": "status",
            "payout_address": "withdrawal.address",
            "currency_to": "withdrawal.symbol",
            "amount_to": "withdrawal.amount",
            "tx_in": "deposit.tx_hash",
            "tx_out": "withdrawal.tx_hash",
        },
    },
    steps=(
        Step("waiting", _S.WAITING_DEPOSIT),
        Step("confirming", _S.CONFIRMING),
        Step("exchanging", _S.EXCHANGING),
        Step("sending", _S.SENDING),
        Step("verifying", _S.MANUAL_REVIEW),
        Step("finished", _S.COMPLETED),
        Step("failed", _S.FAILED),
        Step("expired", _S.EXPIRED),
        Step("refunded", _S.REFUNDED),
    ),
    errors=(
        _kind("quote", 404, "NoPair", Refusal.PAIR),
        _kind("create", 404, "NoPair", Refusal.PAIR),
        _kind("status", 404, "NotFound", Refusal.UNKNOWN_ORDER),
        _kind("create", 400, "WhoKnows", Fault.UNKNOWN_ERROR),
        _kind("quote", 400, None, Fault.UNKNOWN_ERROR),
        Documented("status", 404, {"error": "not found"}, Fault.UNKNOWN_ERROR),
        _kind("quote", 403, "Forbidden", Fault.CREDENTIALS),
    ),
    authorized=_authorized,
)
