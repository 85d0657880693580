"""The outermost layer of the APIs: a request id on every answer, one log line per request, and 503
for every fault of the database that passes by itself."""

from __future__ import annotations

import logging
import time

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.api.errors import on_passing_fault
from privata.core.ids import new_request_id
from privata.infra.database.faults import passing_fault
from privata.infra.http.access import SCOPE_HEADERS

log = logging.getLogger("privata.access")


class RequestIds:
    """Gives each request an id before anything else sees it.

    Faults of the database end here, not at the routes: to admit a call is a query, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope["privata.request_id"] = new_request_id()
        headers = scope[SCOPE_HEADERS] = [(b"x-request-id", request_id.encode())]
        started = time.perf_counter()
        status, begun = 500, False

        async def with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:
            fault = passing_fault(error)
            if fault is None:
                raise
            answer = on_passing_fault(Request(scope), fault, error)
            if not begun:
                await answer(scope, receive, with_headers)
            # Otherwise the server closes the connection: the client sees that its answer broke off.
        finally:
            if log.isEnabledFor(logging.INFO):
                took = (time.perf_counter() - started) * 1000
                # The path alone: queries can carry tokens.
                log.info(
                    "%s %s %s %d %.1f ms", request_id, scope["method"], scope["path"], status, took
                )
