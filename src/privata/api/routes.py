"""Every route of the partner API. A new room of routes is one line here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.routing import compile_path

from privata.api.events import router as events_router
from privata.api.health import router as health_router
from privata.api.me import router as me_router
from privata.api.openapi_requests import errors, request_of
from privata.infra.http.operations import ApiRoute
from privata.infra.http.routing import Router
from privata.orders.api import router as orders_router
from privata.orders.list.api import router as order_list_router
from privata.payouts.api import router as payouts_router
from privata.quotes.address_api import router as address_router
from privata.quotes.api import router as quotes_router
from privata.refunds.api import router as refunds_router
from privata.streams.api import router as streams_router
from privata.webhooks.api.deliveries import router as deliveries_router
from privata.webhooks.api.endpoints import router as webhooks_router

PREFIX: Final = "/partner/v1"

#: In the order in which a path is looked for and in which the document shows them.
ROUTERS: Final = (
    orders_router,
    me_router,
    order_list_router,
    refunds_router,
    payouts_router,
    quotes_router,
    address_router,
    health_router,
    events_router,
    streams_router,
    webhooks_router,
    deliveries_router,
)


def all_routes() -> Iterator[ApiRoute]:
    """The routes of all routers, with paths below `PREFIX`."""
    for router in ROUTERS:
        yield from router.routes


def described_routes(
    prefix: str = PREFIX,
    routers: Sequence[Router] = ROUTERS,
    refused: Callable[..., dict[int | str, dict[str, Any]]] = errors,
) -> APIRouter:
    """The routes as FastAPI takes them, which makes the OpenAPI document out of them.

    `refused` makes the `responses` of a route out of the errors that it raises.
    """
    described = APIRouter(prefix=prefix)
    for route in (one for router in routers for one in router.routes):
        operation = route.operation
        if not operation.documented:
            continue
        described.add_api_route(
            route.path,
            _described(route),
            methods=[route.method],
            tags=[route.tag],
            operation_id=operation.name or _operation_id(route.handler.__name__),
            status_code=operation.status,
            response_model=operation.returns,
            response_class=operation.media,
            responses={**operation.responses, **refused(*operation.refusals)},
            openapi_extra=request_of(operation),
        )
    return described


def _described(route: ApiRoute) -> Callable[..., Any]:
    """A function that looks as FastAPI reads handlers: the path's parts, a name, a description."""

    def described() -> None:
        """Never called."""

    described.__name__ = route.handler.__name__
    described.__doc__ = route.handler.__doc__
    parts = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=str)
        for name in compile_path(route.path)[2]
    ]
    described.__signature__ = inspect.Signature(parts)  # type: ignore[attr-defined]
    return described


def _operation_id(name: str) -> str:
    """`create_order` becomes `createOrder`; clients name their functions after it."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
