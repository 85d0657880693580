"""A server that speaks Exolix's v2 wire format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from privata.core.clock import iso
from privata.providers.exolix.config import CHAINS
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset

_NETWORKS: Final = {chain: word.upper() for word, chain in CHAINS.items()}
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker, _NETWORKS[one.chain]): one.asset for one in LISTED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in LISTED}
#: What native coins have as their contract.
_NO_CONTRACT: Final = "0x" + "e" * 40

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class FakeExolix(FakeExchange):
    """The calls that the adapter makes. Its list comes in pages of at most `page_most`."""

    name = "exolix"
    base_path = "/api/v2"
    straight = ("wait", "confirmation", "exchanging", "sending", "success")
    page_most = 100

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/currencies", self.currencies),
            Route("quote", "GET", "/rate", self.rate),
            Route("create", "POST", "/transactions", self.create, 201),
            Route("status", "GET", "/transactions/{id}", self.transaction),
        )

    async def currencies(self, request: web.Request) -> object:
        coins: dict[str, dict[str, Any]] = {}
        for (ticker, network), asset in _BY_CODE.items():
            coin = coins.setdefault(ticker, {"code": ticker, "name": asset.name, "networks": []})
            coin["networks"].append(
                {
                    "network": network,
                    "name": network,
                    "shortName": None,
                    "addresRegex": None,
                    "isDefault": True,
                    "decimal": asset.decimals,
                    "depositMinAmount": None,
                    "memoNeeded": ticker == "XRP",
                    "precision": 8,
                    "contract": _CONTRACTS[asset] or _NO_CONTRACT,
                }
            )
        size = min(int(request.query.get("size", "100")), self.page_most)
        start = (int(request.query.get("page", "1")) - 1) * size
        return {"data": list(coins.values())[start : start + size], "count": len(coins)}

    async def rate(self, request: web.Request) -> object:
        query = request.query
        source, target = self._pair(query)
        direct = "amount" in query
        amount = Decimal(query["amount" if direct else "withdrawalAmount"])
        sent, received = self.priced(source, target, amount, direct=direct)
        least, most = self.bounds(source)
        bounds = {"minAmount": least, "withdrawMin": Decimal("0.1"), "maxAmount": most}
        if not least <= sent <= most:
            bound = "below the possible min" if sent < least else "above the possible max"
            text = f"Amount to exchange is {bound} amount to exchange"
            body = {"fromAmount": sent, "toAmount": 0, "message": text, **bounds}
            raise FakeError(422 if direct else 200, body)
        return {
            "fromAmount": sent,
            "toAmount": received,
            "rate": Decimal(1),
            "message": None,
            **bounds,
            "priceImpact": "0",
        }

    async def create(self, request: web.Request) -> object:
        body: dict[str, Any] = _DECODER.decode(await request.read())
        source, target = self._pair(body)
        amount = Decimal(str(body["amount"]))
        least, most = self.bounds(source)
        if not least <= amount <= most:
            raise FakeError(400, {"errors": {"amount": "Amount is out of range"}})
        sent, received = self.priced(source, target, amount, direct=True)
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        order = self.enter(
            FakeOrder(
                id=number,
                source=source,
                target=target,
                amount_from=sent,
                amount_to=received,
                # A rate is fixed unless it is said otherwise.
                fixed=body.get("rateType", "fixed") == "fixed",
                payout_address=body["withdrawalAddress"],
                payout_extra_id=body.get("withdrawalExtraId"),
                refund_address=body.get("refundAddress"),
                refund_extra_id=body.get("refundExtraId"),
                deposit_address=address,
                deposit_extra_id=extra_id,
                status="wait",
                created_at=self.clock.now(),
            )
        )
        return _shown(order)

    async def transaction(self, request: web.Request) -> object:
        order = self.find(request.match_info["id"])
        if order is None:
            raise FakeError(404, {"message": "Transaction not found"})
        return _shown(order)

    def _pair(self, values: Mapping[str, Any]) -> tuple[Asset, Asset]:
        found = []
        for side in ("From", "To"):
            asset = _BY_CODE.get((values.get(f"coin{side}"), values.get(f"network{side}")))  # type: ignore[arg-type]
            if asset is None:
                raise FakeError(422, {"message": "Such exchange pair is not available"})
            found.append(asset)
        return found[0], found[1]


def _shown(order: FakeOrder) -> dict[str, object]:
    return {
        "id": order.id,
        "amount": order.amount_from,
        "amountTo": order.amount_to,
        "coinFrom": _coin(order.source),
        "coinTo": _coin(order.target),
        "comment": None,
        "createdAt": iso(order.created_at),
        "depositAddress": order.deposit_address,
        "depositExtraId": order.deposit_extra_id,
        "withdrawalAddress": order.payout_address,
        "withdrawalExtraId": order.payout_extra_id,
        "refundAddress": order.refund_address,
        "refundExtraId": order.refund_extra_id,
        "hashIn": {"hash": order.tx_in, "link": None},
        "hashOut": {"hash": order.tx_out, "link": None},
        "rate": Decimal(1),
        "rateType": "fixed" if order.fixed else "float",
        "affiliateToken": None,
        "status": order.status,
        "source": "api",
        "email": None,
    }


def _coin(asset: Asset) -> dict[str, object]:
    ticker, network = _CODES[asset]
    return {
        "coinCode": ticker,
        "coinName": asset.name,
        "network": network,
        "networkName": network,
        "memoName": "",
        "contract": _CONTRACTS[asset] or _NO_CONTRACT,
    }
