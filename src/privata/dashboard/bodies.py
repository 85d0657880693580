"""An end to what a page may be sent: Django writes the whole body of a request to a file before any
of its limits, or ours behind it, sees the request.

No page takes files, so the limit of forms is that of bodies.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.dashboard.early import early_page

_DISCONNECT: Final[Message] = {"type": "http.disconnect"}


class BoundedBodies:
    """Answers 413 to a body of more than `most` bytes, as soon as it is known to be one."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _length(scope) > self._most:
            await self._refuse(scope, receive, send)
            return
        size = 0
        answered = False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            # To Django the client has gone: it throws away what it has and answers nothing.
            return _DISCONNECT if size > self._most else message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await self._app(scope, counted, noted)
        if size > self._most and not answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = early_page(
            413,
            title="Request too large",
            heading="This request is too large",
            sentence=f"A page accepts at most {self._most} bytes. Shorten the form and send it"
            " again.",
        )
        await page(scope, receive, send)


def _length(scope: Scope) -> int:
    """What the request says of its body; 0 for one in chunks, which is counted as it arrives."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(said[0]) if said and said[0].isdigit() else 0
