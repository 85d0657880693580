"""A server that speaks StealthEX's v4 wire format, as its documents and clients describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NotRequired, TypedDict

import msgspec
from aiohttp import web

from privata.core.clock import iso
from privata.providers.currencies import Canonical
from privata.providers.fakes.assets import LISTED
from privata.providers.fakes.exchange import FakeError, FakeExchange, FakeOrder, Route
from privata.providers.port import Asset
from privata.providers.stealthex.config import CHAINS

_TOKENS: Final = {chain: word for word, chain in CHAINS.items() if " " not in word}
_NATIVE: Final = frozenset(word.partition(" ")[0] for word in CHAINS if " " in word)

_RATE_MINUTES: Final = 20


def _code(one: Canonical) -> tuple[str, str] | None:
    symbol = one.asset.ticker.lower()
    if symbol in _NATIVE and CHAINS[f"{symbol} mainnet"] is one.chain:
        return symbol, "mainnet"
    return (symbol, _TOKENS[one.chain]) if one.chain in _TOKENS else None


#: The assets by what the wire calls them.
_BY_CODE: Final[Mapping[tuple[str, str], Asset]] = {
    code: one.asset for one in LISTED if (code := _code(one)) is not None
}
_CODES: Final = {asset: code for code, asset in _BY_CODE.items()}
_CONTRACTS: Final = {one.asset: one.contract for one in LISTED}


class _Named(TypedDict):
    symbol: str
    network: str


_Pair = TypedDict("_Pair", {"from": _Named, "to": _Named})


class _Body(TypedDict):
    route: _Pair
    estimation: str
    rate: str
    amount: NotRequired[Decimal]
    additional_fee_percent: NotRequired[Decimal]
    address: NotRequired[str]
    extra_id: NotRequired[str]
    refund_address: NotRequired[str]
    refund_extra_id: NotRequired[str]
    rate_id: NotRequired[str]


class FakeStealthEx(FakeExchange):
    """The calls that the adapter makes. Every key is accepted."""

    name = "stealthex"
    base_path = "/v4"
    straight = ("waiting", "confirming", "exchanging", "sending", "finished")

    def routes(self) -> Sequence[Route]:
        return (
            Route("currencies", "GET", "/currencies", self.currencies),
            Route("limits", "POST", "/rates/range", self.range),
            Route("quote", "POST", "/rates/estimated-amount", self.estimate),
            Route("create", "POST", "/exchanges", self.create, status=201),
            Route("status", "GET", "/exchanges/{id}", self.exchange),
        )

    async def currencies(self, request: web.Request) -> object:
        start, count = int(request.query["offset"]), int(request.query["limit"])
        return [
            {
                "symbol": symbol,
                "network": network,
                "name": asset.name,
                "has_extra_id": asset.network == "XRP",
                "contract_address": _CONTRACTS[asset],
                "available_routes": [],
            }
            for (symbol, network), asset in list(_BY_CODE.items())[start : start + count]
        ]

    async def range(self, request: web.Request) -> object:
        source, target = _pair(body := await _body(request))
        least, most = self.bounds(source if body["estimation"] == "direct" else target)
        return {"min_amount": least, "max_amount": most}

    async def estimate(self, request: web.Request) -> object:
        source, target = _pair(body := await _body(request))
        direct = body["estimation"] == "direct"
        fee = body.get("additional_fee_percent", Decimal(0))
        sent, received = self.priced(
            source, target, body["amount"], direct=direct, markup_percent=fee
        )
        self._within(source, sent)
        answer: dict[str, object] = {"estimated_amount": received if direct else sent}
        if body["rate"] == "fixed":
            answer["rate"] = {
                "id": f"rate-{self.new_id()}",
                "valid_until": iso(self.in_time(_RATE_MINUTES)),
            }
        return answer

    async def create(self, request: web.Request) -> object:
        source, target = _pair(body := await _body(request))
        fixed = body["rate"] == "fixed"
        if fixed and not body.get("rate_id", "").startswith("rate-"):
            raise _error(400, "InvalidRate")
        fee = body.get("additional_fee_percent", Decimal(0))
        amount_from, amount_to = self.priced(
            source, target, body["amount"], direct=True, markup_percent=fee
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
            payout_address=body["address"],
            payout_extra_id=body.get("extra_id"),
            refund_address=body.get("refund_address"),
            refund_extra_id=body.get("refund_extra_id"),
            deposit_address=address,
            deposit_extra_id=extra_id,
            status="waiting",
            created_at=self.clock.now(),
            valid_until=self.in_time(_RATE_MINUTES) if fixed else None,
        )
        return _shown(self.enter(order))

    async def exchange(self, request: web.Request) -> object:
        order = self.find(request.match_info["id"])
        if order is None:
            raise _error(404, "NotFound")
        return _shown(order)

    def _within(self, source: Asset, amount: Decimal) -> None:
        least, most = self.bounds(source)
        if not least <= amount <= most:
            # What it really says here is in no document.
            raise _error(400, "AmountOutOfRange")


def _shown(order: FakeOrder) -> dict[str, object]:
    return {
        "id": order.id,
        "status": order.status,
        "rate": "fixed" if order.fixed else "floating",
        "deposit": _leg(
            order.source,
            order.deposited or order.amount_from,
            order.amount_from,
            order.deposit_address,
            order.deposit_extra_id,
            order.tx_in,
        ),
        "withdrawal": _leg(
            order.target,
            order.sent or order.amount_to,
            order.amount_to,
            order.payout_address,
            order.payout_extra_id,
            order.tx_out,
        ),
        "refund_address": order.refund_address,
        "refund_extra_id": order.refund_extra_id,
        "created_at": iso(order.created_at),
        "expires_at": iso(order.valid_until) if order.valid_until else None,
    }


def _leg(
    asset: Asset,
    amount: Decimal,
    expected: Decimal,
    address: str,
    extra_id: str | None,
    tx: str | None,
) -> dict[str, object]:
    symbol, network = _CODES[asset]
    return {
        "symbol": symbol,
        "network": network,
        "amount": amount,
        "expected_amount": expected,
        "address": address,
        "extra_id": extra_id,
        "tx_hash": tx,
        "address_explorer_url": "https://example.com/address",
        "tx_explorer_url": None,
    }


def _pair(body: _Body) -> tuple[Asset, Asset]:
    route = body["route"]
    codes = [(one["symbol"], one["network"]) for one in (route["from"], route["to"])]
    if not all(code in _BY_CODE for code in codes):
        raise _error(404, "NoPair")
    return _BY_CODE[codes[0]], _BY_CODE[codes[1]]


async def _body(request: web.Request) -> _Body:
    return msgspec.json.decode(await request.read(), type=_Body)


def _error(status: int, kind: str) -> FakeError:
    return FakeError(status, {"err": {"kind": kind, "details": "as it says"}})
