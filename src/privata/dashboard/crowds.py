"""How many pages one address gets in a minute: a page costs a processor 5 to 10 ms, whoever asks.

Counted in the memory of the process, since a statement would cost as much as the page: with several
processes an address gets as many times more.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from privata.dashboard.early import early_page
from privata.infra.http.proxies import source_of

#: Whoever sends a session's cookie gets this many times more: pages of signed-in people fetch parts
#: of themselves, and an office can have one address.
SIGNED_IN_TIMES: Final = 10

#: Addresses that are remembered; of more, the one that asked longest ago is forgotten.
MOST_ADDRESSES: Final = 10_000

_MINUTE_S: Final = 60.0
_COOKIES: Final = (b"privata=", b"__Host-privata=")


class Crowds:
    """Buckets of addresses: each holds a minute's pages and fills up steadily."""

    def __init__(
        self, app: ASGIApp, per_minute: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, bool], tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        wait = self.wait(client[0] if client else None, signed_in=_has_session(scope))
        if wait == 0:
            await self._app(scope, receive, send)
            return
        page = early_page(
            429,
            title="Too many requests",
            heading="Too many requests from your IP address",
            sentence=f"Wait {wait} seconds, then reload this page. If you sent a form, it is sent"
            " again.",
            headers={"Retry-After": str(wait)},
        )
        await page(scope, receive, send)

    def wait(self, ip: str | None, *, signed_in: bool) -> int:
        """Take a page for this address: 0, or the whole seconds until there is one."""
        most = float(self._per_minute * (SIGNED_IN_TIMES if signed_in else 1))
        key, now = (source_of(ip) or "", signed_in), self._clock()
        left, at = self._buckets.pop(key, (most, now))
        left = min(most, left + (now - at) * most / _MINUTE_S)
        granted = left >= 1
        self._buckets[key] = (left - 1 if granted else left, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0 if granted else max(1, math.ceil((1 - left) * _MINUTE_S / most))


def _has_session(scope: Scope) -> bool:
    return any(
        name == b"cookie" and any(part.strip().startswith(_COOKIES) for part in value.split(b";"))
        for name, value in scope["headers"]
    )
