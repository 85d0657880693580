"""`POST /v2/exchange`, `by-id`, and what can be done with a deposit: orders like any other."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.changenow_api import answers, presenting, schemas
from privata.changenow_api.currencies_api import TAG
from privata.changenow_api.errors import not_available
from privata.changenow_api.pairs import pair_of
from privata.changenow_api.quotes_api import best_quote
from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    InvalidAddress,
    InvalidPair,
    NoProvidersAvailable,
    OrderNotFound,
    ProviderFailed,
    QuoteExpired,
    RefundNotProgrammatic,
    RefundNotRequired,
    RefundWindowExpired,
)
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.orders import reading
from privata.orders import service as orders
from privata.refunds import service as refunds
from privata.refunds.rules import RefundAction, RefundSource

router = Router(TAG)

_KEY: Final = KeyAccess(Scope.ORDERS)


@router.route(
    "POST",
    "/exchange",
    Operation(
        access=_KEY,
        query=schemas.SandboxQuery,
        body=schemas.Exchange,
        errors=(
            InvalidPair,
            AmountTooLow,
            AmountTooHigh,
            InvalidAddress,
            QuoteExpired,
            ProviderFailed,
            NoProvidersAvailable,
        ),
        returns=answers.Created,
    ),
)
async def create_exchange(
    request: Request, actor: Actor, query: schemas.SandboxQuery, body: schemas.Exchange
) -> Response:
    """Create an exchange. A `rateId` is good for one exchange."""
    quote_id, terms = await _quoted(request, actor, body)
    wanted = orders.NewOrder(
        quote_id=quote_id,
        address=body.address,
        extra_id=body.extra_id,
        refund_address=body.refund_address,
        refund_extra_id=body.refund_extra_id if body.refund_address else None,
        sandbox_scenario=query.sandbox_scenario,
        sandbox_ttl=query.sandbox_ttl,
        terms=terms,
    )
    made = await orders.create_order(context_of(request), actor=actor, wanted=wanted)
    return json_response(presenting.created(msgspec.json.decode(made), body))


@router.route(
    "GET",
    "/exchange/by-id",
    Operation(
        access=_KEY, query=schemas.ById, errors=(OrderNotFound,), returns=answers.ExchangeById
    ),
)
async def exchange_by_id(request: Request, actor: Actor, query: schemas.ById) -> Response:
    """An exchange and its status."""
    order = await _order(request, actor, query.id, "Transaction not found")
    available = refunds.is_open(order, context_of(request).clock.now())
    return json_response(presenting.by_id(order, actions_available=available))


@router.route(
    "GET",
    "/exchange/actions",
    Operation(access=_KEY, query=schemas.ById, errors=(OrderNotFound,), returns=answers.Actions),
)
async def exchange_actions(request: Request, actor: Actor, query: schemas.ById) -> Response:
    """What can be done with a deposit that was not exchanged."""
    order = await _order(request, actor, query.id, "Exchange not found")
    available = refunds.is_open(order, context_of(request).clock.now())
    return json_response(presenting.actions(order, available=available))


@router.route(
    "POST",
    "/exchange/refund",
    Operation(
        access=_KEY,
        body=schemas.RefundBody,
        errors=(OrderNotFound, InvalidAddress, RefundNotRequired),
        returns=answers.Done,
    ),
)
async def refund_exchange(request: Request, actor: Actor, body: schemas.RefundBody) -> Response:
    """Return the deposit to the refund address, or to another valid one on its network."""
    order = await _order(request, actor, body.id, "Exchange not found")
    address: str | None = body.address
    if body.extra_id is None and body.address == order.refund_address:
        address = None  # the one that the order has, with its memo or tag
    wish = refunds.Wish(RefundAction.RETURN, address, body.extra_id)
    try:
        await refunds.request_refund(
            context_of(request), actor=actor, order_id=order.id, wish=wish, source=RefundSource.API
        )
    except (RefundNotRequired, RefundNotProgrammatic, RefundWindowExpired):
        return not_available(f"Refund not available for exchange {order.id}")
    return json_response({"result": True})


@router.route(
    "POST",
    "/exchange/continue",
    Operation(
        access=_KEY,
        body=schemas.ContinueBody,
        errors=(OrderNotFound, RefundNotRequired),
        returns=answers.Continued,
    ),
)
async def continue_exchange(request: Request, actor: Actor, body: schemas.ContinueBody) -> Response:
    """Always `not_available`: a deposit that was not exchanged can be refunded, not continued."""
    order = await _order(request, actor, body.id, "Exchange not found")
    return not_available(f"Continue not available for exchange {order.id}")


async def _quoted(
    request: Request, actor: Actor, body: schemas.Exchange
) -> tuple[str, orders.Terms | None]:
    """The quote that a fixed rate names, which must be the one that the body speaks of; in the
    standard flow the best one of this moment."""
    if body.flow != "fixed-rate" or body.rate_id is None:
        return (await best_quote(request, actor, body)).id, None
    source, target = await pair_of(context_of(request), actor.environment, body)
    direct = body.type == "direct"
    terms = orders.Terms(
        source=(source.ticker, source.network),
        target=(target.ticker, target.network),
        amount_from=body.amount if direct else None,
        amount_to=None if direct else body.amount,
        rate_type=body.rate_type,
    )
    return body.rate_id, terms


async def _order(request: Request, actor: Actor, order_id: str, missing: str) -> reading.WholeOrder:
    order = await reading.whole_order_of(context_of(request), actor=actor, order_id=order_id)
    if order is None:
        raise OrderNotFound(missing)
    return order
