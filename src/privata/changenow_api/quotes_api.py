"""`min-amount`, `range`, `estimated-amount`, and `network-fee`."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.changenow_api import answers, schemas
from privata.changenow_api.currencies_api import TAG
from privata.changenow_api.errors import NOT_AVAILABLE, not_available
from privata.changenow_api.numbers import ceiling, number, number_of
from privata.changenow_api.pairs import in_words, pair_of
from privata.core.clock import iso
from privata.core.errors import AmountTooHigh, AmountTooLow, InvalidPair, NoProvidersAvailable
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.quotes import service as quotes
from privata.quotes.quote import Quote

router = Router(TAG)

_KEY: Final = KeyAccess(Scope.ORDERS)

#: What is taken besides the amounts: nothing, since `toAmount` includes every fee.
_NO_FEE: Final = "0"


@router.route(
    "GET",
    "/exchange/min-amount",
    Operation(
        access=_KEY, query=schemas.PairQuery, errors=(InvalidPair,), returns=answers.MinAmount
    ),
)
async def min_amount(request: Request, actor: Actor, query: schemas.PairQuery) -> Response:
    """The smallest amount that can be sent."""
    found = await _range(request, actor, query)
    del found["maxAmount"]
    return json_response(found)


@router.route(
    "GET",
    "/exchange/range",
    Operation(access=_KEY, query=schemas.PairQuery, errors=(InvalidPair,), returns=answers.Range),
)
async def amount_range(request: Request, actor: Actor, query: schemas.PairQuery) -> Response:
    """The smallest and the largest amount that can be sent."""
    return json_response(await _range(request, actor, query))


@router.route(
    "GET",
    "/exchange/estimated-amount",
    Operation(
        access=_KEY,
        query=schemas.EstimateQuery,
        errors=(InvalidPair, AmountTooLow, AmountTooHigh, NoProvidersAvailable),
        returns=answers.Estimated,
    ),
)
async def estimated_amount(
    request: Request, actor: Actor, query: schemas.EstimateQuery
) -> Response:
    """What is received for an amount, or with `type=reverse` what must be sent for one."""
    quote = await best_quote(request, actor, query)
    source, target = quote.request.source, quote.request.target
    held = query.flow == "fixed-rate" and query.use_rate_id
    return json_response(
        {
            **in_words(source, target),
            "flow": query.flow,
            "type": query.type,
            "rateId": quote.id if held else None,
            "validUntil": iso(quote.expires_at) if held else None,
            # No quote knows how long its order will take.
            "transactionSpeedForecast": None,
            "warningMessage": None,
            "depositFee": number_of(_NO_FEE),
            "withdrawalFee": number_of(_NO_FEE),
            "userId": None,
            "fromAmount": number(quote.offer.amount_from, source.decimals),
            "toAmount": number(quote.offer.amount_to, target.decimals),
        }
    )


@router.route(
    "GET",
    "/exchange/network-fee",
    Operation(
        access=_KEY,
        query=schemas.PairQuery,
        errors=(InvalidPair,),
        responses={NOT_AVAILABLE[0]: {"description": NOT_AVAILABLE[1]}},
    ),
)
async def network_fee(request: Request, actor: Actor, query: schemas.PairQuery) -> Response:
    """Always `not_available`: estimated amounts include network fees, which are not known apart."""
    await pair_of(context_of(request), actor.environment, query)
    return not_available(
        "Network fees are not available separately. The estimated amounts include them."
    )


async def best_quote(request: Request, actor: Actor, query: schemas.Priced) -> Quote:
    """The best offer for what was asked, stored as a quote."""
    source, target = await pair_of(context_of(request), actor.environment, query)
    wanted = quotes.QuoteRequest(source, target, query.amount, query.side, query.rate_type)
    quotes.check_decimals(wanted)
    found = await quotes.estimate(
        context_of(request),
        organization_id=actor.organization_id,
        environment=actor.environment,
        request=wanted,
        markup_bps=None,
    )
    return found[0]


async def _range(request: Request, actor: Actor, query: schemas.PairQuery) -> dict[str, Any]:
    source, target = await pair_of(context_of(request), actor.environment, query)
    found = await quotes.limits_for(context_of(request), actor.environment, source, target)
    return {
        **in_words(source, target),
        "flow": query.flow,
        "minAmount": number(found.minimum, source.decimals),
        "maxAmount": ceiling(found.maximum, source.decimals),
    }
