"""The pages for what went wrong: one template, which knows the words of each status."""

from __future__ import annotations

import logging
import sys
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from privata.dashboard.connections import give_back
from privata.infra.database.faults import PassingFault, passing_fault
from privata.infra.database.for_django import PAGE_WAIT_S
from privata.infra.faults import FAULTS

#: What a browser is told to wait while the database does not do what it should, seconds.
_RETRY_AFTER_S: Final = round(PAGE_WAIT_S)

TEMPLATE = "ui/error.html"


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: usually a page left open over a sign-out."""
    return _page(request, 403, "expired_form")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What no page could read; made without the request, whose form may be what is broken."""
    return HttpResponse(render_to_string(TEMPLATE, {"status": 400}), status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What does not exist and what belongs to somebody else look alike."""
    return _page(request, 404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The role does not include the page."""
    return _page(request, 403)


def too_many(request: HttpRequest) -> HttpResponse:
    """A rate limit of the accounts' flows."""
    return _page(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Made without the request: whatever broke may break the context processors too."""
    error = sys.exc_info()[1]
    fault = passing_fault(error)
    if error is not None and fault is not None:
        FAULTS.note(fault, error, _NO_CONNECTION if fault is PassingFault.POOL else request.path)
        busy = HttpResponse(render_to_string(TEMPLATE, {"status": 503}), status=503)
        busy.headers["Retry-After"] = str(_RETRY_AFTER_S)
        return busy
    return HttpResponse(render_to_string(TEMPLATE, {"status": 500}), status=500)


def _page(request: HttpRequest, status: int, words: str = "") -> HttpResponse:
    try:
        return render(
            request, TEMPLATE, {"status": status, "words_for": words or status}, status=status
        )
    finally:
        give_back()  # an error page may be rendered in a thread that serves no request


_NO_CONNECTION: Final = (
    f"no database connection for a page within {PAGE_WAIT_S:g} s: the database is away, or all"
    " PRIVATA_PAGES_POOL_SIZE connections are in use"
)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether Django's line about a failed request says what is not in the log already."""
    return record.exc_info is None or passing_fault(record.exc_info[1]) is None


# Django writes each failure down with its trace, beside the line of `server_error`.
logging.getLogger("django.request").addFilter(_is_news)
