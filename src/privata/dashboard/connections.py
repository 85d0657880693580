"""The pages' database connections: borrowed from one pool for a request, and given back.

Django gives a connection back when the request ends, in the thread that served it. That is not
enough in three cases: a response that streams ends late or never, an error page is rendered in a
thread of its own, and a request that breaks off with an exception does not end in Django's eyes.
A connection that is not given back is lost to the pool, so each of these calls `give_back`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def give_back() -> None:
    """Give back what this thread has borrowed; its next query borrows again."""
    connections.close_all()


def close_pool() -> None:
    """Close every connection of this process. The next query opens a new pool."""
    give_back()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's, not in the stubs


def replace_all() -> None:
    """Replace every connection: the database was away, so none of them can be trusted.

    Without this, pages would find the broken ones one at a time.
    """
    pool = connections["default"].pool  # type: ignore[attr-defined]  # as above
    if pool is not None and not pool.closed:
        pool.drain()


def connections_go_back(get_response: Handler) -> Handler:
    """Give the connection back before a response streams: a live page is open for hours.

    And when a view raises: the error page borrows one in its own thread, and requests that each
    hold one and wait for a second would wait for each other.
    """

    def end(response: HttpResponseBase) -> HttpResponseBase:
        give_back()
        return response

    def raised(request: HttpRequest, error: Exception) -> None:
        give_back()

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            return await sync_to_async(end)(response) if response.streaming else response

        asynchronous.process_exception = raised  # type: ignore[attr-defined]  # as Django wants it
        return markcoroutinefunction(asynchronous)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)  # type: ignore[assignment]
        return end(response) if response.streaming else response

    synchronous.process_exception = raised  # type: ignore[attr-defined]  # as Django wants it
    return synchronous


connections_go_back.sync_capable = True  # type: ignore[attr-defined]
connections_go_back.async_capable = True  # type: ignore[attr-defined]
