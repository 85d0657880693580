"""The pages for what went wrong: one template, which knows the words of each status."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from psycopg_pool import PoolTimeout

from privata.dashboard.connections import give_back
from privata.infra.database.for_django import PAGE_WAIT_S

log = logging.getLogger(__name__)

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
    if _no_connection(sys.exc_info()[1]):
        log.error(
            "no database connection for a page within %d s: the database is away, or all"
            " PRIVATA_PAGES_POOL_SIZE connections are in use",
            PAGE_WAIT_S,
        )
        busy = HttpResponse(render_to_string(TEMPLATE, {"status": 503}), status=503)
        busy.headers["Retry-After"] = str(round(PAGE_WAIT_S))
        return busy
    return HttpResponse(render_to_string(TEMPLATE, {"status": 500}), status=500)


def _page(request: HttpRequest, status: int, words: str = "") -> HttpResponse:
    try:
        return render(
            request, TEMPLATE, {"status": status, "words_for": words or status}, status=status
        )
    finally:
        give_back()  # an error page may be rendered in a thread that serves no request


def _no_connection(error: BaseException | None) -> bool:
    """Whether the pool had none in time; Django wraps what the driver raises."""
    return error is not None and isinstance(error.__cause__ or error, PoolTimeout)
