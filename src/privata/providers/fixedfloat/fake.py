"""A server that speaks FixedFloat's v2 wire format: POST for everything, signed, in an envelope."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from privata.core.money import format_amount
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.fixedfloat.config import CHAINS
from privata.providers.fixedfloat.wire import signature
from privata.providers.port import Asset
from privata.providers.simulator.addresses import tx_hash

_NETWORKS: Final = {chain: word.upper() for word, chain in CHAINS.items()}
_SUFFIX: Final = {"TRC20": "TRC", "SOL": "SOL", "BSC": "BSC", "POLYGON": "MATIC"}

_MINUTES: Final = {True: 10, False: 30}
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def _code(asset: Asset) -> str:
    """`USDTTRC`, `USDCSOL`; a coin on its own chain has its ticker."""
    if asset.ticker == asset.network or asset.network == "ERC20":
        return asset.ticker
    return asset.ticker + _SUFFIX.get(asset.network, asset.network)


_BY_CODE: Final[Mapping[str, Asset]] = {_code(one.asset): one.asset for one in LISTED}
_CHAIN: Final = {one.asset: _NETWORKS[one.chain] for one in LISTED}


class FakeFixedFloat(FakeExchange):
    """The methods that the adapter calls. A signature that does not fit `secret` is refused."""

    name = "fixedfloat"
    base_path = "/api/v2"
    straight = ("NEW", "PENDING", "EXCHANGE", "WITHDRAW", "DONE")

    #: What signs, if signatures are to be checked.
    secret: str | None = None

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "POST", "/ccies", self.ccies),
            Route("quote", "POST", "/price", self.price),
            Route("create", "POST", "/create", self.create),
            Route("status", "POST", "/order", self.order),
            Route("refund", "POST", "/emergency", self.emergency),
        )

    async def ccies(self, request: web.Request) -> object:
        await self._body(request)
        odd: list[dict[str, object]] = [
            {"code": "BTCLN", "coin": "BTC", "network": "LN", "name": "Bitcoin (Lightning)"},
            {"code": "OLD", "coin": "DOGE", "network": "DOGE", "recv": 0, "send": False},
        ]
        # `recv` and `send` come as numbers and as booleans.
        listed = [
            {"code": code, "coin": asset.ticker, "network": _CHAIN[asset], "recv": 1, "send": True}
            for code, asset in _BY_CODE.items()
        ]
        rest = {"tag": None, "logo": "", "color": "#000", "priority": 1}
        return _envelope([{**rest, **one} for one in (*odd, *listed)])

    async def price(self, request: web.Request) -> object:
        body = await self._body(request)
        source, target, sent, received = self._priced(body)
        least, most = self.bounds(source)
        errors = ["LIMIT_MIN"] if sent < least else ["LIMIT_MAX"] if sent > most else []
        return _envelope(
            {
                "from": {**_side(source, sent), "min": str(least), "max": str(most)},
                "to": {**_side(target, received), "min": "0", "max": "1000000"},
                "errors": errors,
            }
        )

    async def create(self, request: web.Request) -> object:
        body = await self._body(request)
        source, target, sent, received = self._priced(body)
        least, most = self.bounds(source)
        if not least <= sent <= most:
            raise _error(301, "Out of limits")
        number = secrets.token_hex(3).upper()
        address, extra_id = self.address_for(source, number)
        fixed = body["type"] == "fixed"
        order = self.enter(
            FakeOrder(
                id=number,
                source=source,
                target=target,
                amount_from=sent,
                amount_to=received,
                fixed=fixed,
                payout_address=body["toAddress"],
                payout_extra_id=body.get("tag"),
                refund_address=None,
                refund_extra_id=None,
                deposit_address=address,
                deposit_extra_id=extra_id,
                status="NEW",
                created_at=self.clock.now(),
                secret=secrets.token_urlsafe(30),
                valid_until=self.in_time(_MINUTES[fixed]),
            )
        )
        return _envelope(self._shown(order))

    async def order(self, request: web.Request) -> object:
        return _envelope(self._shown(self._own(await self._body(request))))

    async def emergency(self, request: web.Request) -> object:
        body = await self._body(request)
        order = self._own(body)
        if order.status != "EMERGENCY" or order.facts.get("choice", "NONE") != "NONE":
            raise _error(500, "Choice is not possible")
        order.facts["choice"] = body["choice"]
        order.refund_address = body.get("address")
        order.refund_asked_at = self.clock.now()
        return _envelope(data=True)

    def strand(self, order_id: str) -> None:
        """Let the order wait for a choice: less has come than was agreed."""
        self.move(order_id, "EMERGENCY", emergency=["LESS"])

    def finish_refund(self, order_id: str) -> None:
        """The refund that was chosen is sent."""
        self.book[order_id].tx_refund = tx_hash(order_id, "refund")

    async def _body(self, request: web.Request) -> dict[str, Any]:
        raw = await request.read()
        signed = request.headers.get("X-API-SIGN")
        if self.secret is not None and signed != signature(self.secret, raw):
            raise _error(401, "Invalid API signature")
        found: dict[str, Any] = _DECODER.decode(raw)
        return found

    def _priced(self, body: Mapping[str, Any]) -> tuple[Asset, Asset, Decimal, Decimal]:
        source, target = _BY_CODE.get(body["fromCcy"]), _BY_CODE.get(body["toCcy"])
        if source is None or target is None:
            raise _error(310, "Invalid currency")
        amount = Decimal(str(body["amount"]))
        direct = body["direction"] == "from"
        sent, received = self.priced(
            source,
            target,
            amount,
            direct=direct,
            markup_percent=Decimal(str(body.get("afftax", 0))),
        )
        return source, target, sent, received

    def _own(self, body: Mapping[str, Any]) -> FakeOrder:
        order = self.find(body["id"])
        if order is None or not secrets.compare_digest(order.secret, body["token"]):
            raise _error(404, "Order not found")
        return order

    def _shown(self, order: FakeOrder) -> dict[str, object]:
        assert order.valid_until is not None
        expires = int(order.valid_until.timestamp())
        return {
            "id": order.id,
            "type": "fixed" if order.fixed else "float",
            "email": "",
            "status": order.status,
            "time": {
                "reg": int(order.created_at.timestamp()),
                "start": None,
                "finish": None,
                "update": int(order.created_at.timestamp()),
                "expiration": expires,
                "left": max(0, expires - int(time.monotonic())),
            },
            "from": {
                **_side(order.source, order.amount_from),
                "address": order.deposit_address,
                "addressAlt": None,
                "tag": order.deposit_extra_id or "",
                "tagName": None,
                "tx": _tx(order.tx_in, order.deposited),
            },
            "to": {
                **_side(order.target, order.amount_to),
                "address": order.payout_address,
                "tag": order.payout_extra_id or "",
                "tx": _tx(order.tx_out, order.sent),
            },
            "back": {"code": "", "coin": None, "address": "", "tx": {"id": order.tx_refund}},
            "emergency": {
                "status": order.facts.get("emergency", []),
                "choice": order.facts.get("choice", "NONE"),
                "repeat": "0",
            },
            "token": order.secret,
        }


def _side(asset: Asset, amount: Decimal) -> dict[str, object]:
    return {
        "code": _code(asset),
        "network": _CHAIN[asset],
        "coin": asset.ticker,
        "amount": format_amount(amount, asset.decimals),
        "precision": 8,
    }


def _tx(found: str | None, amount: Decimal | None) -> dict[str, object]:
    return {
        "id": found,
        "amount": None if amount is None else str(amount),
        "fee": None,
        "confirmations": "0" if found else None,
    }


def _envelope(data: object) -> dict[str, object]:
    return {"code": 0, "msg": "OK", "data": data}


def _error(code: int, message: str) -> FakeError:
    return FakeError(200, {"code": code, "msg": message, "data": None})
