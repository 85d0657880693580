"""Every route of the partner API. A new room of routes is one line here."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.routing import APIRoute

from privata.api.health import router as health_router
from privata.api.me import router as me_router
from privata.events.api import router as events_router
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


def partner_routes() -> APIRouter:
    """The routes below `PREFIX`, in the order in which the document shows them."""
    partner = APIRouter(prefix=PREFIX, generate_unique_id_function=_operation_id)
    for router in ROUTERS:
        partner.include_router(router)
    return partner


def _operation_id(route: APIRoute) -> str:
    """`create_order` becomes `createOrder`; clients name their functions after it."""
    first, *rest = route.name.split("_")
    return first + "".join(word.title() for word in rest)
