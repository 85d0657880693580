"""Trocador, an aggregator, as a provider: the exchange behind it is told as `Offer.through`."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, matched
from privata.providers.failures import AmountRefused, Fault, Refusal, refused, unavailable
from privata.providers.fields import Fields, objects
from privata.providers.http.client import Call, ProviderClient, Reply
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
from privata.providers.trocador import wire
from privata.providers.trocador.config import TrocadorSettings

_S = OrderStatus

#: Between the ID of a rate and the exchange that was chosen: an order needs both.
_CHOICE = "/"


class Trocador:
    """One partner key at Trocador."""

    name = "trocador"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: TrocadorSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or TrocadorSettings()
        self.refunds = self._settings.refunds
        self._client = ProviderClient(
            self.name, self._settings.client, headers={"API-Key": credentials.key}, tls=tls
        )
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)
        #: The names of coins, by which one of them is asked for.
        self._names: dict[Code, str] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        reply = await self._asked(Call("currencies", "GET", "/coins"), deadline)
        coins = objects(self.name, "currencies", reply.value)
        listed = [(wire.listed(coin), coin.optional_text("name")) for coin in coins]
        self._names = {one.code: name for one, name in listed if name is not None}
        return matched((one for one, _ in listed), self._settings.chains)

    async def limits(
        self,
        source: Asset,
        target: Asset,
        rate_type: RateType = "float",
        *,
        deadline: Deadline | None = None,
    ) -> Limits | None:
        """The bounds of the coin that is sent: those of a pair come with each price."""
        try:
            code, _ = await self._listing.codes(source, target, deadline)
            query = {"ticker": code.ticker, "name": self._names.get(code, "")}
            reply = await self._asked(Call("limits", "GET", "/coin", query), deadline)
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise
        for coin in objects(self.name, "limits", reply.value):
            if answers.is_code(code, coin.text("ticker"), coin.text("network")):
                return wire.limits(coin)
        return None

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        rate, chosen = await self._rate(
            codes, request.amount, request.side, request.rate_type, deadline
        )
        sent, received = request.amount, chosen.amount_to
        if request.side == "receive":
            sent, received = _sent(rate, chosen) or Decimal(0), request.amount
        elif rate.amount_from is not None:
            sent = rate.amount_from
        return answers.offer(
            self.name,
            request,
            sent,
            received,
            rate_id=f"{rate.id}{_CHOICE}{chosen.provider}",
            through=wire.through(chosen.provider),
        )

    async def _rate(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        side: Side,
        rate_type: RateType,
        deadline: Deadline | None,
    ) -> tuple[wire.Rate, wire.Quote]:
        """Prices of all exchanges, and the best of them for the user."""
        direct = side == "send"
        query = {
            **_pair(codes),
            "amount_from" if direct else "amount_to": f"{amount:f}",
            "payment": wire.FALSE if direct else wire.TRUE,
            "best_only": wire.FALSE,
            **self._chosen_by(),
        }
        reply = await self._asked(Call("quote", "GET", "/new_rate", query), deadline)
        rate = wire.rate(reply.fields())
        for shown, code in ((rate.source, codes[0]), (rate.target, codes[1])):
            answers.same_code(self.name, code, shown.ticker, shown.network)
        if direct and not rate.limits.minimum <= amount <= rate.limits.maximum:
            raise AmountRefused(rate.limits)
        fitting = [
            one
            for one in rate.quotes
            if one.fixed == (rate_type == "fixed")
            and wire.through(one.provider) not in self._settings.without
            and (direct or _sent(rate, one) is not None)
        ]
        if not fitting:
            raise refused(Refusal.PAIR)
        if direct:
            return rate, max(fitting, key=lambda one: one.amount_to)
        return rate, min(fitting, key=lambda one: _sent(rate, one) or Decimal(0))

    def _chosen_by(self) -> dict[str, str]:
        names = ("min_kycrating", "min_logpolicy", "markup")
        values = {name: str(getattr(self._settings, name)) for name in names}
        return {name: value for name, value in values.items() if value}

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        rate_id, _, provider = (request.rate_id or "").partition(_CHOICE)
        # A rate for an amount to receive is none for the amount to send, which is what counts now.
        if not (rate_id and provider) or request.side == "receive":
            rate, chosen = await self._rate(
                codes, request.amount_from, "send", request.rate_type, deadline
            )
            answers.promised(self.name, request, chosen.amount_to)
            rate_id, provider = rate.id, chosen.provider
        query = {**_order(request, codes), **self._chosen_by(), "id": rate_id, "provider": provider}
        # A GET that makes an order: no layer may repeat it.
        call = Call("create", "GET", "/new_trade", query, once=True)
        opened = wire.trade((await self._asked(call, deadline)).fields())
        for shown, code in ((opened.source, codes[0]), (opened.target, codes[1])):
            answers.same_code(self.name, code, shown.ticker, shown.network)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
        if request.rate_type == "fixed" and not opened.fixed:
            raise refused(Refusal.RATE)
        address, extra_id = answers.deposit_address(
            self.name, request.source, opened.deposit_address, opened.deposit_extra_id
        )
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, opened.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=answers.expiry(self.name, request, None, self._settings.wait),
            next_change_at=None,
            amount_to=answers.promised(self.name, request, opened.amount_to),
            secret=opened.secret,
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        call = Call("status", "GET", "/trade", {"id": order.provider_order_id})
        seen = wire.trade(self._only(await self._asked(call, deadline)))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        expected = await self._listing.code(order.agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, order.agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, expected, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        sent = answers.sent_amount(order, seen.amount_to)
        return Report(
            status,
            amount_to_actual=sent if status is _S.COMPLETED else None,
            tx_out_hash=answers.tx_hash(self.name, seen.tx_out),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
        )

    def _only(self, reply: Reply) -> Fields:
        """The one trade of a list; an empty one is of an order that is not known."""
        trades = objects(self.name, reply.call, reply.value)
        if not trades:
            raise refused(Refusal.UNKNOWN_ORDER)
        return trades[0]

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        raise refused(Refusal.REFUND)

    async def _asked(self, call: Call, deadline: Deadline | None) -> Reply:
        reply = await self._client.call(call, deadline)
        if wire.failed(reply):
            raise wire.error(reply, self._settings.refusals)
        return reply


def _sent(rate: wire.Rate, quote: wire.Quote) -> Decimal | None:
    """What is to be sent for a price. The top has the amount of the one that it names, only."""
    if quote.amount_from is not None:
        return quote.amount_from
    named = (quote.provider, quote.fixed) == (rate.provider, rate.fixed)
    return rate.amount_from if named else None


def _pair(codes: tuple[Code, Code]) -> dict[str, str]:
    source, target = codes
    return {
        "ticker_from": source.ticker,
        "network_from": source.network,
        "ticker_to": target.ticker,
        "network_to": target.network,
    }


def _order(request: OrderRequest, codes: tuple[Code, Code]) -> Mapping[str, str]:
    query = {
        **_pair(codes),
        "amount_from": f"{request.amount_from:f}",
        "address": request.payout_address,
        "address_memo": request.payout_extra_id or wire.NO_MEMO,
        "fixed": wire.TRUE if request.rate_type == "fixed" else wire.FALSE,
        "payment": wire.FALSE,
    }
    if request.refund_address is not None:
        query["refund"] = request.refund_address
        query["refund_memo"] = request.refund_extra_id or wire.NO_MEMO
    return query
