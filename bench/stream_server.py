"""The server of the streams row, in a process of its own: ours, or a bare ASGI fan-out.

The bare one listens for the same wake-up and writes the same bytes to every connection. It has no
keys, no caps, no rows, no log to read, no order of its own for each stream and no resuming.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import uvloop

from bench.streams import BODY
from privata.events.service import STREAMS_WAKEUP
from privata.infra.context import AppContext
from privata.infra.settings import settings
from privata.serving import listen, serve_app_on, serve_on
from privata.streams.frames import frame_of
from privata.wiring import wire

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream")],
}


class Bare:
    """Keeps the `send` of every connection."""

    def __init__(self, ctx: AppContext) -> None:
        self.ctx = ctx
        self.sends: set[Any] = set()
        self.task: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.task is None:
            self.task = asyncio.create_task(self._fan_out())
        await send(_START)
        await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
        self.sends.add(send)
        while (await receive())["type"] != "http.disconnect":
            pass
        self.sends.discard(send)

    async def _fan_out(self) -> None:
        async with self.ctx.database.listening(STREAMS_WAKEUP) as wakeups:
            number = 1
            while True:
                if await wakeups.get() is None:
                    continue
                number += 1
                frame = frame_of(number, f"bench:{number}", "order.confirming", BODY)
                for send in list(self.sends):
                    await send(frame.message)


async def _main(kind: str) -> None:
    wire()
    chosen = settings()
    assert chosen.database_url is not None
    ctx = await AppContext.open(chosen, chosen.database_url)
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    if kind == "ours":
        await serve_on(listener, ctx, only="api")
    else:
        await serve_app_on(listener, Bare(ctx))


if __name__ == "__main__":
    os.environ.setdefault("PRIVATA_LOG_LEVEL", "warning")
    uvloop.run(_main(sys.argv[1]))
