"""The partner API, put together."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from privata.api.admission import Admissions
from privata.api.cors import Browsers
from privata.api.errors import HANDLERS, envelope
from privata.api.middleware import RequestIds
from privata.api.openapi import encoded_document
from privata.api.routes import PREFIX, ROUTERS
from privata.apikeys.access_api import HEADER
from privata.infra.context import AppContext
from privata.infra.http.operations import NO_KEY, Operation
from privata.infra.http.routing import Router, plain_routes
from privata.infra.http.wire import JsonBytes
from privata.infra.readiness import Readiness
from privata.orders.api import COMPANIONS
from privata.streams.hub import Hub

#: The document does not describe itself.
_document = Router("")


def create_api(ctx: AppContext, readiness: Readiness) -> Starlette:
    """The API on the database of `ctx`; `readiness` is what its health route tells."""
    routes = plain_routes(PREFIX, (*ROUTERS, _document))
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestIds),
            Middleware(Browsers, routes=routes),
            Middleware(Admissions, ctx=ctx, prefix=PREFIX, companions=COMPANIONS),
        ],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    app.state.ctx = ctx
    app.state.readiness = readiness
    app.state.failure_shape = envelope
    app.state.challenge = f'ApiKey realm="partner API", header="{HEADER}"'
    app.state.streams = Hub(ctx)
    return app


@_document.route("GET", "/openapi.json", Operation(access=NO_KEY, documented=False))
async def _openapi(request: Request, nobody: None) -> Response:
    ctx: AppContext = request.app.state.ctx
    return JsonBytes(encoded_document(ctx.settings.base_url))
