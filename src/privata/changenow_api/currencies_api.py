"""`currencies`, `available-pairs`, and `validate/address`."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KEY_OPTIONAL, KeyAccess
from privata.apikeys.scopes import Scope
from privata.changenow_api import answers, schemas
from privata.changenow_api.pairs import in_words, matches, network_named
from privata.changenow_api.words import CONTRACTS, STABLE, legacy_ticker, network_of
from privata.core.addresses import AddressError, extra_id_name, validate_address
from privata.core.tenancy import Actor
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.quotes import service as quotes
from privata.quotes.service import Asset

TAG: Final = "ChangeNOW API"

router = Router(TAG)


@router.route(
    "GET",
    "/exchange/currencies",
    Operation(access=KEY_OPTIONAL, query=schemas.CurrenciesQuery, returns=answers.Currencies),
)
async def currencies(
    request: Request, actor: Actor | None, query: schemas.CurrenciesQuery
) -> Response:
    """All currencies that can be exchanged, each with its network. No key needed."""
    ctx = context_of(request)
    listed = await quotes.assets(ctx, await quotes.environment_of(ctx, actor))
    image: str = request.app.state.image_url()
    tickers = [asset.ticker for asset in listed]
    return json_response(
        [_currency(one, image, several=tickers.count(one.ticker) > 1) for one in listed]
    )


@router.route(
    "GET",
    "/exchange/available-pairs",
    Operation(
        access=KeyAccess(Scope.ORDERS), query=schemas.PairsQuery, returns=answers.AvailablePairs
    ),
)
async def available_pairs(request: Request, actor: Actor, query: schemas.PairsQuery) -> Response:
    """All pairs that can be exchanged, or those that match the filters."""
    flows = {"standard": True, "fixed-rate": True}
    return json_response(
        [
            in_words(source, target) | {"flow": flows}
            for source, target in await quotes.pairs(context_of(request), actor.environment)
            if matches(source, query.from_currency, query.from_network)
            and matches(target, query.to_currency, query.to_network)
        ]
    )


@router.route(
    "GET",
    "/validate/address",
    Operation(access=KEY_OPTIONAL, query=schemas.AddressQuery, returns=answers.AddressVerdict),
)
async def validate_an_address(
    request: Request, actor: Actor | None, query: schemas.AddressQuery
) -> Response:
    """Validate an address the way `POST /v2/exchange` does. Check `result`. No key needed."""
    ctx = context_of(request)
    network = await network_named(ctx, await quotes.environment_of(ctx, actor), query.currency)
    reason = None
    try:
        validate_address(network, query.address)
    except AddressError as error:
        reason = error.message
    return json_response({"result": reason is None, "message": reason, "isActivated": None})


def _currency(asset: Asset, image: str, *, several: bool) -> dict[str, Any]:
    network = network_of(asset.ticker, asset.network)
    return {
        "ticker": asset.ticker.lower(),
        "name": f"{asset.name} ({asset.network})" if several else asset.name,
        "image": image,
        # No network here makes a memo or tag mandatory: an address may well have none.
        "hasExternalId": False,
        "isExtraIdSupported": extra_id_name(asset.network) is not None,
        "isFiat": False,
        "featured": False,
        "isStable": asset.ticker in STABLE,
        "supportsFixedRate": True,
        "network": network,
        "tokenContract": CONTRACTS.get((asset.ticker, asset.network)),
        "buy": True,
        "sell": True,
        "legacyTicker": legacy_ticker(asset.ticker, asset.network),
    }
