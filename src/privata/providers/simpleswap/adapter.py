"""SimpleSwap v3 as a provider."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, matched
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
    Side,
)
from privata.providers.simpleswap import wire
from privata.providers.simpleswap.config import SimpleSwapSettings
from privata.providers.together import both

_S = OrderStatus


class SimpleSwap:
    """One partner key at SimpleSwap."""

    name = "simpleswap"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: SimpleSwapSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or SimpleSwapSettings()
        self.refunds = self._settings.refunds
        self._client = ProviderClient(
            self.name, self._settings.client, headers={"x-api-key": credentials.key}, tls=tls
        )
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        call = Call("currencies", "GET", "/currencies", {"fixed": "false"})
        reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply, self._settings.refusals)
        return matched(wire.listed(reply), self._settings.chains)

    async def limits(
        self,
        source: Asset,
        target: Asset,
        rate_type: RateType = "float",
        *,
        deadline: Deadline | None = None,
    ) -> Limits | None:
        try:
            codes = await self._listing.codes(source, target, deadline)
            return await self._range(codes, rate_type, deadline)
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise

    async def _range(
        self, codes: tuple[Code, Code], rate_type: RateType, deadline: Deadline | None
    ) -> Limits:
        call = Call("limits", "GET", "/ranges", _pair(codes, rate_type))
        return wire.limits(await self._asked(call, deadline))

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        found, limits = await both(
            self._estimate(codes, request.amount, request.side, request.rate_type, deadline),
            self._range(codes, request.rate_type, deadline),
        )
        # How an estimate says that an amount is too small is in no document: so the limits say it.
        if request.side == "send" and not limits.minimum <= request.amount <= limits.maximum:
            raise AmountRefused(limits)
        if isinstance(found, BaseException):
            raise found
        sent, received = request.amount, found.amount
        if request.side == "receive":
            sent, received = received, sent
            if not limits.minimum <= sent <= limits.maximum:
                raise AmountRefused(limits)
        return answers.offer(
            self.name,
            request,
            sent,
            received,
            rate_id=found.rate_id,
            valid_until=found.valid_until,
        )

    async def _estimate(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        side: Side,
        rate_type: RateType,
        deadline: Deadline | None,
    ) -> wire.Estimate:
        query = {
            **_pair(codes, rate_type),
            "amount": f"{amount:f}",
            "reverse": "true" if side == "receive" else "false",
        }
        return wire.estimate(await self._asked(Call("quote", "GET", "/estimates", query), deadline))

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        rate_id = request.rate_id
        # A rate for an amount to receive is none for the amount to send, which is what counts now.
        if request.rate_type == "fixed" and (rate_id is None or request.side == "receive"):
            rate_id = await self._new_rate(codes, request, deadline)
        call = Call("create", "POST", "/exchanges", body=_order(request, codes, rate_id))
        opened = wire.exchange(await self._asked(call, deadline))
        for shown, code in ((opened.source, codes[0]), (opened.target, codes[1])):
            answers.same_code(self.name, code, shown.ticker, shown.network)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
        if opened.type not in (None, wire.TYPES[request.rate_type]):
            raise refused(Refusal.RATE)
        address, extra_id = answers.deposit_address(
            self.name, request.source, opened.deposit_address, opened.deposit_extra_id
        )
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, opened.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=answers.expiry(self.name, request, opened.valid_until, self._settings.wait),
            next_change_at=None,
            amount_to=answers.promised(self.name, request, opened.amount_to),
        )

    async def _new_rate(
        self, codes: tuple[Code, Code], request: OrderRequest, deadline: Deadline | None
    ) -> str:
        """A rate for the amounts that were offered; refused if it has become worse."""
        found = await self._estimate(codes, request.amount_from, "send", "fixed", deadline)
        answers.promised(self.name, request, found.amount)
        if found.rate_id is None:
            raise unavailable(self.name, Fault.SHAPE, "quote.rateId")
        return found.rate_id

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        call = Call("status", "GET", f"/exchanges/{order.provider_order_id}")
        seen = wire.exchange(await self._asked(call, deadline))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        expected = await self._listing.code(order.agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, order.agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, expected, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        tx_in = answers.tx_hash(self.name, seen.tx_in)
        if status is _S.FAILED and tx_in is not None:
            status = _S.REFUND_REQUIRED
        sent = answers.sent_amount(order, seen.amount_to)
        return Report(
            status,
            amount_to_actual=sent if status is _S.COMPLETED else None,
            tx_in_hash=tx_in,
            tx_out_hash=answers.tx_hash(self.name, seen.tx_out),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            # Until a deposit has come, the amount is the expected one.
            deposited=None if tx_in is None else seen.amount_from,
        )

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        raise refused(Refusal.REFUND)

    async def _asked(self, call: Call, deadline: Deadline | None) -> Fields:
        reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply, self._settings.refusals)
        return wire.unwrapped(reply)


def _pair(codes: tuple[Code, Code], rate_type: RateType) -> dict[str, str]:
    source, target = codes
    return {
        "tickerFrom": source.ticker,
        "networkFrom": source.network,
        "tickerTo": target.ticker,
        "networkTo": target.network,
        "fixed": "true" if rate_type == "fixed" else "false",
    }


def _order(
    request: OrderRequest, codes: tuple[Code, Code], rate_id: str | None
) -> dict[str, object]:
    """The body of `POST /exchanges`; what is not used is empty, and the rate null."""
    return {
        **_pair(codes, request.rate_type),
        "fixed": request.rate_type == "fixed",
        "amount": f"{request.amount_from:f}",
        "reverse": False,
        "addressTo": request.payout_address,
        "extraIdTo": request.payout_extra_id or "",
        "userRefundAddress": request.refund_address or "",
        "userRefundExtraId": request.refund_extra_id or "",
        "rateId": rate_id,
    }
