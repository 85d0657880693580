"""What Django's views need of the program around them.

Django makes its views without arguments, so this is the one place that keeps the application
context of the process; it is set once, before the first request.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connections

from privata.core.clock import SystemClock
from privata.infra.context import AppContext

if TYPE_CHECKING:
    from django.http import HttpRequest

_ctx: AppContext | None = None
_SYSTEM = SystemClock()

T = TypeVar("T")


def install(ctx: AppContext) -> None:
    """Give the views their application context."""
    global _ctx
    _ctx = ctx


def app_context() -> AppContext:
    """The application context of this process."""
    if _ctx is None:
        raise RuntimeError(
            "the dashboard has no application context: it was not started by privata.serving"
        )
    return _ctx


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def current_time() -> datetime:
    """The time by the clock of this process, or the machine if there is no context."""
    return (_SYSTEM if _ctx is None else _ctx.clock).now()


def give_back() -> None:
    """Give back the connection that this page has borrowed; its next query borrows one again.

    A page holds none while it waits for anything but Django's own queries. Others decide how long
    that takes (a partner's name server, everybody's sign-ins), and the pool has few connections.
    """
    if not settings.configured:  # a program without pages
        return
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def wait(answer: Awaitable[T]) -> T:
    """Run a service from a synchronous view, on the event loop that owns the connections.

    The page holds no connection of the pages' pool meanwhile (`give_back`).
    """

    async def answered() -> T:
        return await answer

    give_back()
    return async_to_sync(answered)()
