"""The dashboard as an ASGI application: Django, with its static files in front."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from starlette.types import ASGIApp, Receive, Scope, Send

from privata.dashboard.bodies import BoundedBodies
from privata.dashboard.connections import give_back
from privata.dashboard.crowds import Crowds
from privata.dashboard.live import hub
from privata.infra import plane
from privata.infra.context import AppContext
from privata.ui.static_app import Static


def end_streams() -> None:
    """End the live streams of this process, so that the server can stop at once."""
    hub.close()


def create_dashboard(ctx: AppContext) -> ASGIApp:
    """The dashboard on the database of `ctx`; Django must be booted."""
    plane.install(ctx)
    static = Static()
    most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # bytes of a form; no page takes more
    bounded = BoundedBodies(_django(), most)
    django_app = Crowds(bounded, ctx.settings.rate_pages_per_minute)

    async def dashboard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(static.prefix):
            await static(scope, receive, send)
        else:
            await django_app(scope, receive, send)

    return dashboard


class _Handler(ASGIHandler):
    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().handle(scope, receive, send)
        except BaseException:
            # Django ends a request, and gives its connection back, only where nothing was raised.
            await sync_to_async(give_back)()
            raise


def _django() -> ASGIApp:
    handler = _Handler()

    async def django_app(scope: Scope, receive: Receive, send: Send) -> None:
        await handler(dict(scope), receive, send)  # type: ignore[arg-type]  # as in the ASGI spec

    return django_app
