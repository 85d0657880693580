"""An order as ChangeNOW shows an exchange: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privata.changenow_api.numbers import number, number_of, number_or_null
from privata.changenow_api.schemas import Exchange
from privata.changenow_api.words import STATUSES, legacy_ticker, network_of
from privata.core.clock import iso
from privata.core.lifecycle import OrderStatus
from privata.core.money import format_amount
from privata.orders.reading import WholeOrder

#: Statuses that only an order with a deposit enters.
_PAID: Final = frozenset(
    {
        OrderStatus.CONFIRMING,
        OrderStatus.EXCHANGING,
        OrderStatus.SENDING,
        OrderStatus.COMPLETED,
        OrderStatus.REFUND_REQUIRED,
        OrderStatus.REFUNDED,
    }
)


def created(order: Mapping[str, Any], wanted: Exchange) -> dict[str, Any]:
    """The answer to `POST /v2/exchange`, out of the order object. Keys without a value are left
    out, except `refundAddress`, which their clients read always."""
    sent, received = number_of(order["amount_from"]), number_of(order["amount_to_expected"])
    shown = {
        "id": order["order_id"],
        "fromAmount": sent,
        "toAmount": received,
        "flow": wanted.flow,
        "type": wanted.type,
        "payinAddress": order["deposit_address"],
        "payoutAddress": order["payout_address"],
        "refundAddress": wanted.refund_address or "",
        "fromCurrency": order["from"].lower(),
        "toCurrency": order["to"].lower(),
        "fromNetwork": network_of(order["from"], order["from_network"]),
        "toNetwork": network_of(order["to"], order["to_network"]),
        "directedAmount": sent if wanted.type == "direct" else received,
    }
    fixed = wanted.flow == "fixed-rate"
    optional = {
        "payinExtraId": order["deposit_extra_id"],
        "payoutExtraId": order["payout_extra_id"],
        "refundExtraId": wanted.refund_extra_id if wanted.refund_address else None,
        "validUntil": order["expires_at"] if fixed else None,
        "rateId": wanted.rate_id if fixed else None,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def by_id(order: WholeOrder, *, actions_available: bool) -> dict[str, Any]:
    """The answer to `GET /v2/exchange/by-id`: every key, with nulls."""
    deposited = _deposited_at(order)
    returned = OrderStatus.REFUNDED in (order.status, order.late_state)
    fixed = order.rate_type == "fixed"
    paid = None if deposited is None else number(order.amount_from, order.from_decimals)
    return {
        "id": order.id,
        "status": STATUSES[OrderStatus(order.status)],
        "actionsAvailable": actions_available,
        "fromCurrency": order.from_asset.lower(),
        "fromNetwork": network_of(order.from_asset, order.from_network),
        "toCurrency": order.to_asset.lower(),
        "toNetwork": network_of(order.to_asset, order.to_network),
        "expectedAmountFrom": number(order.amount_from, order.from_decimals),
        "expectedAmountTo": number(order.amount_to_expected, order.to_decimals),
        "amountFrom": paid,
        "amountTo": number_or_null(order.amount_to_actual, order.to_decimals),
        "payinAddress": order.deposit_address,
        "payoutAddress": order.payout_address,
        "payinExtraId": order.deposit_extra_id,
        "payoutExtraId": order.payout_extra_id,
        "refundAddress": order.refund_address,
        "refundExtraId": order.refund_extra_id,
        "createdAt": iso(order.created_at),
        "updatedAt": iso(order.updated_at),
        "validUntil": iso(order.expires_at) if fixed else None,
        "depositReceivedAt": None if deposited is None else iso(deposited),
        "payinHash": order.tx_in_hash,
        "payoutHash": None if returned else order.tx_out_hash,
        "fromLegacyTicker": legacy_ticker(order.from_asset, order.from_network),
        "toLegacyTicker": legacy_ticker(order.to_asset, order.to_network),
        "refundHash": order.tx_out_hash if returned else None,
        # What arrived after the network's fee is not known.
        "refundAmount": None,
        "userId": None,
        "originalExchangeInfo": None,
        "relatedExchangesInfo": [],
        "repeatedExchangesInfo": [],
    }


def actions(order: WholeOrder, *, available: bool) -> dict[str, Any]:
    """The answer to `GET /v2/exchange/actions`. Amounts are strings here, as they are there."""
    given = {"address": order.refund_address, "extraId": order.refund_extra_id}
    amount = format_amount(order.amount_from, order.from_decimals)
    return {
        "error": None,
        "refund": {
            "available": available,
            "amount": amount if available else None,
            "address": None if order.refund_address is None else given,
            "additionalAddressList": [],
        },
        "continue": {"available": False, "currentEstimate": None},
    }


def _deposited_at(order: WholeOrder) -> datetime | None:
    """When the deposit was seen; a late one is a fact beside the order's status."""
    for status, at in order.timeline:
        if status in _PAID:
            return at
    return order.late_seen_at
