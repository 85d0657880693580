"""A server that speaks SimpleSwap's v3 wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from privata.core.clock import iso
from privata.core.money import parse_amount
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset
from privata.providers.simpleswap.config import CHAINS

_RATE_MINUTES: Final = 20

#: Of the spellings of a chain, the first that is known.
_NETWORKS: Final = {chain: word for word, chain in reversed(tuple(CHAINS.items()))}

#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker.lower(), _NETWORKS[one.chain]): one.asset for one in LISTED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}


class FakeSimpleSwap(FakeExchange):
    """The calls that the adapter makes. Every key is accepted.

    `wraps`: answers stand in `result`. Status answers never do, since both forms are seen.
    """

    name = "simpleswap"
    base_path = "/v3"
    straight = ("waiting", "confirming", "exchanging", "sending", "finished")
    wraps = True

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/currencies", self.currencies),
            Route("limits", "GET", "/ranges", self.ranges),
            Route("quote", "GET", "/estimates", self.estimates),
            Route("create", "POST", "/exchanges", self.create, status=201),
            Route("status", "GET", "/exchanges/{id}", self.exchange),
        )

    async def currencies(self, request: web.Request) -> object:
        return self._wrapped(
            [
                {
                    "ticker": ticker,
                    "network": network,
                    "name": asset.name,
                    "image": "https://example.com/coin.svg",
                    "hasExtraId": asset.network == "XRP",
                    "extraId": "Destination tag" if asset.network == "XRP" else "",
                }
                for (ticker, network), asset in _BY_CODE.items()
            ]
        )

    async def ranges(self, request: web.Request) -> object:
        least, most = self.bounds(_pair(request.query)[0])
        return self._wrapped({"min": str(least), "max": str(most)})

    async def estimates(self, request: web.Request) -> object:
        query = request.query
        source, target = _pair(query)
        direct = query.get("reverse", "false") == "false"
        sent, received = self.priced(source, target, _amount(query.get("amount")), direct=direct)
        self._within(source, sent)
        held = query.get("fixed") == "true"
        return self._wrapped(
            {
                "estimatedAmount": f"{received if direct else sent:f}",
                "rateId": f"rate-{self.new_id()}" if held else None,
                "validUntil": iso(self.in_time(_RATE_MINUTES)) if held else None,
            }
        )

    async def create(self, request: web.Request) -> object:
        body: dict[str, str] = msgspec.json.decode(await request.read())
        source, target = _pair(body)
        fixed = bool(body["fixed"])
        if fixed and not (body.get("rateId") or "").startswith("rate-"):
            raise _error(400, "rateId is not valid")
        if target.network == "XRP" and not body.get("extraIdTo"):
            raise _error(400, "extraIdTo is required")
        amount_from, amount_to = self.priced(
            source, target, _amount(body.get("amount")), direct=True
        )
        self._within(source, amount_from)
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        order = FakeOrder(
            id=number,
            source=source,
            target=target,
            amount_from=amount_from,
            amount_to=amount_to,
            fixed=fixed,
            payout_address=body["addressTo"],
            payout_extra_id=body.get("extraIdTo") or None,
            refund_address=body.get("userRefundAddress") or None,
            refund_extra_id=body.get("userRefundExtraId") or None,
            deposit_address=address,
            deposit_extra_id=extra_id,
            status="waiting",
            created_at=self.clock.now(),
            valid_until=self.in_time(_RATE_MINUTES) if fixed else None,
        )
        return self._wrapped(_shown(self.enter(order)))

    async def exchange(self, request: web.Request) -> object:
        order = self.find(request.match_info["id"])
        if order is None:
            raise _error(404, "Exchange not found")
        return _shown(order)

    def _within(self, source: Asset, amount: Decimal) -> None:
        least, most = self.bounds(source)
        if not least <= amount <= most:
            raise _error(400, "amount is out of range")

    def _wrapped(self, value: object) -> object:
        return {"result": value} if self.wraps else value


def _shown(order: FakeOrder) -> dict[str, object]:
    (ticker_from, network_from), (ticker_to, network_to) = (
        _CODES[order.source],
        _CODES[order.target],
    )
    return {
        "id": f"internal-{order.id}",
        "publicId": order.id,
        "type": "fixed" if order.fixed else "floating",
        "status": order.status,
        "tickerFrom": ticker_from,
        "networkFrom": network_from,
        "tickerTo": ticker_to,
        "networkTo": network_to,
        "amountFrom": str(order.deposited or order.amount_from),
        "amountTo": str(order.sent or order.amount_to),
        "addressFrom": order.deposit_address,
        "extraIdFrom": order.deposit_extra_id,
        "addressTo": order.payout_address,
        "extraIdTo": order.payout_extra_id or "",
        "userRefundAddress": order.refund_address,
        "userRefundExtraId": order.refund_extra_id or "",
        "txFrom": order.tx_in,
        "txTo": order.tx_out,
        "validUntil": iso(order.valid_until) if order.valid_until else None,
        "createdAt": iso(order.created_at),
    }


def _pair(values: Mapping[str, str]) -> tuple[Asset, Asset]:
    found = []
    for side in ("From", "To"):
        code = values.get(f"ticker{side}", ""), values.get(f"network{side}", "")
        if code not in _BY_CODE:
            raise _error(404, "Pair not found")
        found.append(_BY_CODE[code])
    return found[0], found[1]


def _amount(text: str | None) -> Decimal:
    try:
        return parse_amount(text or "")
    except ValueError:
        raise _error(400, "amount is not valid") from None


def _error(status: int, description: str) -> FakeError:
    body = {"code": status, "error": "Error", "description": description, "traceId": "t-1"}
    return FakeError(status, body)
