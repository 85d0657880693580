"""Prices of Chainlink's feeds: contracts on an EVM chain, read by `eth_call` over JSON-RPC.

https://docs.chain.link/data-feeds/api-reference (AggregatorV3Interface). Which contract is the feed
of which asset is the operator's to say.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderError
from privata.core.money import CONTEXT, MAX_DECIMALS
from privata.providers.failures import Fault, unavailable
from privata.providers.feeds.client import Address, client_at
from privata.providers.http.client import Call
from privata.providers.port import Deadline

log = logging.getLogger(__name__)

NAME: Final = "chainlink"

#: The first four bytes of Keccak-256 of `decimals()` and of `latestRoundData()`.
_DECIMALS: Final = "0x313ce567"
_LATEST_ROUND: Final = "0xfeaf968c"

#: What they return, in words of 32 bytes: the decimals; round, answer, start, update, answered in.
_DECIMALS_WORDS: Final = 1
_ROUND_WORDS: Final = 5
_ANSWER, _UPDATED_AT = 1, 3

_WORD_DIGITS: Final = 64
_NEGATIVE: Final = 2**255
_HEX: Final = re.compile(r"0x([0-9a-fA-F]*)", re.ASCII)

#: How far the chain's clock may be ahead of ours.
_AHEAD: Final = timedelta(minutes=2)

#: Seconds for a round over all feeds.
_ROUND_S: Final = 30.0


class Chainlink:
    """Reads the feeds at one node. `feeds` has the address of each, by ticker.

    An answer that was updated longer than `stale` ago is none.
    """

    def __init__(self, url: str, feeds: Mapping[str, str], stale: timedelta) -> None:
        self._address = Address(url)
        self._client = client_at(NAME, self._address)
        self._feeds = feeds
        self._stale = stale

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def read(self, now: datetime) -> dict[str, Decimal]:
        """US dollars by ticker. A feed that fails is left out; `ProviderError` if all do."""
        deadline = Deadline.after(_ROUND_S)
        found: dict[str, Decimal] = {}
        failure: ProviderError | None = None
        for ticker, feed in self._feeds.items():
            try:
                found[ticker] = await self._price(feed, now, deadline)
            except ProviderError as error:
                log.warning("prices: the feed of %s: %s", ticker, error.message)
                failure = failure or error
        if failure is not None and not found:
            raise failure
        return found

    async def _price(self, feed: str, now: datetime, deadline: Deadline) -> Decimal:
        (decimals,) = await self._called("decimals", feed, _DECIMALS, _DECIMALS_WORDS, deadline)
        words = await self._called("round", feed, _LATEST_ROUND, _ROUND_WORDS, deadline)
        answer, updated = words[_ANSWER], words[_UPDATED_AT]
        if not 0 < answer < _NEGATIVE or decimals > MAX_DECIMALS:
            raise unavailable(NAME, Fault.NUMBER, "round")
        latest = int((now + _AHEAD).timestamp())
        if not 0 < updated <= latest:
            raise unavailable(NAME, Fault.MOMENT, "round")
        if updated < (now - self._stale).timestamp():
            raise unavailable(NAME, Fault.STALE, "round")
        return CONTEXT.scaleb(Decimal(answer), -decimals)

    async def _called(
        self, name: str, feed: str, data: str, count: int, deadline: Deadline
    ) -> list[int]:
        """The words that a call of the feed's contract returns; there must be `count`."""
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "eth_call",
            "params": [{"to": feed, "data": data}, "latest"],
        }
        address = self._address
        call = Call(name, "POST", address.path, query=address.query, body=body)
        reply = await self._client.call(call, deadline)
        answer = reply.fields()
        if not reply.ok or answer.given("error") is not None:
            raise unavailable(NAME, Fault.UNKNOWN_ERROR, name)
        digits = _HEX.fullmatch(answer.text("result"))
        # An address without a contract returns nothing, and another contract something else.
        if digits is None or len(digits[1]) != count * _WORD_DIGITS:
            raise unavailable(NAME, Fault.SHAPE, name)
        return [
            int(digits[1][at : at + _WORD_DIGITS], 16)
            for at in range(0, len(digits[1]), _WORD_DIGITS)
        ]
