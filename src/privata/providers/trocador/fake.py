"""A server that speaks Trocador's wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from aiohttp import web

from privata.core.clock import Clock, iso
from privata.core.money import CONTEXT, floor_to, parse_amount
from privata.providers.currencies import Canonical
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset
from privata.providers.trocador.config import CHAINS

#: Its spellings, which are in lower case in the settings.
_TOKENS: Final = {
    chain: word.upper() if word.endswith("20") else word
    for word, chain in reversed(tuple(CHAINS.items()))
    if " " not in word
}


def _network(one: Canonical) -> str:
    native = CHAINS.get(f"{one.asset.ticker.lower()} mainnet")
    return "Mainnet" if native is one.chain else _TOKENS[one.chain]


#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker.lower(), _network(one)): one.asset for one in LISTED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}

#: An exchange behind it, and what it pays of our price.
DEFAULT: Final = {"Swapuz": Decimal(1)}


class FakeTrocador(FakeExchange):
    """The calls that the adapter makes, all of them GET. Every key is accepted.

    `behind` are the exchanges behind it with what they pay of the price; each has a floating and a
    fixed one.
    """

    name = "trocador"
    straight = ("waiting", "confirming", "sending", "finished")

    def __init__(
        self,
        *,
        spread: Decimal = Decimal("0.01"),
        pace_s: float | None = None,
        slow_s: float = 0.0,
        down: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(spread=spread, pace_s=pace_s, slow_s=slow_s, down=down, clock=clock)
        self.behind: dict[str, Decimal] = dict(DEFAULT)

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/coins", self.coins),
            Route("limits", "GET", "/coin", self.coin),
            Route("quote", "GET", "/new_rate", self.new_rate),
            Route("create", "GET", "/new_trade", self.new_trade),
            Route("status", "GET", "/trade", self.trade),
        )

    async def coins(self, request: web.Request) -> object:
        return [self._coin(asset, *code) for code, asset in _BY_CODE.items()]

    async def coin(self, request: web.Request) -> object:
        wanted = request.query.get("ticker"), request.query.get("name")
        found = [
            self._coin(asset, *code)
            for code, asset in _BY_CODE.items()
            if wanted == (code[0], _name(asset, code[1]))
        ]
        if not found:
            raise _error("Coin not found")
        return found

    async def new_rate(self, request: web.Request) -> object:
        query = request.query
        source, target = _pair(query)
        payment = query.get("payment") == "True"
        asked = _amount(query.get("amount_to" if payment else "amount_from"))
        sent, received = self.priced(source, target, asked, direct=not payment)
        best = max(self.behind, key=lambda name: self.behind[name])
        least, most = self.bounds(source)
        return {
            "trade_id": f"rate{self.new_id()}",
            "date": iso(self.clock.now()),
            **_named(source, target),
            "amount_from": sent,
            "amount_to": received,
            "provider": best,
            "fixed": payment,
            "payment": payment,
            "status": "new",
            "quotes": {
                "markup": True,
                "quotes": [
                    self._quote(name, fixed, target, received)
                    for name in self.behind
                    for fixed in (False, True)
                ],
            },
            "min_deposit": least,
            "max_deposit": most,
            "best_only": False,
            "kyc_list": ["A", "B", "C"],
            "logpolicy_list": ["A", "B"],
        }

    async def new_trade(self, request: web.Request) -> object:
        query = request.query
        source, target = _pair(query)
        if not query.get("id", "").startswith("rate") or query.get("provider") not in self.behind:
            raise _error("Rate not found")
        amount_from, amount_to = self.priced(
            source, target, _amount(query.get("amount_from")), direct=True
        )
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        memo, back = query.get("address_memo", "0"), query.get("refund_memo", "0")
        order = FakeOrder(
            id=number,
            source=source,
            target=target,
            amount_from=amount_from,
            amount_to=amount_to,
            fixed=query.get("fixed") == "True",
            payout_address=query["address"],
            payout_extra_id=None if memo == "0" else memo,
            refund_address=query.get("refund"),
            refund_extra_id=None if back == "0" else back,
            deposit_address=address,
            deposit_extra_id=extra_id,
            status="waiting",
            created_at=self.clock.now(),
            secret=f"password-{self.new_id()}",
            facts={"provider": query["provider"]},
        )
        return _shown(self.enter(order))

    async def trade(self, request: web.Request) -> object:
        order = self.find(request.query.get("id", ""))
        if order is None:
            # A success that is an error.
            raise _error("Trade not found", status=200)
        return [_shown(order)]

    def _coin(self, asset: Asset, ticker: str, network: str) -> dict[str, object]:
        least, most = self.bounds(asset)
        return {
            "name": _name(asset, network),
            "ticker": ticker,
            "network": network,
            "memo": asset.network == "XRP",
            "image": "https://example.com/coin.svg",
            "minimum": least,
            "maximum": most,
        }

    def _quote(self, name: str, fixed: bool, target: Asset, received: Decimal) -> dict[str, object]:
        """A price: texts, where the top has numbers."""
        paid = floor_to(CONTEXT.multiply(received, self.behind[name]), target.decimals)
        return {
            "provider": name,
            "fixed": str(fixed),
            "amount_to": f"{paid:f}",
            "eta": 10,
            "waste": "0",
            "kycrating": "A",
            "logpolicy": "B",
            "insurance": 100,
            "unadjusted_amount_to": paid,
            "amount_to_USD": "625.69",
            "amount_from_USD": "645.31",
            "USD_total_cost_percentage": "-1.4",
        }


def _shown(order: FakeOrder) -> dict[str, object]:
    return {
        "trade_id": order.id,
        "date": iso(order.created_at),
        "type": "api",
        **_named(order.source, order.target),
        "amount_from": order.amount_from,
        "amount_to": order.sent or order.amount_to,
        "provider": order.facts["provider"],
        "fixed": order.fixed,
        "payment": False,
        "status": order.status,
        "address_provider": order.deposit_address,
        "address_provider_memo": order.deposit_extra_id or "",
        "address_user": order.payout_address,
        "address_user_memo": order.payout_extra_id or "",
        "refund_address": order.refund_address or "",
        "refund_address_memo": order.refund_extra_id or "",
        "password": order.secret,
        "id_provider": f"behind-{order.id}",
        "quotes": {"kyc_list": ["A", "B", "C"], "logpolicy_list": ["A", "B"], "markup": True},
        "details": {
            "original_eta": 7,
            "marketrate_creation": Decimal("1907.87"),
            **({} if order.tx_out is None else {"hashout": order.tx_out}),
        },
        "affiliate_partner": "Example",
    }


def _named(source: Asset, target: Asset) -> dict[str, str]:
    (ticker_from, network_from), (ticker_to, network_to) = _CODES[source], _CODES[target]
    return {
        "ticker_from": ticker_from,
        "ticker_to": ticker_to,
        "coin_from": _name(source, network_from),
        "coin_to": _name(target, network_to),
        "network_from": network_from,
        "network_to": network_to,
    }


def _name(asset: Asset, network: str) -> str:
    return f"{asset.name} ({network})"


def _pair(values: Mapping[str, str]) -> tuple[Asset, Asset]:
    found = []
    for side in ("from", "to"):
        code = values.get(f"ticker_{side}", ""), values.get(f"network_{side}", "")
        if code not in _BY_CODE:
            raise _error("Coin not found")
        found.append(_BY_CODE[code])
    return found[0], found[1]


def _amount(text: str | None) -> Decimal:
    try:
        return parse_amount(text or "")
    except ValueError:
        raise _error("Invalid amount") from None


def _error(text: str, status: int = 400) -> FakeError:
    return FakeError(status, {"error": text, "message": text})
