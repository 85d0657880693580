"""The outermost layer of the API: a request id on every answer, and one log line per request."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.core.ids import new_request_id
from privata.infra.http.access import SCOPE_HEADERS

log = logging.getLogger("privata.access")


class RequestIds:
    """Gives each request an id before anything else sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope["privata.request_id"] = new_request_id()
        headers = scope[SCOPE_HEADERS] = [(b"x-request-id", request_id.encode())]
        started = time.perf_counter()
        status = 500

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        finally:
            if log.isEnabledFor(logging.INFO):
                took = (time.perf_counter() - started) * 1000
                # The path alone: queries can carry tokens.
                log.info(
                    "%s %s %s %d %.1f ms", request_id, scope["method"], scope["path"], status, took
                )
