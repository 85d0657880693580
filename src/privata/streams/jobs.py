"""What the worker runs for streams: forgetting the closed ones, and nodes that died."""

from __future__ import annotations

import asyncio
from typing import Final

from privata.infra.context import AppContext
from privata.streams.nodes import Node
from privata.streams.service import forget_closed

#: Seconds between two rounds. Servers bury each other's dead; this also finds the last one's.
EVERY_S: Final = 60.0


async def sweep_streams(ctx: AppContext) -> None:
    """Keep the tables of streams small until cancelled."""
    node = Node(ctx)  # never begun: it holds no stream
    while True:
        await node.sweep()
        node.tell_pages()
        await forget_closed(ctx)
        await asyncio.sleep(EVERY_S)
