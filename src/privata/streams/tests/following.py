"""Streams without a server: orders with events, and clients that take what they like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from conftest import wait_for
from privata.apikeys import service as apikeys
from privata.core.ids import new_order_id
from privata.core.tenancy import Actor, ActorKind, Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.streams.hub import Hub, Pace
from privata.streams.service import Opened, open_stream

#: Waits that a test can sit through.
FAST = Pace(beat_s=0.3, look_s=0.1, sign_s=0.1, again_s=0.05)

#: As if every wake-up were lost, and nothing ever looked again.
DEAF = Pace(beat_s=3600, look_s=3600, sign_s=3600)

START = {"type": "http.response.start", "status": 200, "headers": []}


async def key_actor(
    ctx: AppContext, organization: UUID, environment: Environment = Environment.TEST
) -> Actor:
    """The actor of a new key."""
    maker = system_actor(organization, environment, "tests")
    async with ctx.database.transaction() as tx:
        made = await apikeys.create_key(tx, ctx, actor=maker, environment=environment, name="test")
    return Actor(
        ActorKind.KEY, str(made.id), made.key[:16], organization, environment, ip="198.51.100.7"
    )


async def tell(
    ctx: AppContext, actor: Actor, order_id: str, *seqs: int, status: str = "confirming"
) -> None:
    """Events of an order, with these numbers, in one transaction."""
    async with ctx.database.transaction() as tx:
        await publish(
            tx,
            organization_id=actor.organization_id,
            environment=actor.environment,
            channel="order",
            order_id=order_id,
            events=[
                NewEvent(f"{order_id}:{status}:{seq}", f"order.{status}", b'{"n":%d}' % seq, seq)
                for seq in seqs
            ],
        )


async def new_order(ctx: AppContext, actor: Actor) -> str:
    """An order with its first event, as far as streams can see."""
    order_id = new_order_id()
    await tell(ctx, actor, order_id, 1)
    return order_id


@dataclass
class Client:
    """The other end of a stream. While `taking` is not set, each write to it waits."""

    opened: Opened
    written: list[bytes] = field(default_factory=list)
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    async def send(self, message: Any) -> None:
        await self.taking.wait()
        if message["type"] == "http.response.body":
            self.written.append(message["body"])
            if not message["more_body"]:
                self.over = True
                self.left.set()

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events so far."""
        bodies = [part for part in self.written if b"data: " in part]
        return [int(part.partition(b'{"n":')[2].partition(b"}")[0]) for part in bodies]

    @property
    def beats(self) -> int:
        return self.written.count(b": beat\n\n")

    async def has(self, *numbers: int) -> None:
        """Wait until exactly these events have come."""

        async def there() -> bool:
            return self.numbers == list(numbers)

        await wait_for(there)


@asynccontextmanager
async def hub_on(ctx: AppContext, pace: Pace = FAST) -> AsyncIterator[Hub]:
    hub = Hub(ctx, pace)
    try:
        yield hub
    finally:
        await hub.aclose()


@asynccontextmanager
async def following(
    ctx: AppContext,
    hub: Hub,
    actor: Actor,
    order_id: str,
    *,
    last_event_id: str | None = None,
    taking: bool = True,
) -> AsyncIterator[Client]:
    """An open stream and its client, who leaves after the block."""
    opened = await open_stream(
        ctx, hub, actor=actor, order_id=order_id, last_event_id=last_event_id
    )
    assert opened is not None
    client = Client(opened)
    if taking:
        client.taking.set()

    async def answer() -> None:
        try:
            await opened.stream.run(START, client.receive, client.send)
        finally:
            hub.remove(opened.stream)

    task = asyncio.create_task(answer())
    try:
        yield client
    finally:
        client.left.set()
        client.taking.set()
        await task
