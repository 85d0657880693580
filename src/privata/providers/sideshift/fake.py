"""A server that speaks SideShift's v2 wire format."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from privata.core.clock import iso
from privata.core.money import CONTEXT, format_amount, parse_amount
from privata.providers.fakes.assets import LISTED, PRICES
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset
from privata.providers.sideshift.config import CHAINS
from privata.providers.simulator.addresses import tx_hash

_NETWORKS: Final = {chain: word for word, chain in CHAINS.items()}
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker, _NETWORKS[one.chain]): one.asset for one in LISTED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in LISTED}

_QUOTE_MINUTES: Final = 15
_VARIABLE_MINUTES: Final = 24 * 60


class FakeSideShift(FakeExchange):
    """The calls that the adapter makes. A call that names no user's address is refused, as from a
    server; coins are upper case in answers and networks lower case, whatever was asked."""

    name = "sideshift"
    base_path = "/api/v2"
    straight = ("waiting", "pending", "processing", "settling", "settled")

    #: Fixed rates by their id: the pair, what is sent and what is received.
    quotes: dict[str, tuple[Asset, Asset, Decimal, Decimal]]

    def routes(self) -> Sequence[Route]:
        self.quotes = {}
        return (
            Route("currencies", "GET", "/coins", self.coins),
            Route("pair", "GET", "/pair/{source}/{target}", self.pair),
            Route("quote", "POST", "/quotes", self.quote, 201),
            Route("create", "POST", "/shifts/fixed", self.fixed, 201),
            Route("create", "POST", "/shifts/variable", self.variable, 201),
            Route("status", "GET", "/shifts/{id}", self.shift),
            Route("refund", "POST", "/shifts/{id}/set-refund-address", self.set_refund, 201),
        )

    async def coins(self, request: web.Request) -> object:
        coins: dict[str, dict[str, Any]] = {}
        for (ticker, network), asset in _BY_CODE.items():
            coin = coins.setdefault(
                ticker,
                {
                    "coin": ticker,
                    "name": asset.name,
                    "networks": [],
                    "tokenDetails": {},
                    "networksWithMemo": ["ripple"] if ticker == "XRP" else [],
                    "fixedOnly": False,
                    "depositOffline": False,
                    "settleOffline": [],
                },
            )
            coin["networks"].append(network)
            contract = _CONTRACTS[asset]
            if contract is not None:
                details = {"contractAddress": contract, "decimals": asset.decimals}
                coin["tokenDetails"][network] = details
        # One that is offline as a whole, and one on a network of its own.
        coins["DOGE"]["depositOffline"] = True
        coins["LTC"]["networks"].append("liquid")
        return list(coins.values())

    async def pair(self, request: web.Request) -> object:
        source, target = (self._coin(request.match_info[side]) for side in ("source", "target"))
        least, most = self.bounds(source)
        rate = CONTEXT.divide(PRICES[source.ticker], PRICES[target.ticker])
        rate = CONTEXT.multiply(rate, 1 - self.spread)
        return {
            "min": str(least),
            "max": str(most),
            "rate": f"{rate:.12f}",
            **_named(source, target),
        }

    async def quote(self, request: web.Request) -> object:
        body = self._body(request, await request.read())
        source, target = self._pair(body)
        direct = body.get("depositAmount") is not None
        amount = _amount(body["depositAmount" if direct else "settleAmount"])
        sent, received = self.priced(source, target, amount, direct=direct)
        self._within(source, sent)
        number = secrets.token_hex(16)
        self.quotes[number] = (source, target, sent, received)
        return {
            "id": number,
            "createdAt": iso(self.clock.now()),
            **_named(source, target),
            "expiresAt": iso(self.in_time(_QUOTE_MINUTES)),
            "depositAmount": format_amount(sent, source.decimals),
            "settleAmount": format_amount(received, target.decimals),
            "rate": "1",
            "affiliateId": body.get("affiliateId"),
        }

    async def fixed(self, request: web.Request) -> object:
        body = self._body(request, await request.read())
        quote = self.quotes.pop(body.get("quoteId", ""), None)
        if quote is None:
            raise _error(400, "Quote not found or expired")
        return self._shown(self._open(body, *quote, fixed=True))

    async def variable(self, request: web.Request) -> object:
        body = self._body(request, await request.read())
        source, target = self._pair(body)
        least, _ = self.bounds(source)
        sent, received = self.priced(source, target, least, direct=True)
        return self._shown(self._open(body, source, target, sent, received, fixed=False))

    async def shift(self, request: web.Request) -> object:
        return self._shown(self._own(request))

    async def set_refund(self, request: web.Request) -> object:
        body: dict[str, str] = msgspec.json.decode(await request.read())
        order = self._own(request)
        if order.status != "refund":
            raise _error(400, "Invalid refundDestination")
        order.refund_address, order.refund_extra_id = body["address"], body.get("memo")
        order.status = "refunding"
        order.refund_asked_at = self.clock.now()
        return self._shown(order)

    def strand(self, order_id: str) -> None:
        """Let the shift wait for a refund address."""
        self.move(order_id, "refund")

    def finish_refund(self, order_id: str) -> None:
        """The refund is sent."""
        order = self.book[order_id]
        order.status, order.tx_refund = "refunded", tx_hash(order_id, "refund")

    def _open(
        self,
        body: Mapping[str, Any],
        source: Asset,
        target: Asset,
        sent: Decimal,
        received: Decimal,
        *,
        fixed: bool,
    ) -> FakeOrder:
        number = secrets.token_hex(10)
        address, extra_id = self.address_for(source, number)
        return self.enter(
            FakeOrder(
                id=number,
                source=source,
                target=target,
                amount_from=sent,
                amount_to=received,
                fixed=fixed,
                payout_address=body["settleAddress"],
                payout_extra_id=body.get("settleMemo"),
                refund_address=body.get("refundAddress"),
                refund_extra_id=body.get("refundMemo"),
                deposit_address=address,
                deposit_extra_id=extra_id,
                status="waiting",
                created_at=self.clock.now(),
                valid_until=self.in_time(_QUOTE_MINUTES if fixed else _VARIABLE_MINUTES),
            )
        )

    def _shown(self, order: FakeOrder) -> dict[str, object]:
        """A shift: what is not known yet is absent, not null."""
        assert order.valid_until is not None
        least, most = self.bounds(order.source)
        amount = format_amount(order.amount_from, order.source.decimals)
        received = order.amount_to if order.fixed else order.sent
        known = {
            "depositMemo": order.deposit_extra_id,
            "settleMemo": order.payout_extra_id,
            "refundAddress": order.refund_address,
            "refundMemo": order.refund_extra_id,
            "depositAmount": amount if order.fixed or order.deposited else None,
            "settleAmount": received and format_amount(received, order.target.decimals),
            "depositHash": order.tx_in,
            "settleHash": order.tx_out,
            "refundHash": order.tx_refund,
            "deposits": order.facts.get("deposits"),
            "issue": order.facts.get("issue"),
        }
        return {
            "id": order.id,
            "createdAt": iso(order.created_at),
            **_named(order.source, order.target),
            "depositAddress": order.deposit_address,
            "settleAddress": order.payout_address,
            "depositMin": amount if order.fixed else str(least),
            "depositMax": amount if order.fixed else str(most),
            "type": "fixed" if order.fixed else "variable",
            "expiresAt": iso(order.valid_until),
            "status": order.status,
            "averageShiftSeconds": "45.4",
            **{key: value for key, value in known.items() if value is not None},
        }

    def _body(self, request: web.Request, raw: bytes) -> dict[str, Any]:
        if "x-user-ip" not in request.headers:
            raise FakeError(400, {"error": {"message": "Missing x-user-ip header"}})
        found: dict[str, Any] = msgspec.json.decode(raw)
        return found

    def _pair(self, body: Mapping[str, Any]) -> tuple[Asset, Asset]:
        found = []
        for side in ("deposit", "settle"):
            named = f"{body[f'{side}Coin']}-{body[f'{side}Network']}"
            found.append(self._coin(named))
        return found[0], found[1]

    def _coin(self, named: str) -> Asset:
        ticker, _, network = named.partition("-")
        asset = _BY_CODE.get((ticker.upper(), network.lower()))
        if asset is None:
            raise _error(400, "Invalid coin")
        return asset

    def _within(self, source: Asset, amount: Decimal) -> None:
        least, most = self.bounds(source)
        if amount < least:
            raise _error(400, f"Amount too low. Minimum amount: {least}")
        if amount > most:
            raise _error(400, f"Amount too high. Maximum amount: {most}")

    def _own(self, request: web.Request) -> FakeOrder:
        order = self.find(request.match_info["id"])
        if order is None:
            raise FakeError(404, {"error": {"message": "Order not found"}})
        return order


def _named(source: Asset, target: Asset) -> dict[str, str]:
    (deposit, deposit_network), (settle, settle_network) = _CODES[source], _CODES[target]
    return {
        "depositCoin": deposit,
        "settleCoin": settle,
        "depositNetwork": deposit_network,
        "settleNetwork": settle_network,
    }


def _amount(text: str) -> Decimal:
    try:
        return parse_amount(text)
    except ValueError:
        raise _error(400, "Invalid amount") from None


def _error(status: int, message: str) -> FakeError:
    return FakeError(status, {"error": {"message": message, "code": "BAD_USER_INPUT"}})
