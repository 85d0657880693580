"""Exolix v2 as a provider."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, Listed, matched
from privata.providers.exolix import wire
from privata.providers.exolix.config import ExolixSettings
from privata.providers.failures import AmountRefused, Fault, Refusal, refused, unavailable
from privata.providers.fields import Fields
from privata.providers.http.client import Call, ProviderClient
from privata.providers.listing import Listing
from privata.providers.port import (
    Asset,
    Credentials,
    Deadline,
    Limits,
    Offer,
    OpenedOrder,
    OrderRequest,
    OrderSnapshot,
    QuoteRequest,
    RateType,
    RefundReport,
    RefundRequest,
    Report,
)

_S = OrderStatus


class Exolix:
    """One API key at Exolix."""

    name = "exolix"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: ExolixSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or ExolixSettings()
        self.refunds = self._settings.refunds
        # The key as it is, without `Bearer`.
        headers = {"Authorization": credentials.key, "Content-Type": "application/json"}
        self._client = ProviderClient(self.name, self._settings.client, headers=headers, tls=tls)
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        """All pages, until one is empty."""
        entries: list[Listed] = []
        for page in range(1, self._settings.most_pages + 1):
            query = {"page": str(page), "size": str(self._settings.page_size)}
            query["withNetworks"] = "true"
            answer = await self._asked(Call("currencies", "GET", "/currencies", query), deadline)
            coins = answer.items("data")
            if not coins:
                break
            entries += (entry for coin in coins for entry in wire.listed(coin))
        return matched(entries, self._settings.chains)

    async def limits(
        self,
        source: Asset,
        target: Asset,
        rate_type: RateType = "float",
        *,
        deadline: Deadline | None = None,
    ) -> Limits | None:
        one = await self._listing.code(source, deadline)
        other = await self._listing.code(target, deadline)
        if one is None or other is None or one == other:
            return None
        amount = {"amount": f"{self._settings.probe:f}"}
        try:
            rate = await self._rate((one, other), amount, rate_type, deadline)
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise
        if rate.limits is None:
            raise unavailable(self.name, Fault.SHAPE, "limits.minAmount")
        return rate.limits

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        name = "amount" if request.side == "send" else "withdrawalAmount"
        amount = {name: f"{request.amount:f}"}
        rate = await self._rate(codes, amount, request.rate_type, deadline)
        if rate.refused:
            raise AmountRefused(rate.limits)
        return answers.offer(self.name, request, rate.amount_from, rate.amount_to)

    async def _rate(
        self,
        codes: tuple[Code, Code],
        amount: dict[str, str],
        rate_type: RateType,
        deadline: Deadline | None,
    ) -> wire.Rate:
        query = {**_pair(codes), **amount, "rateType": rate_type}
        reply = await self._client.call(Call("quote", "GET", "/rate", query), deadline)
        if not reply.ok and not wire.is_rate(reply):
            raise wire.error(reply)
        return wire.rate(reply.fields())

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        call = Call("create", "POST", "/transactions", body=_order(request, codes))
        opened = wire.transaction(await self._asked(call, deadline))
        for expected, shown in zip(codes, (opened.source, opened.target), strict=True):
            answers.same_code(self.name, expected, shown.ticker, shown.network)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
        address, extra_id = answers.deposit_address(
            self.name, request.source, opened.deposit_address, opened.deposit_extra_id
        )
        fixed = request.rate_type == "fixed"
        wait = self._settings.fixed_wait if fixed else self._settings.float_wait
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, opened.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            # No field of an order says until when it waits.
            expires_at=answers.expiry(self.name, request, None, wait),
            next_change_at=None,
            # A quote holds no rate: what the order promises is what counts.
            amount_to=answers.promised(self.name, request, opened.amount_to),
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        path = f"/transactions/{order.provider_order_id}"
        seen = wire.transaction(await self._asked(Call("status", "GET", path), deadline))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        agreed = order.agreed
        code = await self._listing.code(agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, code, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        if status is _S.FAILED and seen.tx_in is not None:
            # A deposit came, and nobody says what becomes of it.
            status = _S.MANUAL_REVIEW
        paid = answers.sent_amount(order, seen.amount_to) if status is _S.COMPLETED else None
        return Report(
            status,
            amount_to_actual=paid,
            tx_in_hash=answers.tx_hash(self.name, seen.tx_in),
            tx_out_hash=answers.tx_hash(self.name, seen.tx_out),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            refund_under_way=seen.status.lower() == wire.REFUNDING,
        )

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        raise refused(Refusal.REFUND)

    async def _asked(self, call: Call, deadline: Deadline | None) -> Fields:
        reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply)
        return reply.fields()


def _pair(codes: tuple[Code, Code]) -> dict[str, str]:
    source, target = codes
    return {
        "coinFrom": source.ticker,
        "networkFrom": source.network,
        "coinTo": target.ticker,
        "networkTo": target.network,
    }


def _order(request: OrderRequest, codes: tuple[Code, Code]) -> dict[str, str | Decimal]:
    body: dict[str, str | Decimal] = {
        **_pair(codes),
        "amount": request.amount_from,
        "withdrawalAddress": request.payout_address,
        "rateType": request.rate_type,
    }
    optional = {
        "withdrawalExtraId": request.payout_extra_id,
        "refundAddress": request.refund_address,
        "refundExtraId": request.refund_extra_id,
    }
    return body | {name: value for name, value in optional.items() if value is not None}
