"""A server that speaks ChangeNOW's v2 wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from privata.core.clock import iso
from privata.core.money import parse_amount
from privata.providers.changenow.config import CHAINS
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset
from privata.providers.simulator.addresses import tx_hash

#: Native coins of Avalanche are listed on another network than its tokens.
_NATIVE: Final = {"AVAX": "cchain"}
_NETWORKS: Final = {chain: word for word, chain in CHAINS.items() if word != "cchain"}

_FIXED_MINUTES: Final = 20

#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker.lower(), _NATIVE.get(one.asset.ticker, _NETWORKS[one.chain])): one.asset
    for one in LISTED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in LISTED}


class FakeChangeNow(FakeExchange):
    """The calls that the adapter makes. Every key is accepted."""

    name = "changenow"
    base_path = "/v2"
    straight = ("waiting", "confirming", "exchanging", "sending", "finished")

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/exchange/currencies", self.currencies),
            Route("limits", "GET", "/exchange/range", self.range),
            Route("quote", "GET", "/exchange/estimated-amount", self.estimate),
            Route("create", "POST", "/exchange", self.create),
            Route("status", "GET", "/exchange/by-id", self.by_id),
            Route("actions", "GET", "/exchange/actions", self.actions),
            Route("refund", "POST", "/exchange/refund", self.refund),
        )

    async def currencies(self, request: web.Request) -> object:
        return [self._currency(asset, *code) for code, asset in _BY_CODE.items()]

    async def range(self, request: web.Request) -> object:
        pair = self._pair(request.query)
        least, most = self.bounds(pair[0])
        flow = request.query.get("flow", "standard")
        return {**_named(*pair), "flow": flow, "minAmount": least, "maxAmount": most}

    async def estimate(self, request: web.Request) -> object:
        query = request.query
        source, target = self._pair(query)
        direct = query.get("type", "direct") == "direct"
        amount = _amount(query.get("fromAmount" if direct else "toAmount"))
        amount_from, amount_to = self.priced(source, target, amount, direct=direct)
        self._within(source, amount_from)
        fixed = query.get("flow") == "fixed-rate"
        held = fixed and query.get("useRateId") == "true"
        return {
            **_named(source, target),
            "flow": query.get("flow", "standard"),
            "type": query.get("type", "direct"),
            "rateId": f"rate-{self.new_id()}" if held else None,
            "validUntil": iso(self.in_time(_FIXED_MINUTES)) if held else None,
            "transactionSpeedForecast": "10-60",
            "warningMessage": None,
            "depositFee": Decimal("0.0000096"),
            "withdrawalFee": Decimal("0.009"),
            "userId": None,
            "fromAmount": amount_from,
            "toAmount": amount_to,
        }

    async def create(self, request: web.Request) -> object:
        body: dict[str, str] = msgspec.json.decode(await request.read())
        source, target = self._pair(body)
        fixed = body.get("flow") == "fixed-rate"
        if fixed and not body.get("rateId", "").startswith("rate-"):
            raise _error(400, "not_valid_params", "rateId is required")
        amount_from, amount_to = self.priced(
            source, target, _amount(body.get("fromAmount")), direct=True
        )
        self._within(source, amount_from)
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        order = self.enter(
            FakeOrder(
                id=number,
                source=source,
                target=target,
                amount_from=amount_from,
                amount_to=amount_to,
                fixed=fixed,
                payout_address=body["address"],
                payout_extra_id=body.get("extraId") or None,
                refund_address=body.get("refundAddress") or None,
                refund_extra_id=body.get("refundExtraId") or None,
                deposit_address=address,
                deposit_extra_id=extra_id,
                status="waiting",
                created_at=self.clock.now(),
                valid_until=self.in_time(_FIXED_MINUTES) if fixed else None,
            )
        )
        # Keys that are not used are absent here, unlike in `by-id`.
        extras = {
            "payinExtraId": order.deposit_extra_id,
            "payoutExtraId": order.payout_extra_id,
            "refundExtraId": order.refund_extra_id,
            "validUntil": iso(order.valid_until) if order.valid_until else None,
            "rateId": body.get("rateId") or None,
        }
        return {
            "fromAmount": amount_from,
            "toAmount": amount_to,
            "flow": body.get("flow", "standard"),
            "type": body.get("type", "direct"),
            "payinAddress": order.deposit_address,
            "payoutAddress": order.payout_address,
            "refundAddress": order.refund_address or "",
            **_named(source, target),
            "id": order.id,
            "directedAmount": amount_from,
            **{key: value for key, value in extras.items() if value is not None},
        }

    async def by_id(self, request: web.Request) -> object:
        order = self._order(request.query.get("id", ""))
        return {
            "id": order.id,
            "status": order.status,
            "actionsAvailable": order.facts.get("actions", False),
            **_named(order.source, order.target),
            "expectedAmountFrom": order.amount_from,
            "expectedAmountTo": order.amount_to,
            "amountFrom": order.deposited,
            "amountTo": order.sent,
            "payinAddress": order.deposit_address,
            "payoutAddress": order.payout_address,
            "payinExtraId": order.deposit_extra_id,
            "payoutExtraId": order.payout_extra_id,
            "refundAddress": order.refund_address,
            "refundExtraId": order.refund_extra_id,
            "createdAt": iso(order.created_at),
            "updatedAt": iso(order.created_at),
            "validUntil": iso(order.valid_until) if order.valid_until else None,
            "depositReceivedAt": None,
            "payinHash": order.tx_in,
            "payoutHash": order.tx_out,
            "refundHash": order.tx_refund,
            "refundAmount": None,
            "userId": None,
            "originalExchangeInfo": None,
            "relatedExchangesInfo": [],
            "repeatedExchangesInfo": [],
        }

    async def actions(self, request: web.Request) -> object:
        order = self._order(request.query.get("id", ""))
        available = bool(order.facts.get("actions"))
        address = {"address": order.refund_address, "extraId": order.refund_extra_id}
        return {
            "error": None,
            "refund": {
                "available": available,
                "amount": str(order.deposited or 0),
                "address": address,
                "additionalAddressList": [],
            },
            "continue": {"available": available, "currentEstimate": str(order.amount_to)},
        }

    async def refund(self, request: web.Request) -> object:
        body: dict[str, str] = msgspec.json.decode(await request.read())
        order = self._order(body.get("id", ""))
        if not order.facts.get("actions"):
            text = f"Refund not available for exchange {order.id}"
            raise _error(400, "not_available", text)
        order.facts["actions"] = False
        order.facts["refunding_to"] = body["address"]
        order.refund_asked_at = self.clock.now()
        return {"result": True}

    def strand(self, order_id: str) -> None:
        """Let the exchange fail, with the deposit to be sent back."""
        self.move(order_id, "failed", actions=True)

    def finish_refund(self, order_id: str) -> None:
        """The refund that was asked for is sent."""
        order = self.book[order_id]
        order.status, order.tx_refund = "refunded", tx_hash(order_id, "refund")

    def _currency(self, asset: Asset, ticker: str, network: str) -> dict[str, object]:
        return {
            "ticker": ticker,
            "name": asset.name,
            "image": "https://example.com/coin.svg",
            "hasExternalId": asset.network == "XRP",
            "isExtraIdSupported": asset.network == "XRP",
            "isFiat": False,
            "featured": False,
            "isStable": ticker in ("usdt", "usdc"),
            "supportsFixedRate": True,
            "network": network,
            "tokenContract": _CONTRACTS[asset],
            "buy": True,
            "sell": True,
            "legacyTicker": ticker,
        }

    def _pair(self, values: Mapping[str, str]) -> tuple[Asset, Asset]:
        found = []
        for side in ("from", "to"):
            code = (
                values.get(f"{side}Currency", "").lower(),
                values.get(f"{side}Network", "").lower(),
            )
            if code not in _BY_CODE:
                raise _error(400, "pair_is_inactive", "Pair is inactive")
            found.append(_BY_CODE[code])
        return found[0], found[1]

    def _within(self, source: Asset, amount: Decimal) -> None:
        least, most = self.bounds(source)
        if not least <= amount <= most:
            word = "deposit_too_small" if amount < least else "out_of_range"
            bounds = {"range": {"minAmount": least, "maxAmount": most}}
            raise _error(400, word, "Out of min amount", payload=bounds)

    def _order(self, order_id: str) -> FakeOrder:
        order = self.find(order_id)
        if order is None:
            raise _error(404, "not_found", "Transaction not found")
        return order


def _named(source: Asset, target: Asset) -> dict[str, str]:
    (from_ticker, from_network), (to_ticker, to_network) = _CODES[source], _CODES[target]
    return {
        "fromCurrency": from_ticker,
        "fromNetwork": from_network,
        "toCurrency": to_ticker,
        "toNetwork": to_network,
    }


def _amount(text: str | None) -> Decimal:
    try:
        return parse_amount(text or "")
    except ValueError:
        raise _error(400, "not_valid_params", "amount is not valid") from None


def _error(status: int, word: str, message: str, **more: object) -> FakeError:
    return FakeError(status, {"error": word, "message": message, **more})
