"""Every failure in one shape, whatever raised it: the envelope of docs/errors.md, unless the
application's `failure_shape` says otherwise."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from privata.core.errors import NotFound, RequestError, UrlRefused, ValidationFailed
from privata.infra.database.faults import PassingFault
from privata.infra.faults import FAULTS
from privata.infra.http.access import SCOPE_HEADERS
from privata.infra.http.failures import Failure, FailureShape
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


def envelope(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    """`{"error": {"code", "message", "request_id", ...}}`."""
    more: dict[str, Any] = dict(failure.data)
    if failure.fields:
        more["fields"] = [{"field": name, "message": text} for name, text in failure.fields]
    content = {"code": failure.code, "message": failure.message, "request_id": request_id, **more}
    return failure.status, {"error": content}


def answered(
    request: Request, failure: Failure, headers: Mapping[str, str] | None = None
) -> Response:
    """The failure as the application that was called shows it."""
    shape: FailureShape = request.app.state.failure_shape
    status, content = shape(failure, request_id_of(request))
    return json_response(content, status, headers)


async def on_request_error(request: Request, error: Exception) -> Response:
    """A refusal we raised on purpose."""
    assert isinstance(error, RequestError)
    headers = error.headers
    if error.status == HTTP_UNAUTHORIZED:
        # RFC 9110 wants to be told with what one can come in; each of our APIs has its own way.
        headers = {"WWW-Authenticate": request.app.state.challenge, **headers}
    failure = Failure(error.status, error.code, error.message, error.fields, error.data)
    return answered(request, failure, headers)


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
    return answered(request, Failure(error.status_code, code, message), error.headers)


async def on_url_refused(request: Request, error: Exception) -> Response:
    """The guard does not let a URL through; which network it led to is not told."""
    assert isinstance(error, UrlRefused)
    log.info("%s: URL refused: %s", request_id_of(request), error.reason)
    fragment = error.message.removeprefix("The URL ").removesuffix(".")
    fields = (("url", fragment[:1].lower() + fragment[1:]),)
    refusal = ValidationFailed
    return answered(request, Failure(refusal.status, refusal.code, error.message, fields))


def on_passing_fault(request: Request, fault: PassingFault, error: Exception) -> Response:
    """The database is away, read-only or overloaded: nothing was done, the call may be repeated."""
    FAULTS.note(fault, error, request_id_of(request))
    return away(request)


def away(request: Request) -> Response:
    """The answer while the database does not do what it should."""
    message = "The service is temporarily unavailable. Try again shortly."
    return answered(request, Failure(503, "INTERNAL", message), {"Retry-After": RETRY_AFTER_S})


async def on_bug(request: Request, error: Exception) -> Response:
    """Our mistake: logged with its trace under the request id, told without it."""
    log.error("%s: unhandled error", request_id_of(request), exc_info=error)
    return answered(request, Failure(500, "INTERNAL", "An internal error occurred."))


async def on_unhandled(request: Request, error: Exception) -> Response:
    """The same where it comes past every layer, which would have put their headers on it."""
    response = await on_bug(request, error)
    response.raw_headers.extend(request.scope.get(SCOPE_HEADERS, ()))
    return response


#: Passing faults of the database are no entry: `RequestIds` answers those, wherever they arise.
HANDLERS: dict[Any, Any] = {
    RequestError: on_request_error,
    UrlRefused: on_url_refused,
    HTTPException: on_http_error,
    Exception: on_unhandled,
}
