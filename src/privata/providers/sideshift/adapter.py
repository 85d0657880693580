"""SideShift v2 as a provider."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.money import CONTEXT
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, matched
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
)
from privata.providers.sideshift import wire
from privata.providers.sideshift.config import SideShiftSettings

_S = OrderStatus


class SideShift:
    """One account at SideShift: `account` is its ID, `secret` its private key."""

    name = "sideshift"
    environment = Environment.LIVE
    most_markup_bps = 0

    def __init__(
        self,
        credentials: Credentials,
        settings: SideShiftSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or SideShiftSettings()
        self._account = credentials.account
        self._secret = {"x-sideshift-secret": credentials.secret}
        self.refunds = self._settings.refunds
        self._client = ProviderClient(self.name, self._settings.client, tls=tls)
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        reply = await self._client.call(self._read("currencies", "/coins"), deadline)
        if not reply.ok:
            raise wire.error(reply)
        coins = objects(self.name, "currencies", reply.value)
        entries = (entry for coin in coins for entry in wire.listed(coin))
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
        try:
            return (await self._pair((one, other), None, deadline)).limits
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        if request.rate_type == "fixed":
            fixed = await self._fixed(
                codes, request.amount, request.side, request.user_ip, deadline
            )
            return answers.offer(
                self.name,
                request,
                fixed.amount_from,
                fixed.amount_to,
                rate_id=fixed.id,
                valid_until=fixed.expires_at,
            )
        pair = await self._pair(codes, request.user_ip, deadline)
        sent, received = _at_rate(pair.rate, request, self.name)
        if not pair.limits.minimum <= sent <= pair.limits.maximum:
            raise AmountRefused(pair.limits)
        return answers.offer(self.name, request, sent, received)

    async def _pair(
        self, codes: tuple[Code, Code], user_ip: str | None, deadline: Deadline | None
    ) -> wire.Pair:
        named = "/".join(f"{code.ticker.lower()}-{code.network}" for code in codes)
        query = {"affiliateId": self._account} if self._account else {}
        if self._settings.commission_percent is not None:
            query["commissionRate"] = self._settings.commission_percent
        call = Call(
            "quote",
            "GET",
            f"/pair/{named}",
            query,
            headers=self._headers(user_ip),
            weight=self._settings.client.read_weight,
        )
        answer = await self._asked(call, deadline)
        self._check(answer, codes)
        return wire.pair(answer)

    async def _fixed(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        side: str,
        user_ip: str | None,
        deadline: Deadline | None,
    ) -> wire.Quote:
        amounts = {"depositAmount": f"{amount:f}", "settleAmount": None}
        if side == "receive":
            amounts = {"depositAmount": None, "settleAmount": f"{amount:f}"}
        body = {**self._body(codes), **amounts}
        call = self._write("fixed_quote", "/quotes", body, user_ip, self._settings.quote_weight)
        answer = await self._asked(call, deadline)
        self._check(answer, codes)
        return wire.quote(answer)

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        fixed = request.rate_type == "fixed"
        body: dict[str, str | None] = {
            "settleAddress": request.payout_address,
            "affiliateId": self._account,
        }
        if fixed:
            body["quoteId"] = await self._rate(codes, request, deadline)
        else:
            body |= self._body(codes)
        for name, value in (
            ("settleMemo", request.payout_extra_id),
            ("refundAddress", request.refund_address),
            ("refundMemo", request.refund_extra_id),
        ):
            if value is not None:
                body[name] = value
        call = self._write(
            "fixed_create" if fixed else "create",
            "/shifts/fixed" if fixed else "/shifts/variable",
            body,
            request.user_ip,
            self._settings.shift_weight,
        )
        answer = await self._asked(call, deadline)
        self._check(answer, codes)
        return self._opened(request, wire.shift(answer, self._settings.refund_hash))

    async def _rate(
        self, codes: tuple[Code, Code], request: OrderRequest, deadline: Deadline | None
    ) -> str:
        """The quote to make a fixed shift of: the one of the offer, or a new one no worse."""
        if request.rate_id is not None and request.side == "send":
            return request.rate_id
        quote = await self._fixed(codes, request.amount_from, "send", request.user_ip, deadline)
        answers.promised(self.name, request, quote.amount_to)
        return quote.id

    def _opened(self, request: OrderRequest, shift: wire.Shift) -> OpenedOrder:
        answers.same_payout(self.name, request, shift.payout_address)
        if request.rate_type == "fixed":
            # Any other amount is sent back to the user.
            answers.same_amount(self.name, request.amount_from, shift.amount_from)
        elif not _holds(shift.least, request.amount_from, shift.most):
            raise AmountRefused
        if shift.deposit_address is None:
            raise unavailable(self.name, Fault.DEPOSIT_ADDRESS)
        address, extra_id = answers.deposit_address(
            self.name, request.source, shift.deposit_address, shift.deposit_memo
        )
        fixed = request.rate_type == "fixed"
        wait = self._settings.fixed_wait if fixed else self._settings.float_wait
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, shift.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=answers.expiry(self.name, request, shift.expires_at, wait),
            next_change_at=None,
            amount_to=answers.promised(self.name, request, shift.amount_to),
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        seen = await self._shift(order.provider_order_id, deadline)
        agreed = order.agreed
        code = await self._listing.code(agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, code, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        status = self._status(seen)
        sent = status is _S.COMPLETED
        refund_hash = seen.tx_refund if status is _S.REFUNDED else seen.tx_out
        return Report(
            status,
            amount_to_actual=answers.sent_amount(order, seen.amount_to) if sent else None,
            tx_in_hash=answers.tx_hash(self.name, seen.tx_in),
            tx_out_hash=answers.tx_hash(self.name, refund_hash),
            failed_reason=answers.reason_of(status),
            failed_message=answers.message_of(status),
            refund_under_way=seen.status.lower() == wire.REFUNDING,
        )

    def _status(self, seen: wire.Shift) -> OrderStatus:
        """Our state; with several deposits, the one they agree on, else a person has to look."""
        if seen.status.lower() != wire.MULTIPLE:
            return answers.status_of(self.name, seen.status, wire.STATUSES)
        found = {answers.status_of(self.name, word, wire.STATUSES) for word in seen.deposits}
        return found.pop() if len(found) == 1 else _S.MANUAL_REVIEW

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        if self.refunds.capability != "programmatic" or request.converts:
            raise refused(Refusal.REFUND)
        seen = await self._shift(request.provider_order_id, deadline)
        status = self._status(seen)
        if status is _S.REFUNDED and seen.tx_refund is not None:
            tx_hash = answers.tx_hash(self.name, seen.tx_refund)
            return RefundReport(done=True, provider_reference=seen.id, tx_hash=tx_hash)
        waits = status is _S.REFUND_REQUIRED
        if waits and seen.refund_address is None:
            # An address that was set unseen stands in the shift, so it is never set twice.
            body = {"address": request.address}
            if request.extra_id is not None:
                body["memo"] = request.extra_id
            path = f"/shifts/{seen.id}/set-refund-address"
            call = self._write("refund", path, body, None, self._settings.client.read_weight)
            await self._asked(call, deadline)
        elif waits and not answers.same_address(
            request.network, request.address, seen.refund_address
        ):
            # It goes to the address that the shift has already, which is not the chosen one.
            raise refused(Refusal.REFUND)
        elif not waits and not request.accepted and status is not _S.REFUNDED:
            raise refused(Refusal.REFUND)
        return RefundReport(
            done=False, provider_reference=seen.id, check_at=now + self._settings.refund_check
        )

    async def _shift(self, order_id: str, deadline: Deadline | None) -> wire.Shift:
        answer = await self._asked(self._read("status", f"/shifts/{order_id}"), deadline)
        seen = wire.shift(answer, self._settings.refund_hash)
        if seen.id != order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        return seen

    async def _asked(self, call: Call, deadline: Deadline | None) -> Fields:
        reply = await self._client.call(call, deadline)
        if not reply.ok:
            raise wire.error(reply)
        return reply.fields()

    def _read(self, name: str, path: str) -> Call:
        return Call(name, "GET", path, weight=self._settings.client.read_weight)

    def _write(
        self, name: str, path: str, body: object, user_ip: str | None, weight: float
    ) -> Call:
        headers = {**self._secret, **self._headers(user_ip)}
        return Call(name, "POST", path, body=body, headers=headers, weight=weight)

    def _headers(self, user_ip: str | None) -> dict[str, str]:
        known = user_ip or self._settings.user_ip
        return {} if known is None else {"x-user-ip": known}

    def _body(self, codes: tuple[Code, Code]) -> dict[str, str | None]:
        body: dict[str, str | None] = {
            "depositCoin": codes[0].ticker,
            "depositNetwork": codes[0].network,
            "settleCoin": codes[1].ticker,
            "settleNetwork": codes[1].network,
            "affiliateId": self._account,
        }
        if self._settings.commission_percent is not None:
            body["commissionRate"] = self._settings.commission_percent
        return body

    def _check(self, answer: Fields, codes: tuple[Code, Code]) -> None:
        for expected, shown in zip(codes, wire.codes(answer), strict=True):
            answers.same_code(self.name, expected, shown.ticker, shown.network)


def _holds(least: Decimal | None, amount: Decimal, most: Decimal | None) -> bool:
    return (least is None or least <= amount) and (most is None or amount <= most)


def _at_rate(rate: Decimal, request: QuoteRequest, provider: str) -> tuple[Decimal, Decimal]:
    """What is sent and received at an indicative rate."""
    if rate <= 0:
        raise unavailable(provider, Fault.NUMBER, "quote.rate")
    if request.side == "send":
        return request.amount, CONTEXT.multiply(request.amount, rate)
    unit = Decimal(1).scaleb(-request.source.decimals)
    return CONTEXT.add(CONTEXT.divide(request.amount, rate), unit), request.amount
