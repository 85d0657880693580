"""The partner API, put together."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from privata import __version__
from privata.api.errors import HANDLERS
from privata.api.health import router as health_router
from privata.api.middleware import RequestIds
from privata.events.api import router as events_router
from privata.infra.kernel import Kernel
from privata.infra.openapi import ERROR_SCHEMA
from privata.infra.wire import json_response
from privata.orders.api import router as orders_router
from privata.quotes.api import router as quotes_router
from privata.webhooks.api import router as webhooks_router
from privata.webhooks.delivery_api import router as deliveries_router

PREFIX = "/partner/v1"


def create_api(kernel: Kernel) -> FastAPI:
    """The API on the database of `kernel`."""
    app = FastAPI(
        title="Privata Partner API",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(RequestIds)],
        exception_handlers=HANDLERS,
    )
    app.state.kernel = kernel
    partner = APIRouter(prefix=PREFIX)
    for router in (
        health_router,
        quotes_router,
        orders_router,
        events_router,
        webhooks_router,
        deliveries_router,
    ):
        partner.include_router(router)
    app.include_router(partner)
    app.add_api_route(f"{PREFIX}/openapi.json", _openapi, include_in_schema=False)
    return app


async def _openapi(request: Request) -> Response:
    return json_response(openapi_document(request.app))


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description="Quotes, orders and their status for partners.",
            routes=app.routes,
        )
        components = document.setdefault("components", {})
        components["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        }
        schemas = components.setdefault("schemas", {})
        schemas["Error"] = ERROR_SCHEMA
        app.openapi_schema = document
    return app.openapi_schema
