"""This process as a holder of streams: its rows, its sign of life, and the cap.

A row stands for each stream that is open anywhere, so the cap is exact over all processes. A node
that was silent for 90 seconds is dead: its streams count no more, anybody may close their rows,
and it does not come back. A process that lives on after that begins anew under another id and
ends the streams it still holds.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Collection, Mapping
from typing import Final

from privata.core.errors import RateLimited
from privata.core.ids import new_id
from privata.core.tenancy import Actor, Environment
from privata.events.service import LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.faults import PassingFault, passing_fault
from privata.infra.faults import FAULTS
from privata.organizations.profile import profile_of
from privata.streams import store
from privata.streams.connection import AWAY
from privata.streams.states import Ending

#: What a client at the cap is told to wait, seconds.
RETRY_AFTER_S: Final = 15

#: Says to pages that streams came or went.
TOPIC: Final = "streams"


class Node:
    """The rows of one process."""

    def __init__(self, ctx: AppContext) -> None:
        self.id = new_id()
        self._ctx = ctx
        self._begun = False
        self._beginning = asyncio.Lock()
        self._ended: dict[int, tuple[Ending, int]] = {}
        self._flusher: asyncio.Task[None] | None = None
        self._changed: set[store.Partition] = set()
        self._unheld: set[int] = set()

    async def open(self, opening: store.Opening) -> int:
        """The row of a new stream; `RateLimited` at the cap."""
        await self._flushed()  # who reconnects at the cap finds the place that it just left
        environment = opening.actor.environment
        profile = await profile_of(self._ctx, actor=opening.actor)
        cap = profile.streams(environment)
        for _ in range(2):
            node = await self._living()
            async with self._ctx.database.transaction() as tx:
                await store.take_turn(tx, opening.actor)
                row = await store.insert_stream(tx, node, opening, cap)
            if row["id"] is not None:
                self._changed.add((opening.actor.organization_id, environment.value))
                return int(row["id"])
            if row["alive"]:
                raise _at_the_cap(opening.actor, cap)
            self._lost(node)
        raise ConnectionError("the database gave this node up at once")

    def close(self, row_id: int, reason: Ending, sent: int) -> None:
        """Close a row soon; many at once become one statement."""
        self._ended[row_id] = (reason, sent)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def note(self, sent: Mapping[int, int]) -> None:
        """Write down the number of the last event of each of these streams, for the page."""
        self._changed |= await store.note_sent(self._ctx.database.pool, sent)

    async def beat(self, held: Collection[int]) -> set[int] | None:
        """Say that the node lives, and compare: the streams in `held` that have no open row.

        None if the node was given up: all of them are lost. Rows of dead nodes are closed.
        """
        if not self._begun:
            return set()
        node, held = self.id, set(held)
        if not await store.node_seen(self._ctx.database.pool, node):
            self._lost(node)
            return None
        await self.sweep()
        await self._flush()
        rows = await store.open_on(self._ctx.database.pool, node)
        # A row may be a moment older than its stream; one that still has none was left behind.
        unheld = rows - held - set(self._ended)
        for row_id in unheld & self._unheld:
            self.close(row_id, Ending.CLIENT_LEFT, 0)
        self._unheld = unheld
        return held - rows

    async def sweep(self) -> None:
        """Close what dead nodes left."""
        async with self._ctx.database.transaction() as tx:
            # Locked first, in a statement of its own: what was opened until then is seen by the
            # next statement, and nothing can be opened afterwards.
            dead = await store.dead_nodes(tx)
            if dead:
                self._changed |= await store.bury(tx, dead, Ending.NODE_LOST)

    def tell_pages(self) -> None:
        """Send one wake-up for each organization whose streams changed since the last call."""
        for organization_id, environment in self._changed:
            payload = live_payload(organization_id, environment, TOPIC)
            self._ctx.database.wake(LIVE_WAKEUP, payload)
        self._changed.clear()

    async def leave(self) -> None:
        """Close everything that is left: this process stops."""
        await self._flushed()
        if not self._begun:
            return
        self._begun = False
        async with self._ctx.database.transaction() as tx:
            self._changed |= await store.bury(tx, [self.id], Ending.RESTART)
        self.tell_pages()

    async def _living(self) -> uuid.UUID:
        async with self._beginning:
            if not self._begun:
                self.id = new_id()
                pool = self._ctx.database.pool
                await store.begin_node(pool, self.id, socket.gethostname())
                self._begun = True
        return self.id

    def _lost(self, node: uuid.UUID) -> None:
        if node == self.id:
            self._begun = False

    async def _flushed(self) -> None:
        if self._flusher is not None and not self._flusher.done():
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        while self._ended:
            batch, self._ended = self._ended, {}
            try:
                self._changed |= await store.close_streams(self._ctx.database.pool, batch)
            except AWAY as error:
                self._ended = batch | self._ended
                fault = passing_fault(error) or PassingFault.LOST
                FAULTS.note(fault, error, "streams that ended are not written down yet")
                return  # the next heartbeat tries again


def _at_the_cap(actor: Actor, cap: int) -> RateLimited:
    where = "test" if actor.environment is Environment.TEST else "live"
    return RateLimited(
        f"Your organization has reached its limit of {cap} open streams in {where}.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
