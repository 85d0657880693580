"""Sources of prices on this machine, in their documented formats, with the traps of the fakes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from privata.providers.fakes.exchange import FakeError, FakeExchange, Route

_FEED_DECIMALS: Final = 8
_ROUND: Final = 7
_WORD_BYTES: Final = 32
_NOT_FOUND: Final = -32601


class FakeNode(FakeExchange):
    """A JSON-RPC node with Chainlink's feeds: `answers` and `decimals` by address, lower case.

    `age_s` is how long ago the feeds were updated. An address without a feed returns nothing, as
    one without a contract does.
    """

    name = "chainlink"
    straight = ("",)

    def __init__(self, answers: dict[str, int]) -> None:
        super().__init__()
        self.answers = answers
        self.decimals = dict.fromkeys(answers, _FEED_DECIMALS)
        self.age_s = 0

    def routes(self) -> Sequence[Route]:
        return (Route("rpc", "POST", "/v1/node-key", self._rpc),)

    async def _rpc(self, request: web.Request) -> object:
        asked = msgspec.json.decode(await request.read())
        if asked["method"] != "eth_call":
            raise FakeError(200, {"id": asked["id"], "error": {"code": _NOT_FOUND}})
        (call, _) = asked["params"]
        address = call["to"].lower()
        result = ""
        if address in self.answers:
            result = {"0x313ce567": self._decimals, "0xfeaf968c": self._round}[call["data"]](
                address
            )
        return {"jsonrpc": "2.0", "id": asked["id"], "result": f"0x{result}"}

    def _decimals(self, address: str) -> str:
        return _word(self.decimals[address])

    def _round(self, address: str) -> str:
        updated = int(self.clock.now().timestamp()) - self.age_s
        words = (_ROUND, self.answers[address], updated, updated, _ROUND)
        return "".join(map(_word, words))


def _word(number: int) -> str:
    return number.to_bytes(_WORD_BYTES, signed=number < 0).hex()


class FakeCoinGecko(FakeExchange):
    """CoinGecko's `simple/price`: `prices` by its own names, updated `age_s` seconds ago."""

    name = "coingecko"
    base_path = "/api/v3"
    straight = ("",)

    def __init__(self, prices: dict[str, Decimal]) -> None:
        super().__init__()
        self.prices = prices
        self.age_s = 0

    def routes(self) -> Sequence[Route]:
        return (Route("prices", "GET", "/simple/price", self._prices),)

    async def _prices(self, request: web.Request) -> object:
        updated = int(self.clock.now().timestamp()) - self.age_s
        return {
            ident: {"usd": self.prices[ident], "last_updated_at": updated}
            for ident in request.query["ids"].split(",")
            if ident in self.prices
        }
