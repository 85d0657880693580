"""HEAD on every page: what GET would answer, and nothing of what GET does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def head_takes_nothing(get_response: Handler) -> Handler:
    """Run the view for its headers, and leave the session as it was.

    A page that shows a secret once would otherwise show it to nobody, and a notice be lost, when a
    probe or a link preview looks first. A stream or a file is not begun.
    """

    def headed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.method != "HEAD":
            return response
        request.session.modified = False
        response.cookies.clear()
        if not response.streaming:
            return response
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        return HttpResponse(status=response.status_code, headers=headers)

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return headed(request, await get_response(request))

        return markcoroutinefunction(asynchronous)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return headed(request, get_response(request))  # type: ignore[arg-type]

    return synchronous


head_takes_nothing.sync_capable = True  # type: ignore[attr-defined]
head_takes_nothing.async_capable = True  # type: ignore[attr-defined]
