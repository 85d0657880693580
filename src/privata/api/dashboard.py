"""The automation API of the dashboard, put together: its own application, its own credentials."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware

from privata.api.automation.routes import PREFIX, dashboard_routes
from privata.api.errors import HANDLERS, envelope
from privata.api.middleware import RequestIds
from privata.infra.context import AppContext

__all__ = ["PREFIX", "create_dashboard_api"]


def create_dashboard_api(ctx: AppContext) -> Starlette:
    """`/dashboard/v1` on the database of `ctx`; failures look as on the partner API."""
    app = Starlette(
        routes=dashboard_routes(),
        middleware=[Middleware(RequestIds)],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    app.state.ctx = ctx
    app.state.failure_shape = envelope
    app.state.challenge = 'Bearer realm="dashboard API"'
    return app
