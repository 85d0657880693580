"""A server that speaks Godex's v1 wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from privata.core.money import parse_amount
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.godex.config import CHAINS
from privata.providers.port import Asset

_NETWORKS: Final = {chain: word.upper() for word, chain in CHAINS.items()}
_OFFERED: Final = tuple(one for one in LISTED if one.chain in _NETWORKS)

#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker, _NETWORKS[one.chain]): one.asset for one in _OFFERED
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in _OFFERED}


class FakeGodex(FakeExchange):
    """The calls that the adapter makes. A key is optional, as at Godex."""

    name = "godex"
    base_path = "/api/v1"
    straight = ("wait", "confirmation", "exchanging", "sending", "success")

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/coins", self.coins),
            Route("quote", "POST", "/info", self.info),
            Route("quote", "POST", "/info-revert", self.info_revert),
            Route("create", "POST", "/transaction", self.create),
            Route("status", "GET", "/transaction/{id}", self.transaction),
        )

    async def coins(self, request: web.Request) -> object:
        tickers = dict.fromkeys(ticker for ticker, _ in _BY_CODE)
        return [
            {
                "code": ticker,
                "name": ticker,
                "disabled": None,
                "icon": "https://example.com/coin.svg",
                "networks": [
                    _network(asset, code)
                    for (other, code), asset in _BY_CODE.items()
                    if other == ticker
                ],
            }
            for ticker in tickers
        ]

    async def info(self, request: web.Request) -> object:
        return self._priced(await _body(request), direct=True)

    async def info_revert(self, request: web.Request) -> object:
        return self._priced(await _body(request), direct=False)

    def _priced(self, body: Mapping[str, str], *, direct: bool) -> object:
        """A price on the default network of both coins; amounts are strings."""
        source, target = _default(body.get("from", "")), _default(body.get("to", ""))
        asked = _amount(body.get("amount"))
        sent, received = self.priced(source, target, asked, direct=direct)
        least, most = self.bounds(source if direct else target)
        return {
            "min_amount": str(least),
            "max_amount": str(most),
            "amount": f"{received if direct else sent:f}",
            "fee": "0",
            "rate": str(self.priced(source, target, Decimal(1), direct=True)[1]),
            "networks_from": _networks(source.ticker),
            "networks_to": _networks(target.ticker),
        }

    async def create(self, request: web.Request) -> object:
        body = await _body(request)
        source, target = _named(body, "from"), _named(body, "to")
        amount_from, amount_to = self.priced(
            source, target, _amount(body.get("deposit_amount")), direct=True
        )
        least, most = self.bounds(source)
        if not least <= amount_from <= most or not body.get("withdrawal"):
            raise _error(422, "The given data was invalid.")
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        order = FakeOrder(
            id=number,
            source=source,
            target=target,
            amount_from=amount_from,
            amount_to=amount_to,
            fixed=False,
            payout_address=body["withdrawal"],
            payout_extra_id=body.get("withdrawal_extra_id") or None,
            refund_address=body.get("return") or None,
            refund_extra_id=body.get("return_extra_id") or None,
            deposit_address=address,
            deposit_extra_id=extra_id,
            status="wait",
            created_at=self.clock.now(),
        )
        return _shown(self.enter(order))

    async def transaction(self, request: web.Request) -> object:
        order = self.find(request.match_info["id"])
        if order is None:
            raise _error(404, "Transaction not found")
        return _shown(order)


def _shown(order: FakeOrder) -> dict[str, object]:
    (coin_from, network_from), (coin_to, network_to) = _CODES[order.source], _CODES[order.target]
    return {
        "transaction_id": order.id,
        "status": order.status,
        "coin_from": coin_from,
        "coin_to": coin_to,
        "coin_from_network": network_from,
        "coin_to_network": network_to,
        "deposit": order.deposit_address,
        "deposit_extra_id": order.deposit_extra_id,
        "deposit_amount": str(order.amount_from),
        "withdrawal": order.payout_address,
        "withdrawal_extra_id": order.payout_extra_id,
        "withdrawal_amount": str(order.amount_to),
        "return": order.refund_address,
        "return_extra_id": order.refund_extra_id,
        "rate": "1",
        "fee": "0",
        "hash_in": order.tx_in,
        "hash_out": order.tx_out,
        "real_deposit_amount": None if order.deposited is None else str(order.deposited),
        "real_withdrawal_amount": None if order.sent is None else str(order.sent),
        "created_at": str(int(order.created_at.timestamp())),
    }


def _network(asset: Asset, code: str) -> dict[str, object]:
    return {
        "code": code,
        "name": asset.name,
        "icon": "https://example.com/network.svg",
        "is_active": 1,
        "has_extra": int(asset.network == "XRP"),
        "validation_address_regex": ".*",
        "validation_address_extra_regex": None,
        "extra_name": None,
        "explorer": "https://example.com/",
        "contract_address": _CONTRACTS[asset],
        "chain_id": None,
    }


def _networks(ticker: str) -> list[dict[str, str]]:
    return [{"network": network} for other, network in _BY_CODE if other == ticker]


def _default(ticker: str) -> Asset:
    """The coin on its default network: the first of its list."""
    for (other, _), asset in _BY_CODE.items():
        if other == ticker:
            return asset
    raise _error(422, "Pair is not supported")


def _named(body: Mapping[str, str], side: str) -> Asset:
    code = body.get(f"coin_{side}", ""), body.get(f"coin_{side}_network", "")
    if code not in _BY_CODE:
        raise _error(422, "Pair is not supported")
    return _BY_CODE[code]


async def _body(request: web.Request) -> dict[str, str]:
    found: dict[str, str] = msgspec.json.decode(await request.read())
    return found


def _amount(text: str | None) -> Decimal:
    try:
        return parse_amount(text or "")
    except ValueError:
        raise _error(422, "The amount is not valid.") from None


def _error(status: int, text: str) -> FakeError:
    return FakeError(status, {"error": text})
