"""FixedFloat (ff.io) v2 as a provider. Each of its orders has a token: without it, the order can be
neither read nor refunded."""

from __future__ import annotations

import ssl
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderRefused
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.providers import answers
from privata.providers.currencies import Code, matched
from privata.providers.failures import Fault, Refusal, refused, unavailable
from privata.providers.fields import Fields, objects
from privata.providers.fixedfloat import wire
from privata.providers.fixedfloat.config import FixedFloatSettings
from privata.providers.http.client import Call, ProviderClient, Reply
from privata.providers.http.decoding import encoded
from privata.providers.listing import Listing
from privata.providers.port import (
    Asset,
    Credentials,
    Deadline,
    Limits,
    Offer,
    OpenedOrder,
    OrderRequest,
    OrderSecret,
    OrderSnapshot,
    QuoteRequest,
    RateType,
    RefundReport,
    RefundRequest,
    Report,
)

_S = OrderStatus

#: Basis points of a percent.
_BPS_OF_PERCENT: Final = 100


class FixedFloat:
    """One API key at FixedFloat, with the secret that signs its calls."""

    name = "fixedfloat"
    environment = Environment.LIVE

    def __init__(
        self,
        credentials: Credentials,
        settings: FixedFloatSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings or FixedFloatSettings()
        self._credentials = credentials
        self.refunds = self._settings.refunds
        self.most_markup_bps = self._settings.most_markup_bps
        headers = {"X-API-KEY": credentials.key}
        self._client = ProviderClient(self.name, self._settings.client, headers=headers, tls=tls)
        self._listing = Listing(self.name, self._listed, self._settings.listing_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def currencies(self, *, deadline: Deadline | None = None) -> tuple[Asset, ...]:
        return await self._listing.asked(deadline)

    async def _listed(self, deadline: Deadline | None) -> dict[Asset, Code]:
        answer = await self._asked("currencies", "ccies", {}, deadline)
        entries = objects(self.name, "currencies.data", answer.given("data"))
        found = (wire.listed(entry) for entry in entries)
        return matched((one for one in found if one is not None), self._settings.chains)

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
            priced, _ = await self._priced(
                (one, other), self._settings.probe, "from", rate_type, deadline
            )
        except ProviderRefused as error:
            if error.reason == Refusal.PAIR:
                return None
            raise
        return priced.limits

    async def quote(self, request: QuoteRequest, *, deadline: Deadline | None = None) -> Offer:
        codes = await self._listing.codes(request.source, request.target, deadline)
        direction = "from" if request.side == "send" else "to"
        priced, answer = await self._priced(
            codes, request.amount, direction, request.rate_type, deadline, request.markup_bps
        )
        wire.refuse_price(priced, self._settings, answer)
        return answers.offer(self.name, request, priced.amount_from, priced.amount_to)

    async def _priced(
        self,
        codes: tuple[Code, Code],
        amount: Decimal,
        direction: str,
        rate_type: RateType,
        deadline: Deadline | None,
        markup_bps: int = 0,
    ) -> tuple[wire.Price, Fields]:
        body = {
            **self._pair(codes, rate_type, markup_bps),
            "direction": direction,
            "amount": amount,
        }
        answer = await self._asked("quote", "price", body, deadline)
        priced = wire.price(answer.inside("data"))
        answers.same_code(self.name, codes[0], priced.source.ticker, None)
        answers.same_code(self.name, codes[1], priced.target.ticker, None)
        return priced, answer

    async def create_order(
        self, request: OrderRequest, *, deadline: Deadline | None = None
    ) -> OpenedOrder:
        codes = await self._listing.codes(request.source, request.target, deadline)
        answer = await self._asked("create", "create", self._order(request, codes), deadline)
        opened = wire.order(answer.inside("data"))
        answers.same_code(self.name, codes[0], opened.source.ticker, None)
        answers.same_code(self.name, codes[1], opened.target.ticker, None)
        answers.same_amount(self.name, request.amount_from, opened.amount_from)
        answers.same_payout(self.name, request, opened.payout_address)
        address, extra_id = answers.deposit_address(
            self.name, request.source, opened.deposit_address, opened.deposit_tag
        )
        if opened.token is None:
            raise answer.fault(Fault.SHAPE, "token")
        fixed = request.rate_type == "fixed"
        wait = self._settings.fixed_wait if fixed else self._settings.float_wait
        return OpenedOrder(
            provider_order_id=answers.order_id(self.name, opened.id),
            deposit_address=address,
            deposit_extra_id=extra_id,
            expires_at=answers.expiry(self.name, request, opened.expires_at, wait),
            next_change_at=None,
            # There is no rate to hold: what the order promises is what counts.
            amount_to=answers.promised(self.name, request, opened.amount_to),
            secret=OrderSecret({"token": opened.token}),
        )

    async def get_order(
        self, order: OrderSnapshot, now: datetime, *, deadline: Deadline | None = None
    ) -> Report:
        seen = await self._seen(order.provider_order_id, order.secret, deadline)
        agreed = order.agreed
        code = await self._listing.code(agreed.target, deadline)
        if not (
            answers.as_agreed(self.name, seen.id, agreed, seen.payout_address)
            and answers.in_currency(self.name, seen.id, code, seen.target)
        ):
            return Report(_S.MANUAL_REVIEW)
        status = self._status(seen)
        paid = seen.sent or seen.amount_to
        return Report(
            status,
            amount_to_actual=answers.sent_amount(order, paid) if status is _S.COMPLETED else None,
            tx_in_hash=answers.tx_hash(self.name, seen.tx_in),
            tx_out_hash=answers.tx_hash(
                self.name, seen.tx_back if status is _S.REFUNDED else seen.tx_out
            ),
            deposited=seen.deposited,
            refund_under_way=status is _S.REFUND_REQUIRED and seen.choice.lower() == wire.REFUND,
        )

    def _status(self, seen: wire.Order) -> OrderStatus:
        """Our state: an emergency depends on what was chosen, and a refund on its transaction."""
        status = answers.status_of(self.name, seen.status, wire.STATUSES)
        choice = seen.choice.lower()
        if status in (_S.COMPLETED, _S.REFUND_REQUIRED) and choice == wire.REFUND:
            return _S.REFUNDED if seen.tx_back else _S.REFUND_REQUIRED
        if status is _S.REFUND_REQUIRED:
            return answers.status_of(self.name, choice, wire.CHOICES)
        return status

    async def refund(
        self, request: RefundRequest, now: datetime, *, deadline: Deadline | None = None
    ) -> RefundReport:
        if self.refunds.capability != "programmatic" or request.converts:
            raise refused(Refusal.REFUND)
        seen = await self._seen(request.provider_order_id, request.secret, deadline)
        status, choice = self._status(seen), seen.choice.lower()
        if status is _S.REFUNDED:
            tx_hash = answers.tx_hash(self.name, seen.tx_back)
            return RefundReport(done=True, provider_reference=seen.id, tx_hash=tx_hash)
        if status is _S.REFUND_REQUIRED and choice != wire.REFUND:
            # The choice stands in the order, so a refund that was asked for unseen is found there.
            body = {
                **_named(request.provider_order_id, request.secret),
                "choice": "REFUND",
                "address": request.address,
            }
            if request.extra_id is not None:
                body["tag"] = request.extra_id
            await self._asked("refund", "emergency", body, deadline)
        elif status is not _S.REFUND_REQUIRED and not request.accepted:
            raise refused(Refusal.REFUND)
        return RefundReport(
            done=False, provider_reference=seen.id, check_at=now + self._settings.refund_check
        )

    async def _seen(
        self, order_id: str, secret: OrderSecret | None, deadline: Deadline | None
    ) -> wire.Order:
        answer = await self._asked("status", "order", _named(order_id, secret), deadline)
        seen = wire.order(answer.inside("data"))
        if seen.id != order_id:
            raise unavailable(self.name, Fault.OTHER_ORDER)
        return seen

    async def _asked(
        self, name: str, method: str, body: object, deadline: Deadline | None
    ) -> Fields:
        sent = encoded(body)
        call = Call(
            name,
            "POST",
            f"/{method}",
            body=sent,
            headers={
                "X-API-SIGN": wire.signature(self._credentials.secret, sent),
                "Content-Type": wire.CONTENT_TYPE,
            },
            weight=self._settings.create_weight if method == "create" else 1.0,
        )
        reply: Reply = await self._client.call(call, deadline)
        return wire.opened_envelope(reply, self._settings)

    def _pair(
        self, codes: tuple[Code, Code], rate_type: RateType, markup_bps: int
    ) -> dict[str, object]:
        pair: dict[str, object] = {
            "type": rate_type,
            "fromCcy": codes[0].ticker,
            "toCcy": codes[1].ticker,
        }
        if self._settings.refcode:
            pair["refcode"] = self._settings.refcode
        own = self._settings.markup_percent
        if own is not None or markup_bps:
            pair["afftax"] = (own or Decimal(0)) + Decimal(markup_bps) / _BPS_OF_PERCENT
        return pair

    def _order(self, request: OrderRequest, codes: tuple[Code, Code]) -> dict[str, object]:
        body = self._pair(codes, request.rate_type, request.markup_bps)
        body |= {
            "direction": "from",
            "amount": request.amount_from,
            "toAddress": request.payout_address,
        }
        if request.payout_extra_id is not None:
            body["tag"] = request.payout_extra_id
        if self._settings.refund_keys is not None and request.refund_address is not None:
            address, tag = self._settings.refund_keys
            body |= {address: request.refund_address, tag: request.refund_extra_id or ""}
        return body


def _named(order_id: str, secret: OrderSecret | None) -> dict[str, str]:
    """What names an order; one whose token we do not have is unknown there."""
    token = None if secret is None else secret.values.get("token")
    if token is None:
        raise refused(Refusal.UNKNOWN_ORDER)
    return {"id": order_id, "token": token}
