"""Every failure in the one envelope of docs/errors.md, whatever raised it."""

from __future__ import annotations

import logging
import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from privata.core.errors import NotFound, RequestError, UrlRefused, ValidationFailed
from privata.infra.database.faults import PassingFault
from privata.infra.faults import FAULTS
from privata.infra.http.wire import json_response

log = logging.getLogger(__name__)

#: What a partner is told while the database is away or restarting, seconds.
RETRY_AFTER_S = "2"

HTTP_UNAUTHORIZED = 401
HTTP_METHOD_NOT_ALLOWED = 405

_SLASHES = re.compile("/{2,}")


def request_id_of(request: Request) -> str:
    """The id given to the request by the outermost layer."""
    return str(request.scope.get("privata.request_id", ""))


def envelope(request: Request, code: str, message: str, **more: Any) -> dict[str, Any]:
    """`{"error": {"code", "message", "request_id", ...}}`."""
    return {
        "error": {"code": code, "message": message, "request_id": request_id_of(request), **more}
    }


async def on_request_error(request: Request, error: Exception) -> Response:
    """A refusal we raised on purpose."""
    assert isinstance(error, RequestError)
    more: dict[str, Any] = dict(error.data)
    if error.fields:
        more["fields"] = [{"field": name, "message": text} for name, text in error.fields]
    content = envelope(request, error.code, error.message, **more)
    headers = error.headers
    if error.status == HTTP_UNAUTHORIZED:
        # RFC 9110 wants to be told with what one can come in; each of our APIs has its own way.
        headers = {"WWW-Authenticate": request.app.state.challenge, **headers}
    return json_response(content, error.status, headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the router refuses: a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    code, message = NotFound.code, f"Route not found: {request.method[:16]} {path[:256]}."
    single = _SLASHES.sub("/", path)
    if single != path:
        message += f" Use single slashes: {single[:256]}."
    if error.status_code == HTTP_METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "other methods")
        message = f"{path[:256]} supports {allowed}, not {request.method[:16]}."
    if error.status_code != NotFound.status:
        code = ValidationFailed.code
    content = envelope(request, code, message)
    return json_response(content, error.status_code, error.headers)


async def on_url_refused(request: Request, error: Exception) -> Response:
    """The guard does not let a URL through; which network it led to is not told."""
    assert isinstance(error, UrlRefused)
    log.info("%s: URL refused: %s", request_id_of(request), error.reason)
    fragment = error.message.removeprefix("The URL ").removesuffix(".")
    fields = [{"field": "url", "message": fragment[:1].lower() + fragment[1:]}]
    content = envelope(request, ValidationFailed.code, error.message, fields=fields)
    return json_response(content, ValidationFailed.status)


def on_passing_fault(request: Request, fault: PassingFault, error: Exception) -> Response:
    """The database is away, read-only or overloaded: nothing was done, the call may be repeated."""
    FAULTS.note(fault, error, request_id_of(request))
    return away(request)


def away(request: Request) -> Response:
    """The answer while the database does not do what it should."""
    content = envelope(
        request, "INTERNAL", "The service is temporarily unavailable. Try again shortly."
    )
    return json_response(content, 503, {"Retry-After": RETRY_AFTER_S})


async def on_bug(request: Request, error: Exception) -> Response:
    """Our mistake: logged with its trace under the request id, told without it."""
    log.error("%s: unhandled error", request_id_of(request), exc_info=error)
    content = envelope(request, "INTERNAL", "An internal error occurred.")
    return json_response(content, 500)


#: Passing faults of the database are no entry: `RequestIds` answers those, wherever they arise.
HANDLERS: dict[Any, Any] = {
    RequestError: on_request_error,
    UrlRefused: on_url_refused,
    HTTPException: on_http_error,
    Exception: on_bug,
}
