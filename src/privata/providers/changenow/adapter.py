"""ChangeNOW v2 as a provider."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal

from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.changenow import wire
from privata.providers.changenow.config import ChangeNowSettings
from privata.providers.currencies import Code, matched
from privata.providers.failures import Fault, Refusal, refused, unavailable
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
)

_S = OrderStatus


class ChangeNow:
    """One partner key at ChangeNOW."""

    name = "changenow"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: ChangeNowSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or ChangeNowSettings()
        self.refunds = self._settings.refunds
        self._client = ProviderClient(
            self.name,
            self._settings.client,
            headers={"x-changenow-api-key": credentials.key},
            tls=tls,
        )
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        query = {"active": "true"}
        reply = await self._client.call(
            Call("currencies", "GET", "/exchange/currencies", query), deadline
        )
        if not reply.ok:
            raise wire.error(reply)
        entries = objects(self.name, "currencies", reply.value)
        return matched(map(wire.listed, entries), self._settings.chains)

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
        query = {**_pair(one, other), "flow": wire.FLOWS[rate_type]}
        reply = await self._client.call(Call("limits", "GET", "/exchange/range", query), deadline)
        if not reply.ok:
            error = wire.error(reply)
            if error.reason == Refusal.PAIR:
                return None
            raise error
        self._check_pair(reply.fields(), one, other)
        return wire.limits(reply.fields())

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        found = await self._estimate(
            codes, request.amount, request.side, request.rate_type, deadline
        )
        return answers.offer(
            self.name,
            request,
            found.amount_from,
            found.amount_to,
            rate_id=found.rate_id,
            valid_until=found.valid_until,
        )

    async def _estimate(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        side: str,
        rate_type: RateType,
        deadline: Deadline | None,
    ) -> wire.Estimate:
        query = {**_pair(*codes), "flow": wire.FLOWS[rate_type]}
        if side == "send":
            query |= {"type": "direct", "fromAmount": f"{amount:f}"}
        else:
            query |= {"type": "reverse", "toAmount": f"{amount:f}"}
        if rate_type == "fixed":
            query["useRateId"] = "true"
        fields = await self._asked(
            Call("quote", "GET", "/exchange/estimated-amount", query), deadline
        )
        self._check_pair(fields, *codes)
        return wire.estimate(fields)

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        rate_id = request.rate_id
        # A rate for an amount to receive is none for the amount to send, which is what counts now.
        if request.rate_type == "fixed" and (rate_id is None or request.side == "receive"):
            rate_id = await self._new_rate(codes, request, deadline)
        call = Call("create", "POST", "/exchange", body=_order(request, codes, rate_id))
        opened = wire.opened(await self._asked(call, deadline))
        self._check_codes(opened, *codes)
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
            expires_at=answers.expiry(self.name, request, opened.valid_until, wait),
            next_change_at=None,
            amount_to=answers.promised(self.name, request, opened.amount_to),
        )

    async def _new_rate(
        self, codes: tuple[Code, Code], request: OrderRequest, deadline: Deadline | None
    ) -> str:
        """A rate for the amounts that were offered; refused if it has become worse."""
        found = await self._estimate(codes, request.amount_from, "send", "fixed", deadline)
        answers.promised(self.name, request, found.amount_to)
        if found.rate_id is None:
            raise unavailable(self.name, Fault.SHAPE, "quote.rateId")
        return found.rate_id

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        seen = await self._exchange(order.provider_order_id, deadline)
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        agreed = order.agreed
        if not (
            answers.as_agreed(self.name, seen.id, agreed, seen.payout_address)
            and answers.in_currency(
                self.name, seen.id, await self._listing.code(agreed.target, deadline), seen.target
            )
        ):
            return Report(_S.MANUAL_REVIEW)
        if status is _S.FAILED and seen.actions_available:
            status = _S.REFUND_REQUIRED
        if status is _S.WAITING_DEPOSIT and seen.valid_until and seen.valid_until < now:
            status = _S.EXPIRED
        sent = status is _S.COMPLETED
        return Report(
            status,
            amount_to_actual=answers.sent_amount(order, seen.amount_to) if sent else None,
            tx_in_hash=answers.tx_hash(self.name, seen.tx_in),
            tx_out_hash=answers.tx_hash(
                self.name, seen.tx_refund if status is _S.REFUNDED else seen.tx_out
            ),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            deposited=seen.amount_from,
        )

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        if self.refunds.capability != "programmatic" or request.converts:
            raise refused(Refusal.REFUND)
        seen = await self._exchange(request.provider_order_id, deadline)
        if wire.STATUSES.get(seen.status) is _S.REFUNDED:
            tx_hash = answers.tx_hash(self.name, seen.tx_refund)
            if tx_hash is not None:
                return RefundReport(done=True, provider_reference=seen.id, tx_hash=tx_hash)
        elif seen.actions_available and await self._may_refund(seen.id, deadline):
            # A refund that was taken on before, unseen by us, is not available any more: asking
            # first is what makes this safe to repeat.
            body = {"id": seen.id, "address": request.address}
            if request.extra_id is not None:
                body["extraId"] = request.extra_id
            call = Call("refund", "POST", "/exchange/refund", body=body)
            answer = await self._asked(call, deadline)
            if not answer.flag("result"):
                raise refused(Refusal.REFUND)
        elif not request.accepted:
            raise refused(Refusal.REFUND)
        return RefundReport(
            done=False, provider_reference=seen.id, check_at=now + self._settings.refund_check
        )

    async def _may_refund(self, order_id: str, deadline: Deadline | None) -> bool:
        call = Call("actions", "GET", "/exchange/actions", {"id": order_id})
        answer = await self._asked(call, deadline)
        action = answer.optional_inside("refund")
        return action is not None and action.flag("available")

    async def _exchange(self, order_id: str, deadline: Deadline | None) -> wire.Exchange:
        call = Call("status", "GET", "/exchange/by-id", {"id": order_id})
        seen = wire.exchange(await self._asked(call, deadline))
        if seen.id != order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        return seen

    async def _asked(self, call: Call, deadline: Deadline | None) -> Fields:
        reply: Reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply)
        return reply.fields()

    def _check_pair(self, answer: Fields, source: Code, target: Code) -> None:
        for side, code in (("from", source), ("to", target)):
            ticker = answer.optional_text(f"{side}Currency")
            answers.same_code(self.name, code, ticker, answer.optional_text(f"{side}Network"))

    def _check_codes(self, seen: wire.Exchange, source: Code, target: Code) -> None:
        for shown, code in ((seen.source, source), (seen.target, target)):
            answers.same_code(self.name, code, shown.ticker, shown.network)


def _pair(source: Code, target: Code) -> dict[str, str]:
    return {
        "fromCurrency": source.ticker,
        "fromNetwork": source.network,
        "toCurrency": target.ticker,
        "toNetwork": target.network,
    }


def _order(request: OrderRequest, codes: tuple[Code, Code], rate_id: str | None) -> dict[str, str]:
    """The body of `POST /exchange`; what is not used is empty, as its documents allow."""
    return {
        **_pair(*codes),
        "fromAmount": f"{request.amount_from:f}",
        "toAmount": "",
        "address": request.payout_address,
        "extraId": request.payout_extra_id or "",
        "refundAddress": request.refund_address or "",
        "refundExtraId": request.refund_extra_id or "",
        "userId": "",
        "contactEmail": "",
        "flow": wire.FLOWS[request.rate_type],
        "type": "direct",
        "rateId": rate_id or "",
    }
