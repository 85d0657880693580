"""A small installation for the fault tests: hooks of several organizations, events, workers."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from conftest import wait_for
from privata.core.ids import new_order_id
from privata.core.tenancy import Actor, Environment, system_actor
from privata.events.service import NewEvent, publish
from privata.infra.context import AppContext
from privata.infra.database.faults import passing_fault
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.signing.signatures import secret_context
from privata.webhooks.tests.deliveries import EVERY_ATTEMPT

from .ledgers import Ledgers, Published, Received, Stored, read_journal
from .programs import RECEIVER, free_port, program, put

#: Long enough for a send on a busy machine, short enough for a dead worker's to come back soon.
LEASE_S = 4
DEADLINE_S = 2.0
CONCURRENCY = 32

OPTIONS: dict[str, Any] = {
    "dispatch_concurrency": CONCURRENCY,
    "dispatch_per_endpoint": CONCURRENCY,
    "dispatch_lease_seconds": LEASE_S,
    "delivery_timeout_seconds": DEADLINE_S,
}

_WAITING = "SELECT EXISTS (SELECT FROM webhook_due)"

_STORED = f"""
SELECT d.id::text AS delivery_id, e.event_id, d.status, d.attempts AS spent,
       d.lease_token::int AS leases,
       (SELECT array_agg(a.outcome ORDER BY a.lease_token) FROM {EVERY_ATTEMPT}
        WHERE a.delivery_id = d.id) AS outcomes,
       (SELECT array_agg(a.stale ORDER BY a.lease_token) FROM {EVERY_ATTEMPT}
        WHERE a.delivery_id = d.id) AS stale
FROM webhook_every_delivery AS d
JOIN event AS e ON e.seq = d.event_seq
JOIN webhook_endpoint AS w ON w.id = d.endpoint_id
WHERE w.channel = 'order'
"""


_MULTIPLY = """
WITH made AS (
    INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url, dialect)
    SELECT made.id, e.organization_id, e.environment, e.channel, e.alias, e.url, e.dialect
    FROM webhook_endpoint AS e CROSS JOIN unnest($2::uuid[]) AS made (id) WHERE e.id = $1
)
INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint)
SELECT e.organization_id, e.environment, s.id, s.endpoint_id, s.sealed, 'x'
FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS s (endpoint_id, id, sealed)
CROSS JOIN webhook_endpoint AS e WHERE e.id = $1
"""


@dataclass
class Hook:
    """An endpoint of an organization of its own, and every secret it had."""

    name: str
    organization: UUID
    endpoint_id: UUID
    secrets: list[str]

    @property
    def actor(self) -> Actor:
        return system_actor(self.organization, Environment.TEST, "test")


@dataclass
class Harness:
    """Where a fault test happens. Everything it starts ends with `stack`."""

    ctx: AppContext
    env: dict[str, str]
    journal: Path
    stack: ExitStack
    port: int = field(default_factory=free_port)
    hooks: dict[str, Hook] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    unsure: dict[str, Published] = field(default_factory=dict)

    async def open(self) -> None:
        """Start the receiver and wait until it answers."""
        arguments = (RECEIVER, str(self.port), str(self.journal))
        self.stack.enter_context(program(*arguments, env=self.env))

        async def answers() -> bool:
            try:
                await asyncio.to_thread(put, self.port, "/behaviour/nobody", {})
            except OSError:
                return False
            return True

        await wait_for(answers)

    def tuned(self, **options: Any) -> AppContext:
        """The application context with other settings, for a dispatcher of this process."""
        return replace(self.ctx, settings=self.ctx.settings.model_copy(update=options))

    def url(self, name: str) -> str:
        return f"http://localhost:{self.port}/hook/{name}"

    async def hook(self, name: str, **behaviour: Any) -> Hook:
        """An endpoint of a new organization, answered by the receiver."""
        organization = uuid.uuid4()
        await self.ctx.database.pool.execute(
            "INSERT INTO organization (id, name, status) VALUES ($1, $2, 'approved')",
            organization,
            name,
        )
        actor = system_actor(organization, Environment.TEST, "test")
        endpoint_id, secret = await create_endpoint(
            self.ctx, actor=actor, url=self.url(name), alias=name, channel="order"
        )
        made = self.hooks[name] = Hook(name, organization, endpoint_id, [secret])
        if behaviour:
            await self.behave(name, **behaviour)
        return made

    async def multiply(self, hook: Hook, endpoints: int) -> None:
        """Give a hook's organization so many endpoints in all, whatever its plan holds."""
        ids, secrets = ([uuid.uuid4() for _ in range(endpoints - 1)] for _ in range(2))
        secret = hook.secrets[0].encode()
        sealed = [self.ctx.sealer.seal(secret, secret_context(one)) for one in secrets]
        await self.ctx.database.pool.execute(_MULTIPLY, hook.endpoint_id, ids, secrets, sealed)

    async def behave(self, name: str, **behaviour: Any) -> None:
        """How the receiver answers this hook from now on."""
        await asyncio.to_thread(put, self.port, f"/behaviour/{name}", behaviour)

    async def publish(self, hook: Hook, events: int, *, per_order: int = 4) -> None:
        """Events of orders, committed together. What was not confirmed is remembered as unsure."""
        facts: list[Published] = []
        try:
            async with self.ctx.database.transaction() as tx:
                for _ in range(events // per_order):
                    order_id = new_order_id()
                    made = [_fact(hook.name, order_id, seq) for seq in range(1, per_order + 1)]
                    facts += made
                    await publish(
                        tx,
                        organization_id=hook.organization,
                        environment=Environment.TEST,
                        channel="order",
                        order_id=order_id,
                        events=[
                            NewEvent(one.event_id, "order.confirming", one.body, one.seq)
                            for one in made
                        ],
                    )
        except BaseException:
            self.unsure |= {one.event_id: one for one in facts}
            raise
        self.published |= {one.event_id: one for one in facts}

    def worker(self) -> Any:
        """A `privata worker` process."""
        return self.stack.enter_context(program("privata", "worker", env=self.env))

    def received(self) -> list[Received]:
        return read_journal(self.journal)

    def accepted(self, *names: str) -> int:
        """How many different events the hooks (all, or the named) have accepted."""
        return len({
            one.event_id
            for one in self.received()
            if one.accepted and (not names or one.hook in names)
        })  # fmt: skip

    async def accepts(self, number: int, *names: str, seconds: float = 60.0) -> None:
        """Wait until so many different events were accepted."""

        async def enough() -> bool:
            await asyncio.sleep(0.05)  # reading the journal is work
            return self.accepted(*names) >= number

        await wait_for(enough, seconds=seconds)

    async def drained(self, *, seconds: float = 90.0) -> None:
        """Wait until nothing is pending."""

        async def nothing_pending() -> bool:
            await asyncio.sleep(0.05)
            try:
                return not await self.ctx.database.pool.fetchval(_WAITING)
            except Exception as error:
                # This process may be the last to learn that the database moved.
                if passing_fault(error) is None:
                    raise
                return False

        await wait_for(nothing_pending, seconds=seconds)

    async def ledgers(self) -> Ledgers:
        """The three ledgers as they are now."""
        rows = await self.ctx.database.pool.fetch(_STORED)
        stored = [
            Stored(
                row["delivery_id"],
                row["event_id"],
                row["status"],
                row["spent"],
                row["leases"],
                tuple(zip(row["outcomes"] or (), row["stale"] or (), strict=True)),
            )
            for row in rows
        ]
        secrets = {name: tuple(hook.secrets) for name, hook in self.hooks.items()}
        return Ledgers(self.published, self.received(), stored, secrets, self.unsure)


def _fact(hook: str, order_id: str, seq: int) -> Published:
    event_id = f"{order_id}:step_{seq}:1760000000000"
    body = b'{"event":"order.confirming","event_id":"%b","order":{"order_id":"%b"},"seq":%d}' % (
        event_id.encode(),
        order_id.encode(),
        seq,
    )
    return Published(event_id, hook, body, order_id, seq)
