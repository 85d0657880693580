"""A server that speaks LetsExchange's wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from privata.core.money import parse_amount
from privata.providers.currencies import Canonical
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.letsexchange.config import CHAINS
from privata.providers.port import Asset
from privata.providers.simulator.addresses import tx_hash

#: Native coins have another word for their chain than its tokens.
_NATIVE: Final = {"ETH": "ETH", "BNB": "BNB", "TRX": "TRX"}
_NETWORKS: Final = {
    chain: word.upper() for word, chain in CHAINS.items() if word.upper() not in _NATIVE
}

_RATE_MINUTES: Final = 10
_WAIT_MINUTES: Final = 30

#: What its clocks show, without saying so.
_LOCAL: Final = timedelta(hours=3)


def _network(one: Canonical) -> str:
    of_tokens = _NETWORKS[one.chain]
    return _NATIVE.get(one.asset.ticker, of_tokens) if _main(of_tokens) else of_tokens


def _main(word: str) -> bool:
    return word in {"ERC20", "BEP20", "TRC20"}


#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    (one.asset.ticker, _network(one)): one.asset for one in LISTED if one.chain in _NETWORKS
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in LISTED}


class FakeLetsExchange(FakeExchange):
    """The calls that the adapter makes. A token has three segments, as at LetsExchange."""

    name = "letsexchange"
    base_path = "/api"
    straight = ("wait", "confirmation", "exchanging", "sending", "success")

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/v2/coins", self.coins),
            Route("quote", "POST", "/v1/info", self.info),
            Route("quote", "POST", "/v1/info-revert", self.info_revert),
            Route("create", "POST", "/v1/transaction", self.create),
            Route("status", "GET", "/v1/transaction/{id}", self.transaction),
        )

    async def coins(self, request: web.Request) -> object:
        tickers = dict.fromkeys(ticker for ticker, _ in _BY_CODE)
        return [
            {
                "code": ticker,
                "name": ticker,
                "is_active": 1,
                "networks": [
                    {
                        "code": network,
                        "name": asset.name,
                        "is_active": 1,
                        "contract_address": _CONTRACTS[asset],
                    }
                    for (other, network), asset in _BY_CODE.items()
                    if other == ticker
                ],
            }
            for ticker in tickers
        ]

    async def info(self, request: web.Request) -> object:
        return self._priced(await _body(request), direct=True)

    async def info_revert(self, request: web.Request) -> object:
        return self._priced(await _body(request), direct=False)

    def _priced(self, body: Mapping[str, object], *, direct: bool) -> object:
        source, target = _named(body, "from", "from"), _named(body, "to", "to")
        asked = _amount(body, "amount")
        sent, received = self.priced(source, target, asked, direct=direct)
        least, most = self.bounds(source)
        bounds = (least, most) if direct else self.bounds(target)
        rate = self.priced(source, target, Decimal(1), direct=True)[1]
        fixed = body.get("float") is False
        # The end of a price is in milliseconds, as a text.
        end = str(int(self.in_time(_RATE_MINUTES).timestamp() * 1000))
        return {
            "deposit_min_amount": str(least),
            "deposit_max_amount": str(most),
            "min_amount": str(bounds[0]),
            "max_amount": str(bounds[1]),
            "amount": f"{received if direct else sent:f}",
            "fee": "0",
            "rate": str(rate),
            "profit": "0",
            "withdrawal_fee": "0.00200000",
            "extra_fee_amount": "0",
            "rate_id": f"rate-{self.new_id()}" if fixed else "",
            "rate_id_expired_at": int(end) if fixed else 0,
            "applied_promo_code_id": None,
            "networks_from": [],
            "networks_to": [],
            "deposit_amount_usdt": "645",
            "expired_at": end,
            "base_amount": f"{received:f}",
        }

    async def create(self, request: web.Request) -> object:
        body = await _body(request)
        source, target = _named(body, "coin_from", "from"), _named(body, "coin_to", "to")
        fixed = body.get("float") is False
        for name in ("withdrawal", "withdrawal_extra_id"):
            # The second may be empty, and must be there.
            if not isinstance(body.get(name), str) or (name == "withdrawal" and not body[name]):
                raise invalid(name)
        if fixed and not str(body.get("rate_id", "")).startswith("rate-"):
            raise invalid("rate_id")
        amount_from, amount_to = self.priced(
            source, target, _amount(body, "deposit_amount"), direct=True
        )
        least, most = self.bounds(source)
        if not least <= amount_from <= most:
            raise invalid("deposit_amount")
        number = self.new_id()
        address, extra_id = self.address_for(source, number)
        order = FakeOrder(
            id=number,
            source=source,
            target=target,
            amount_from=amount_from,
            amount_to=amount_to,
            fixed=fixed,
            payout_address=str(body["withdrawal"]),
            payout_extra_id=str(body["withdrawal_extra_id"]) or None,
            refund_address=str(body.get("return", "")) or None,
            refund_extra_id=str(body.get("return_extra_id", "")) or None,
            deposit_address=address,
            deposit_extra_id=extra_id,
            status="wait",
            created_at=self.clock.now(),
            valid_until=self.in_time(_WAIT_MINUTES),
        )
        return _shown(self.enter(order))

    async def transaction(self, request: web.Request) -> object:
        order = self.find(request.match_info["id"])
        if order is None:
            raise FakeError(404, {"success": False, "error": "Transaction not found"})
        return {
            **_shown(order),
            "hash_in": order.tx_in,
            "hash_out": order.tx_out,
            "real_deposit_amount": None if order.deposited is None else str(order.deposited),
            "real_withdrawal_amount": None if order.sent is None else str(order.sent),
            "return_hash": order.tx_refund,
            "return_amount": None,
            "execution_time": None,
        }

    def finish_refund(self, order_id: str) -> None:
        """A refund is sent: the status stays, and there is a hash."""
        order = self.book[order_id]
        order.status, order.tx_refund = "refund", tx_hash(order_id, "refund")


def _shown(order: FakeOrder) -> dict[str, object]:
    (coin_from, network_from), (coin_to, network_to) = _CODES[order.source], _CODES[order.target]
    assert order.valid_until is not None
    return {
        "transaction_id": order.id,
        "status": order.status,
        "is_float": not order.fixed,
        "type": "cex",
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
        "rate": "0.973782459999645",
        "fee": "0",
        "revert": False,
        "created_at": (order.created_at + _LOCAL).strftime("%Y-%m-%d %H:%M:%S"),
        # The end of an order is in seconds, as a number.
        "expired_at": int(order.valid_until.timestamp()),
        "need_confirmations": 64,
        "confirmations": 0,
        "aml_error_signals": order.facts.get("signals", []),
        "kyc_url": order.facts.get("kyc_url"),
        "error_code": "",
        "email": "*******",
    }


def _named(body: Mapping[str, object], name: str, side: str) -> Asset:
    code = str(body.get(name)), str(body.get(f"network_{side}"))
    if code not in _BY_CODE:
        raise invalid(name)
    return _BY_CODE[code]


async def _body(request: web.Request) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(await request.read())
    return found


def _amount(body: Mapping[str, object], name: str) -> Decimal:
    try:
        return parse_amount(str(body.get(name)))
    except ValueError:
        raise invalid(name) from None


def invalid(name: str) -> FakeError:
    """The error of a field that does not pass validation."""
    fields = {name: [f"The {name} field is required."]}
    return FakeError(422, {"success": False, "error": {"validation": fields}})
