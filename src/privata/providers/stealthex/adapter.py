"""StealthEX v4 as a provider."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, Listed, matched
from privata.providers.failures import AmountRefused, Fault, Refusal, refused, unavailable
from privata.providers.fields import Fields, objects
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
from privata.providers.stealthex import wire
from privata.providers.stealthex.config import StealthExSettings
from privata.providers.together import both

_S = OrderStatus

#: Basis points of a percent.
_BPS_OF_PERCENT: Final = 100


class StealthEx:
    """One partner key at StealthEX."""

    name = "stealthex"
    environment = Environment.LIVE

    def __init__(
        self,
        credentials: Credentials,
        settings: StealthExSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or StealthExSettings()
        self.refunds = self._settings.refunds
        self.most_markup_bps = self._settings.most_markup_bps
        headers = {"Authorization": f"Bearer {credentials.key}"}
        self._client = ProviderClient(self.name, self._settings.client, headers=headers, tls=tls)
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        page, found = self._settings.page, list[Listed]()
        for number in range(self._settings.pages):
            query = {"limit": str(page), "offset": str(number * page)}
            reply = await self._client.call(
                Call("currencies", "GET", "/currencies", query), deadline
            )
            if not reply.ok:
                raise wire.error(reply)
            entries = objects(self.name, "currencies", reply.value)
            found += map(wire.listed, entries)
            if len(entries) < page:
                break
        return matched(found, self._settings.chains)

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
        """The limits of what is sent, whichever amount a price is for."""
        body = _route(codes, "send", rate_type)
        call = Call("limits", "POST", "/rates/range", body=body)
        return wire.limits(await self._asked(call, deadline))

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        found, limits = await both(
            self._estimate(
                codes,
                request.amount,
                request.side,
                request.rate_type,
                deadline,
                request.markup_bps,
            ),
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
        markup_bps: int,
    ) -> wire.Estimate:
        body = {**_route(codes, side, rate_type), **_fee(markup_bps), "amount": amount}
        call = Call("quote", "POST", "/rates/estimated-amount", body=body)
        return wire.estimate(await self._asked(call, deadline))

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
        deposit, withdrawal = opened.deposit, opened.withdrawal
        for shown, code in ((deposit.code, codes[0]), (withdrawal.code, codes[1])):
            answers.same_code(self.name, code, shown.ticker, shown.network)
        answers.same_amount(self.name, request.amount_from, deposit.expected)
        answers.same_amount(self.name, request.amount_from, deposit.amount)
        answers.same_payout(self.name, request, withdrawal.address)
        if opened.rate not in (None, wire.RATES[request.rate_type]):
            raise refused(Refusal.RATE)
        if deposit.address is None:
            raise unavailable(self.name, Fault.SHAPE, "create.deposit.address")
        address, extra_id = answers.deposit_address(
            self.name, request.source, deposit.address, deposit.extra_id
        )
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, opened.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=answers.expiry(self.name, request, opened.valid_until, self._settings.wait),
            next_change_at=None,
            amount_to=answers.promised(self.name, request, withdrawal.expected),
        )

    async def _new_rate(
        self, codes: tuple[Code, Code], request: OrderRequest, deadline: Deadline | None
    ) -> str:
        """A rate for the amounts that were offered; refused if it has become worse."""
        found = await self._estimate(
            codes, request.amount_from, "send", "fixed", deadline, request.markup_bps
        )
        answers.promised(self.name, request, found.amount)
        if found.rate_id is None:
            raise unavailable(self.name, Fault.SHAPE, "quote.rate.id")
        return found.rate_id

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        call = Call("status", "GET", f"/exchanges/{order.provider_order_id}")
        seen = wire.exchange(await self._asked(call, deadline))
        if seen.id != order.provider_order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        status = answers.status_of(self.name, seen.status, self._settings.statuses)
        expected = await self._listing.code(order.agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, order.agreed, seen.withdrawal.address)
            and answers.in_currency(self.name, seen.id, expected, seen.withdrawal.code)
        ):
            return Report(_S.MANUAL_REVIEW)
        tx_in = answers.tx_hash(self.name, seen.deposit.tx_hash)
        if status is _S.FAILED and tx_in is not None:
            status = _S.REFUND_REQUIRED
        sent = answers.sent_amount(order, seen.withdrawal.amount)
        return Report(
            status,
            amount_to_actual=sent if status is _S.COMPLETED else None,
            tx_in_hash=tx_in,
            tx_out_hash=answers.tx_hash(self.name, seen.withdrawal.tx_hash),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            # Until a deposit has come, its amount is the expected one.
            deposited=None if tx_in is None else seen.deposit.amount,
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


def _route(codes: tuple[Code, Code], side: Side, rate_type: RateType) -> dict[str, object]:
    source, target = ({"symbol": one.ticker, "network": one.network} for one in codes)
    return {
        "route": {"from": source, "to": target},
        "estimation": wire.ESTIMATIONS[side],
        "rate": wire.RATES[rate_type],
    }


def _fee(markup_bps: int) -> dict[str, object]:
    """The partner's markup, which it adds to its own fee."""
    percent = Decimal(markup_bps) / _BPS_OF_PERCENT
    return {"additional_fee_percent": percent} if markup_bps else {}


def _order(
    request: OrderRequest, codes: tuple[Code, Code], rate_id: str | None
) -> dict[str, object]:
    """The body of `POST /exchanges`; what is not used is left out."""
    extras = {
        "extra_id": request.payout_extra_id,
        "refund_address": request.refund_address,
        "refund_extra_id": request.refund_extra_id,
        "rate_id": rate_id,
    }
    return {
        **_route(codes, "send", request.rate_type),
        **_fee(request.markup_bps),
        "amount": request.amount_from,
        "address": request.payout_address,
        **{name: value for name, value in extras.items() if value is not None},
    }
