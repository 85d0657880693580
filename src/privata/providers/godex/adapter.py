"""Godex v1 as a provider."""

from __future__ import annotations

import ssl
import time
from datetime import datetime
from decimal import Decimal

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, matched
from privata.providers.failures import AmountRefused, Fault, Refusal, refused, unavailable
from privata.providers.fields import Fields, objects
from privata.providers.godex import wire
from privata.providers.godex.config import GodexSettings
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


class Godex:
    """One partner at Godex: `credentials.account` is the affiliate ID that earns."""

    name = "godex"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: GodexSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or GodexSettings()
        self.refunds = self._settings.refunds
        self._account = credentials.account
        self._client = ProviderClient(
            self.name, self._settings.client, headers={"public-key": credentials.key}, tls=tls
        )
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)
        #: Pairs whose networks were in an answer, and when that was.
        self._confirmed: dict[tuple[Code, Code], float] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        reply = await self._client.call(Call("currencies", "GET", "/coins"), deadline)
        if not reply.ok:
            raise wire.error(reply, self._settings.refusals)
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
            self._offers(rate_type)
            codes = await self._listing.codes(source, target, deadline)
            found = await self._info("limits", "/info", codes, self._settings.probe, deadline)
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise
        return found.limits

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        self._offers(request.rate_type)
        codes = await self._listing.codes(request.source, request.target, deadline)
        direct = request.side == "send"
        path = "/info" if direct else "/info-revert"
        found = await self._info("quote", path, codes, request.amount, deadline)
        if not found.minimum <= request.amount <= found.maximum:
            # Of an amount to receive, the bounds are in that asset: they are no `Limits`.
            raise AmountRefused(found.limits if direct else None)
        if found.amount is None:
            raise unavailable(self.name, Fault.SHAPE, "quote.amount")
        amounts = (request.amount, found.amount) if direct else (found.amount, request.amount)
        return answers.offer(self.name, request, *amounts)

    def _offers(self, rate_type: RateType) -> None:
        if rate_type == "fixed" and not self._settings.locks_rate:
            raise refused(Refusal.PAIR)

    async def _info(
        self,
        name: str,
        path: str,
        codes: tuple[Code, Code],
        amount: Decimal,
        deadline: Deadline | None,
    ) -> wire.Info:
        source, target = codes
        body = {"from": source.ticker, "to": target.ticker, "amount": f"{amount:f}"}
        if self._settings.names_networks:
            body |= {"coin_from_network": source.network, "coin_to_network": target.network}
        found = wire.info(await self._asked(Call(name, "POST", path, body=body), deadline))
        # A coin is priced on its default network, whether or not it is swapped on ours.
        if (
            source.network.lower() not in found.networks_from
            or target.network.lower() not in found.networks_to
        ):
            self._confirmed.pop(codes, None)
            raise refused(Refusal.PAIR)
        self._confirmed[codes] = time.monotonic()
        return found

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        self._offers(request.rate_type)
        codes = await self._listing.codes(request.source, request.target, deadline)
        confirmed = self._confirmed.get(codes)
        age = None if confirmed is None else time.monotonic() - confirmed
        # A pair that was priced just now needs no second question.
        if age is None or age > self._settings.listing_seconds:
            await self._info("quote", "/info", codes, request.amount_from, deadline)
        call = Call("create", "POST", "/transaction", body=_order(request, codes, self._account))
        opened = wire.transaction(await self._asked(call, deadline))
        source, target = codes
        answers.same_code(self.name, source, opened.source, opened.source_network)
        answers.same_code(self.name, target, opened.target, opened.target_network)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
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
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        call = Call("status", "GET", f"/transaction/{order.provider_order_id}")
        seen = wire.transaction(await self._asked(call, deadline))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        expected = await self._listing.code(order.agreed.target, deadline)
        network = seen.target_network or ("" if expected is None else expected.network)
        if not (
            answers.as_agreed(self.name, seen.id, order.agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, expected, Code(seen.target, network))
        ):
            return Report(_S.MANUAL_REVIEW)
        tx_in = answers.tx_hash(self.name, seen.tx_in)
        tx_out = answers.tx_hash(self.name, seen.tx_out)
        sent = answers.sent_amount(order, seen.sent)
        return Report(
            status,
            amount_to_actual=sent if status is _S.COMPLETED else None,
            tx_in_hash=tx_in,
            tx_out_hash=tx_out,
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            deposited=seen.deposited,
            refund_under_way=seen.status.lower() == wire.REFUNDING,
        )

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        raise refused(Refusal.REFUND)

    async def _asked(self, call: Call, deadline: Deadline | None) -> Fields:
        reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply, self._settings.refusals)
        return reply.fields()


def _order(request: OrderRequest, codes: tuple[Code, Code], account: str) -> dict[str, str]:
    """The body of `POST /transaction`; what is not used is empty."""
    source, target = codes
    return {
        "coin_from": source.ticker,
        "coin_from_network": source.network,
        "coin_to": target.ticker,
        "coin_to_network": target.network,
        "deposit_amount": f"{request.amount_from:f}",
        "withdrawal": request.payout_address,
        "withdrawal_extra_id": request.payout_extra_id or "",
        "return": request.refund_address or "",
        "return_extra_id": request.refund_extra_id or "",
        "affiliate_id": account,
    }
