"""Making an order out of a quote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import asyncpg
import msgspec

from privata.core.addresses import AddressError, validate_address
from privata.core.errors import (
    DuplicateActiveOrder,
    InvalidAddress,
    QuoteExpired,
    ValidationFailed,
)
from privata.core.ids import new_order_id
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Actor, Environment
from privata.events import service as events
from privata.infra.context import AppContext
from privata.infra.http import idempotency
from privata.orders import store, wire
from privata.orders.moving import ORDERS_WAKEUP
from privata.orders.opening.opening import Opened, open_order
from privata.orders.provider_secrets import sealed_secret
from privata.orders.rows import WholeOrder
from privata.orders.tracking import tracking_url
from privata.providers.port import DEFAULT_TTL, Asset, OrderRequest, SandboxPlan, Scenario
from privata.quotes.quote import UsableQuote
from privata.routing.catalogue import find_asset

HTTP_CREATED = 201

_QUOTE_ID = re.compile(r"qt_[0-9a-f]{32}")
_UNUSABLE = (
    "This quote is unknown, used, or older than 5 minutes. Request a new one with /estimate."
)


@dataclass(frozen=True, slots=True)
class RefundPreference:
    """What happens when a refund window ends without an action (docs/refunds.md)."""

    default: Literal["return_to_refund_address", "convert_to_stable", "manual_review"]
    fallback_if_refund_address_missing: Literal["convert_to_stable", "manual_review"]
    convert_to_stable_target: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the caller takes the quote to say: ticker and network of both sides, and the amounts
    that it named. None: it named none."""

    source: tuple[str, str]
    target: tuple[str, str]
    amount_from: Decimal | None
    amount_to: Decimal | None
    rate_type: Literal["float", "fixed"]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a partner asks for. With `terms`, a quote that says something else is rejected."""

    quote_id: str
    address: str
    extra_id: str | None = None
    refund_address: str | None = None
    refund_extra_id: str | None = None
    refund_preference: RefundPreference | None = None
    partner_order_ref: str | None = None
    sandbox_scenario: Scenario | None = None
    sandbox_ttl: int | None = None
    terms: Terms | None = None


async def create_order(
    ctx: AppContext, *, actor: Actor, wanted: NewOrder, claim: idempotency.Claim | None = None
) -> bytes:
    """Open the swap at the provider and make the order; the order object as JSON.

    With `claim`, the answer is stored under the caller's Idempotency-Key in the same transaction:
    after a crash either both exist or neither. Errors are those of the route in the API reference.
    """
    quote = await _usable_quote(ctx, actor, wanted)
    if wanted.terms is not None:
        _agree(quote, wanted.terms)
    payout_address, payout_extra_id = _check(
        "address", quote.to_network, wanted.address, wanted.extra_id
    )
    refund_address, refund_extra_id = None, None
    if wanted.refund_address is not None:
        refund_address, refund_extra_id = _check(
            "refund_address", quote.from_network, wanted.refund_address, wanted.refund_extra_id
        )
    if quote.used_at is not None or quote.expires_at <= ctx.clock.now():
        raise QuoteExpired(_UNUSABLE)
    if quote.duplicate_of is not None:
        raise _duplicate(quote.duplicate_of)
    source, target = await quoted_assets(ctx, quote)
    now = ctx.clock.now()
    request = OrderRequest(
        seed=quote.id,
        source=source,
        target=target,
        amount_from=quote.amount_from,
        amount_to=quote.amount_to,
        rate_type=quote.rate_type,
        payout_address=payout_address,
        payout_extra_id=payout_extra_id,
        refund_address=refund_address,
        refund_extra_id=refund_extra_id,
        created_at=now,
        sandbox=_sandbox_plan(actor, wanted),
        markup_bps=quote.markup_bps,
    )
    opened = await open_order(ctx, actor, quote, request)
    order = new_order(actor, wanted, quote, request, opened)
    if opened.order.secret is not None:
        sealed = sealed_secret(ctx.sealer, order.id, opened.order.secret)
        order = msgspec.structs.replace(order, provider_secret=sealed)
    try:
        return await commit_order(ctx, order, claim)
    except asyncpg.UniqueViolationError as error:
        # Two creates with one reference passed the check above together; the index let one in.
        if error.constraint_name != "orders_one_open_per_ref":
            raise
        other = await store.open_order_with_ref(
            ctx.database.pool,
            actor.organization_id,
            actor.environment,
            order.partner_order_ref or "",
        )
        raise _duplicate(other) from None


async def _usable_quote(ctx: AppContext, actor: Actor, wanted: NewOrder) -> UsableQuote:
    if not _QUOTE_ID.fullmatch(wanted.quote_id):
        sentence = "is not a valid quote_id; use one returned by /estimate"
        raise ValidationFailed("quote_id is invalid.", fields=[("quote_id", sentence)])
    if actor.environment is Environment.LIVE and (
        wanted.sandbox_scenario is not None or wanted.sandbox_ttl is not None
    ):
        given = "sandbox_ttl" if wanted.sandbox_scenario is None else "sandbox_scenario"
        raise ValidationFailed(
            f"{given} works only with test keys.", fields=[(given, "works only with a test key")]
        )
    quote = await store.fetch_quote(
        ctx.database.pool,
        wanted.quote_id,
        actor.organization_id,
        actor.environment,
        wanted.partner_order_ref,
    )
    if quote is None:
        raise QuoteExpired(_UNUSABLE)
    return quote


def _agree(quote: UsableQuote, terms: Terms) -> None:
    """`ValidationFailed` where the quote is not the one that the caller means.

    Whoever pays the amount that it has in mind, or in another asset, would lose it.
    """
    said = {
        "pair": terms.source + terms.target
        == (quote.from_asset, quote.from_network, quote.to_asset, quote.to_network),
        "amount": terms.amount_from in (None, quote.amount_from)
        and terms.amount_to in (None, quote.amount_to),
        "rate type": terms.rate_type == quote.rate_type,
    }
    wrong = [name for name, agreed in said.items() if not agreed]
    if wrong:
        sentence = f"is for another {' and another '.join(wrong)}; request a new quote"
        raise ValidationFailed(f"quote_id {sentence}.", fields=[("quote_id", sentence)])


def _check(field: str, network: str, address: str, extra_id: str | None) -> tuple[str, str | None]:
    try:
        valid = validate_address(network, address, extra_id)
    except AddressError as error:
        name = field
        if error.field == "extra_id":
            name = "extra_id" if field == "address" else "refund_extra_id"
        raise InvalidAddress(
            f"{name} is not valid on {network}. {error.message}.", fields=[(name, error.fragment)]
        ) from None
    return valid.address, valid.extra_id


async def quoted_assets(ctx: AppContext, quote: UsableQuote) -> tuple[Asset, Asset]:
    """What a quote swaps; `QuoteExpired` where no enabled provider lists it any more."""
    environment = Environment(quote.environment)
    source = await find_asset(
        ctx, environment, ticker=quote.from_asset, network=quote.from_network, field="from"
    )
    target = await find_asset(
        ctx, environment, ticker=quote.to_asset, network=quote.to_network, field="to"
    )
    if source is None or target is None:
        raise QuoteExpired(
            "The provider no longer offers this pair. Request a new quote with /estimate."
        )
    return source, target


def _sandbox_plan(actor: Actor, wanted: NewOrder) -> SandboxPlan | None:
    if actor.environment is Environment.LIVE:
        return None
    scenario = wanted.sandbox_scenario or Scenario.SUCCESS
    ttl = DEFAULT_TTL if wanted.sandbox_ttl is None else wanted.sandbox_ttl
    return SandboxPlan(scenario.value, ttl)


def new_order(
    actor: Actor,
    wanted: NewOrder,
    quote: UsableQuote,
    request: OrderRequest,
    opened: Opened,
) -> WholeOrder:
    """The order as it begins: its row, before it is written."""
    refunds, there = opened.refunds, opened.order
    preference = None
    if wanted.refund_preference is not None:
        preference = wire.encode(wanted.refund_preference).decode()
    plan = request.sandbox
    begun, status = request.created_at, OrderStatus.WAITING_DEPOSIT
    return WholeOrder(
        id=new_order_id(begun),
        organization_id=actor.organization_id,
        environment=actor.environment.value,
        quote_id=quote.id,
        provider=opened.provider,
        provider_order_id=there.provider_order_id,
        partner_order_ref=wanted.partner_order_ref,
        from_asset=request.source.ticker,
        from_network=request.source.network,
        from_decimals=request.source.decimals,
        to_asset=request.target.ticker,
        to_network=request.target.network,
        to_decimals=request.target.decimals,
        amount_from=quote.amount_from,
        amount_to_expected=opened.amount_to,
        usd_value=quote.usd_value,
        markup_bps=opened.markup_bps,
        rate_type=quote.rate_type,
        deposit_address=there.deposit_address,
        deposit_extra_id=there.deposit_extra_id,
        payout_address=request.payout_address,
        payout_extra_id=request.payout_extra_id,
        refund_address=request.refund_address,
        refund_extra_id=request.refund_extra_id,
        refund_preference=preference,
        refund_capability=refunds.capability,
        refund_window_hours=refunds.window_hours,
        refund_sla_hours=refunds.sla_hours,
        sandbox_scenario=None if plan is None else plan.scenario,
        # As it was given: a window is scaled only for those who asked for a pace.
        sandbox_ttl=None if plan is None else wanted.sandbox_ttl,
        expires_at=there.expires_at,
        poll_at=there.next_change_at or begun,
        created_at=begun,
        updated_at=begun,
        status=status.value,
        amount_to_actual=None,
        completed_at=None,
        timeline_status=[status.value],
        timeline_at=[begun],
    )


async def commit_order(
    ctx: AppContext, order: WholeOrder, claim: idempotency.Claim | None
) -> bytes:
    """Write the order, its event and the remembered answer in one transaction; the answer."""
    status, at = OrderStatus(order.status), order.created_at
    shown = wire.order_object(order, tracking_url(ctx, order.id))
    answer = wire.encode(shown)
    told = wire.status_event(order, shown, status, order.last_seq, at)
    async with ctx.database.transaction() as tx:
        if not await store.insert_order(tx, order):
            raise QuoteExpired(_UNUSABLE)
        await events.publish(
            tx,
            organization_id=order.organization_id,
            environment=Environment(order.environment),
            channel="order",
            order_id=order.id,
            events=[told],
        )
        if claim is not None:
            await idempotency.finish(tx, claim, status_code=HTTP_CREATED, body=answer)
        tx.wake(ORDERS_WAKEUP)
    return answer


def _duplicate(order_id: str | None) -> DuplicateActiveOrder:
    return DuplicateActiveOrder(
        "An open order already has this partner_order_ref.",
        data={} if order_id is None else {"order_id": order_id},
    )
