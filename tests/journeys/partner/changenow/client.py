"""A wallet's ChangeNOW v2 client, written from ChangeNOW's public documentation alone.

It reads as strictly as the strictest wallets do: an amount is a JSON number with a decimal point, a
key that the documentation names is there, and text is text. It knows nothing of Privata.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

Json = dict[str, Any]


class BareInteger(int):
    """A number without a decimal point: no amount."""


class ChangeNowError(Exception):
    """An answer that is no success; `range` is `payload.range`, where there is one."""

    def __init__(self, status: int, answer: Any) -> None:
        assert isinstance(answer, dict), answer
        assert set(answer) - {"payload"} == {"error", "message"}, answer
        self.status = status
        self.error = text(answer, "error")
        self.message = text(answer, "message")
        self.range: tuple[Decimal, Decimal | None] | None = None
        if "payload" in answer:
            bounds = answer["payload"]["range"]
            self.range = amount(bounds, "minAmount"), maybe(amount, bounds, "maxAmount")
        super().__init__(f"{status} {self.error}: {self.message}")


def text(holder: Json, key: str) -> str:
    value = holder[key]
    assert type(value) is str, f"{key}: {value!r}"
    return value


def flag(holder: Json, key: str) -> bool:
    value = holder[key]
    assert type(value) is bool, f"{key}: {value!r}"
    return value


def amount(holder: Json, key: str) -> Decimal:
    value = holder[key]
    assert type(value) is Decimal, f"{key}: {value!r} is no number with a decimal point"
    assert value >= 0
    return value


def moment(holder: Json, key: str) -> datetime:
    value = text(holder, key)
    assert value.endswith("Z"), value
    assert value[-5] == ".", f"{value} has no milliseconds"
    return datetime.fromisoformat(value)


def maybe(read: Callable[[Json, str], Any], holder: Json, key: str) -> Any:
    return None if holder[key] is None else read(holder, key)


def lower(holder: Json, key: str) -> str:
    value = text(holder, key)
    assert value == value.lower()
    return value


@dataclass(frozen=True)
class Estimate:
    """What `estimated-amount` answers, read whole."""

    from_amount: Decimal
    to_amount: Decimal
    rate_id: str | None
    valid_until: datetime | None


_STATUSES = {
    *("new", "waiting", "confirming", "exchanging", "sending"),
    *("finished", "failed", "refunded", "verifying", "expired"),
}

_PAIR = ("fromCurrency", "fromNetwork", "toCurrency", "toNetwork")


class ChangeNow:
    """The API as a wallet calls it. What a wallet may configure: base URL, key, header."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        verify: Any,
        header: str = "x-changenow-api-key",
        watch: Callable[[httpx.Response], Awaitable[None]] | None = None,
    ) -> None:
        self._headers = {} if key is None else {header: key}
        hooks = {} if watch is None else {"response": [watch]}
        self.http = httpx.AsyncClient(
            base_url=base_url, timeout=30, verify=verify, event_hooks=hooks
        )

    async def currencies(self, **query: Any) -> list[Json]:
        found = await self._get("/v2/exchange/currencies", **query)
        assert isinstance(found, list)
        for one in found:
            for key in ("ticker", "network", "legacyTicker"):
                lower(one, key)
            for key in ("name", "image"):
                text(one, key)
            assert one["image"].startswith("http")
            for key in ("hasExternalId", "isExtraIdSupported", "isFiat", "featured", "isStable"):
                flag(one, key)
            for key in ("supportsFixedRate", "buy", "sell"):
                flag(one, key)
            maybe(text, one, "tokenContract")
        return found

    async def pairs(self, **query: Any) -> list[Json]:
        found = await self._get("/v2/exchange/available-pairs", **query)
        assert isinstance(found, list)
        for one in found:
            for key in _PAIR:
                lower(one, key)
            flag(one["flow"], "standard")
            flag(one["flow"], "fixed-rate")
        return found

    async def min_amount(self, **query: Any) -> Decimal:
        found = await self._get("/v2/exchange/min-amount", **query)
        self._pair(found, query)
        return amount(found, "minAmount")

    async def range(self, **query: Any) -> tuple[Decimal, Decimal | None]:
        found = await self._get("/v2/exchange/range", **query)
        self._pair(found, query)
        return amount(found, "minAmount"), maybe(amount, found, "maxAmount")

    async def estimate(self, **query: Any) -> Estimate:
        found = await self._get("/v2/exchange/estimated-amount", **query)
        self._pair(found, query)
        assert found["type"] == str(query.get("type") or "direct").lower()
        for key in ("transactionSpeedForecast", "warningMessage", "userId"):
            maybe(text, found, key)
        amount(found, "depositFee")
        amount(found, "withdrawalFee")
        return Estimate(
            amount(found, "fromAmount"),
            amount(found, "toAmount"),
            maybe(text, found, "rateId"),
            maybe(moment, found, "validUntil"),
        )

    async def create(self, body: Json, **query: Any) -> Json:
        found: Json = await self._post("/v2/exchange", body, **query)
        for key in ("fromCurrency", "toCurrency", "fromNetwork", "toNetwork", "flow", "type"):
            lower(found, key)
        for key in ("id", "payinAddress", "payoutAddress", "refundAddress"):
            text(found, key)
        for key in ("fromAmount", "toAmount", "directedAmount"):
            amount(found, key)
        for key in ("payinExtraId", "payoutExtraId", "refundExtraId", "rateId"):
            if key in found:
                assert text(found, key), f"{key} is empty: it should be absent"
        if "validUntil" in found:
            moment(found, "validUntil")
        return found

    async def by_id(self, ident: str) -> Json:
        found: Json = await self._get("/v2/exchange/by-id", id=ident)
        assert set(found) == _BY_ID
        assert text(found, "status") in _STATUSES
        flag(found, "actionsAvailable")
        for key in (*_PAIR, "fromLegacyTicker", "toLegacyTicker"):
            lower(found, key)
        for key in ("id", "payinAddress", "payoutAddress"):
            text(found, key)
        for key in ("expectedAmountFrom", "expectedAmountTo"):
            amount(found, key)
        for key in ("amountFrom", "amountTo", "refundAmount"):
            maybe(amount, found, key)
        for key in ("createdAt", "updatedAt"):
            moment(found, key)
        for key in ("validUntil", "depositReceivedAt"):
            maybe(moment, found, key)
        for key in _TEXT_OR_NULL:
            maybe(text, found, key)
        for key in ("relatedExchangesInfo", "repeatedExchangesInfo"):
            assert isinstance(found[key], list)
        return found

    async def actions(self, ident: str) -> Json:
        found: Json = await self._get("/v2/exchange/actions", id=ident)
        assert found["error"] is None
        flag(found["refund"], "available")
        flag(found["continue"], "available")
        maybe(text, found["refund"], "amount")  # strings here, and only here
        maybe(text, found["continue"], "currentEstimate")
        assert isinstance(found["refund"]["additionalAddressList"], list)
        if found["refund"]["address"] is not None:
            text(found["refund"]["address"], "address")
            maybe(text, found["refund"]["address"], "extraId")
        return found

    async def refund(self, ident: str, address: str, extra_id: str = "") -> bool:
        body = {"id": ident, "address": address, "extraId": extra_id}
        return flag(await self._post("/v2/exchange/refund", body), "result")

    async def go_on(self, ident: str) -> Json:
        found: Json = (await self._post("/v2/exchange/continue", {"id": ident}))["result"]
        assert flag(found, "result")
        estimate: Json = found["data"]["estimate"]
        amount(estimate, "amount")
        return estimate

    async def validate(self, currency: str, address: str) -> tuple[bool, str | None]:
        found = await self._get("/v2/validate/address", currency=currency, address=address)
        assert set(found) == {"result", "message", "isActivated"}
        maybe(flag, found, "isActivated")
        return flag(found, "result"), maybe(text, found, "message")

    async def network_fee(self, **query: Any) -> Any:
        return await self._get("/v2/exchange/network-fee", **query)

    async def _get(self, path: str, **query: Any) -> Any:
        return self._read(await self.http.get(path, params=query, headers=self._headers))

    async def _post(self, path: str, body: Json, **query: Any) -> Any:
        return self._read(
            await self.http.post(path, json=body, params=query, headers=self._headers)
        )

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        answer = json.loads(response.text, parse_float=Decimal, parse_int=BareInteger)
        if response.status_code != 200:
            raise ChangeNowError(response.status_code, answer)
        return answer

    @staticmethod
    def _pair(found: Json, query: Json) -> None:
        for key in _PAIR:
            value = lower(found, key)
            if query.get(key):
                assert value == query[key].lower()
        assert found["flow"] == str(query.get("flow") or "standard").lower()


_TEXT_OR_NULL = (
    *("payinExtraId", "payoutExtraId", "refundAddress", "refundExtraId", "payinHash"),
    *("payoutHash", "refundHash", "userId"),
)

_BY_ID = {
    *(*_PAIR, *_TEXT_OR_NULL, "id", "status", "actionsAvailable", "payinAddress"),
    *("expectedAmountFrom", "expectedAmountTo", "amountFrom", "amountTo", "payoutAddress"),
    *("createdAt", "updatedAt", "validUntil", "depositReceivedAt", "refundAmount"),
    *("fromLegacyTicker", "toLegacyTicker", "originalExchangeInfo"),
    *("relatedExchangesInfo", "repeatedExchangesInfo"),
}
