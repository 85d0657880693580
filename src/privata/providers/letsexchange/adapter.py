"""LetsExchange as a provider."""

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
from privata.providers.fields import Fields, objects
from privata.providers.http.client import Call, ProviderClient
from privata.providers.letsexchange import wire
from privata.providers.letsexchange.config import LetsExchangeSettings
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

_S = OrderStatus

#: A suspicion changes nothing about an order whose coins have been sent.
_SETTLED = frozenset({_S.COMPLETED, _S.REFUNDED})


class LetsExchange:
    """One partner at LetsExchange: `credentials.account` is the affiliate ID that earns."""

    name = "letsexchange"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: LetsExchangeSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or LetsExchangeSettings()
        self.refunds = self._settings.refunds
        self._account = credentials.account
        headers = {"Authorization": f"Bearer {credentials.key}"}
        self._client = ProviderClient(self.name, self._settings.client, headers=headers, tls=tls)
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        reply = await self._client.call(Call("currencies", "GET", "/v2/coins"), deadline)
        if not reply.ok:
            raise wire.error(reply)
        coins = objects(self.name, "currencies", reply.value)
        return matched((one for coin in coins for one in wire.listed(coin)), self._settings.chains)

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
            found = await self._info(codes, self._settings.probe, "send", rate_type, deadline)
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise
        return found.limits

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        found = await self._info(codes, request.amount, request.side, request.rate_type, deadline)
        sent, received = request.amount, found.amount
        if request.side == "receive":
            sent, received = received, sent
        if not found.limits.minimum <= sent <= found.limits.maximum:
            raise AmountRefused(found.limits)
        return answers.offer(
            self.name,
            request,
            sent,
            received,
            rate_id=found.rate_id,
            valid_until=found.valid_until if request.rate_type == "fixed" else None,
        )

    async def _info(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        side: Side,
        rate_type: RateType,
        deadline: Deadline | None,
    ) -> wire.Info:
        source, target = codes
        body = {
            "from": source.ticker,
            "to": target.ticker,
            "network_from": source.network,
            "network_to": target.network,
            "amount": f"{amount:f}",
            "affiliate_id": self._account,
            "float": rate_type == "float",
        }
        path = "/v1/info" if side == "send" else "/v1/info-revert"
        return wire.info(await self._asked(Call("quote", "POST", path, body=body), deadline))

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        rate_id = request.rate_id
        # A rate for an amount to receive is none for the amount to send, which is what counts now.
        if request.rate_type == "fixed" and (rate_id is None or request.side == "receive"):
            rate_id = await self._new_rate(codes, request, deadline)
        body = _order(request, codes, rate_id) | {"affiliate_id": self._account}
        call = Call("create", "POST", "/v1/transaction", body=body)
        opened = wire.transaction(await self._asked(call, deadline))
        for shown, code in ((opened.source, codes[0]), (opened.target, codes[1])):
            answers.same_code(self.name, code, shown.ticker, shown.network)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
        if request.rate_type == "fixed" and opened.is_float:
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
        found = await self._info(codes, request.amount_from, "send", "fixed", deadline)
        answers.promised(self.name, request, found.amount)
        if found.rate_id is None:
            raise unavailable(self.name, Fault.SHAPE, "quote.rate_id")
        return found.rate_id

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        call = Call("status", "GET", f"/v1/transaction/{order.provider_order_id}")
        seen = wire.transaction(await self._asked(call, deadline))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        expected = await self._listing.code(order.agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, order.agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, expected, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        tx_refund = answers.tx_hash(self.name, seen.tx_refund)
        if status is _S.REFUND_REQUIRED and tx_refund is not None:
            status = _S.REFUNDED
        if seen.suspected and status not in _SETTLED:
            status = _S.MANUAL_REVIEW
        tx_out = answers.tx_hash(self.name, seen.tx_out)
        sent = answers.sent_amount(order, seen.sent)
        return Report(
            status,
            amount_to_actual=sent if status is _S.COMPLETED else None,
            tx_in_hash=answers.tx_hash(self.name, seen.tx_in),
            tx_out_hash=tx_refund if status is _S.REFUNDED else tx_out,
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            deposited=seen.deposited,
            refund_under_way=status is _S.REFUND_REQUIRED,
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


def _order(
    request: OrderRequest, codes: tuple[Code, Code], rate_id: str | None
) -> dict[str, object]:
    """The body of `POST /v1/transaction`. Keys that are not used are empty: one is required."""
    source, target = codes
    return {
        "float": request.rate_type == "float",
        "coin_from": source.ticker,
        "coin_to": target.ticker,
        "network_from": source.network,
        "network_to": target.network,
        "deposit_amount": f"{request.amount_from:f}",
        "withdrawal": request.payout_address,
        "withdrawal_extra_id": request.payout_extra_id or "",
        "return": request.refund_address or "",
        "return_extra_id": request.refund_extra_id or "",
        "rate_id": rate_id or "",
    }
