"""What every request of the dashboard does for its session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from privata.accounts.client import Client
from privata.accounts.hashing import RETRY_AFTER_S, HashingBusy
from privata.accounts.session_backend import SessionStore

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def session_client(get_response: Handler) -> Handler:
    """Tell the session where the request comes from; renew its token where a role has changed."""

    def begin(request: HttpRequest) -> None:
        session = request.session
        assert isinstance(session, SessionStore)
        session.client = Client(
            request.META.get("REMOTE_ADDR") or None, request.headers.get("User-Agent", "")
        )

    def end(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        session = request.session
        assert isinstance(session, SessionStore)
        if session.must_rotate and _is_whole_page(request, response):
            session.cycle_key()
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            begin(request)
            response = await get_response(request)
            return await sync_to_async(end)(request, response)

        markcoroutinefunction(asynchronous)
        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        begin(request)
        return end(request, get_response(request))  # type: ignore[arg-type]

    return synchronous


def busy_hashing(get_response: Handler) -> Handler:
    """Answer with 503 where a password got no turn to be hashed (`hashing.GATE`).

    The page holds the form as it was sent, behind a button: nothing typed is lost.
    """

    def polite(request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if not isinstance(error, HashingBusy):
            return None
        fields = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name != "csrfmiddlewaretoken"
        ]
        context = {"fields": fields, "again": request.get_full_path(), "seconds": RETRY_AFTER_S}
        answer = render(request, "accounts/busy.html", context, status=503)
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            answer: HttpResponseBase = await get_response(request)
            return answer

        asynchronous.process_exception = polite  # type: ignore[attr-defined]  # as Django wants it
        markcoroutinefunction(asynchronous)
        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return get_response(request)

    synchronous.process_exception = polite  # type: ignore[attr-defined]  # as Django wants it
    return synchronous


busy_hashing.sync_capable = True  # type: ignore[attr-defined]
busy_hashing.async_capable = True  # type: ignore[attr-defined]


def _is_whole_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Parts of a page are fetched side by side: a new token in one answer would sign the others
    out, so only whole pages, which come one after the other, renew it."""
    return (
        "HX-Request" not in request.headers and not response.streaming and request.method != "HEAD"
    )


session_client.sync_capable = True  # type: ignore[attr-defined]
session_client.async_capable = True  # type: ignore[attr-defined]
