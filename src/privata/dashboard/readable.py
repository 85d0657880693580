"""Requests of pages that nothing behind them could store are refused before any view sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from privata.dashboard.errors import bad_request
from privata.infra.storable import NUL

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

#: How a body that Django takes for no form says so; its text is for a log, not for a person.
_UNREADABLE: Final = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)


def readable(get_response: Handler) -> Handler:
    """Answer 400 to a path, query or form with the character NUL, and to a form in no UTF-8.

    PostgreSQL holds no NUL in a text. One place for all pages, so that no view has to think of it.
    """
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            # A form is read from a file: not on the event loop.
            answer = _refused(request) or await sync_to_async(_form_refused)(request)
            return answer or await get_response(request)

        return markcoroutinefunction(asynchronous)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        answer = _refused(request) or _form_refused(request)
        return answer or get_response(request)  # type: ignore[return-value]

    return synchronous


readable.sync_capable = True  # type: ignore[attr-defined]
readable.async_capable = True  # type: ignore[attr-defined]


def _refused(request: HttpRequest) -> HttpResponseBase | None:
    try:
        bad = NUL in request.path_info or _has_nul(request.GET)
    except _UNREADABLE as error:
        return bad_request(request, error)
    return bad_request(request) if bad else None


def _form_refused(request: HttpRequest) -> HttpResponseBase | None:
    if request.method != "POST":
        return None
    try:
        bad = _has_nul(request.POST)
    except _UNREADABLE as error:
        return bad_request(request, error)
    return bad_request(request) if bad else None


def _has_nul(words: QueryDict) -> bool:
    return any(NUL in name or any(NUL in one for one in given) for name, given in words.lists())
