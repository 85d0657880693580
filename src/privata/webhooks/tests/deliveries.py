"""What the database tests share: endpoints, events, and a dispatcher that runs for a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg

from conftest import wait_for
from privata.core.ids import new_order_id
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.events.bodies import unpacked
from privata.events.service import DELIVERIES_WAKEUP, NewEvent, publish
from privata.infra.context import AppContext
from privata.webhooks.endpoints import reading
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.engine.claims import Claim, claim
from privata.webhooks.engine.jobs import dispatch
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.recording import AttemptRecord
from privata.webhooks.engine.slots import Grant, Known, Room
from privata.webhooks.receiver.api import Receiver, create_app, running
from privata.webhooks.states import EndpointStatus

LEASE_S = 30.0

#: Every delivery, waiting or finished, with what only those have that wait.
EVERY_DELIVERY = """
(SELECT d.*, d.leased_until IS NOT NULL AS in_flight, w.first_attempt_at, w.order_id
 FROM webhook_every_delivery AS d
 LEFT JOIN webhook_due AS w USING (organization_id, environment, id)) AS d
"""

#: Every request of a delivery: the last one of what is finished is in the log.
EVERY_ATTEMPT = """
(SELECT organization_id, delivery_id, lease_token, number, stale, secret_ids, url, address,
        signed_at, started_at, duration_ms, outcome, status_code, detail, response_headers,
        response_excerpt, response_truncated
 FROM webhook_attempt
 UNION ALL
 SELECT organization_id, id, lease_token, attempts, false, secret_ids, url, address,
        extract(epoch FROM last_attempt_at)::bigint, last_attempt_at, last_duration_ms,
        coalesce(last_outcome, status), last_status_code, detail, response_headers,
        response_excerpt, response_truncated
 FROM webhook_delivery WHERE url IS NOT NULL) AS a
"""

#: Gives up what waits and is named by `where`, after so many attempts.
GIVE_UP = """
WITH gone AS (DELETE FROM webhook_due WHERE {where} RETURNING *)
INSERT INTO webhook_delivery (
    organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
    lease_token, attempts, replay, status, last_outcome, last_status_code, recovery_id, retry_of_id)
SELECT organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
       lease_token, {attempts}, replay, 'exhausted', coalesce(last_outcome, 'timeout'),
       last_status_code, recovery_id, retry_of_id
FROM gone
"""

#: Makes what is finished and named by `where` wait again, until `due`.
WAIT_AGAIN = """
WITH gone AS (DELETE FROM webhook_delivery WHERE {where} RETURNING *)
INSERT INTO webhook_due (
    organization_id, environment, id, endpoint_id, event_seq, created_at, last_attempt_at,
    lease_token, attempts, replay, last_outcome, recovery_id, retry_of_id, order_id, due_at)
SELECT g.organization_id, g.environment, g.id, g.endpoint_id, g.event_seq, g.created_at,
       g.last_attempt_at, g.lease_token, g.attempts, g.replay, coalesce(g.last_outcome, g.status),
       g.recovery_id, g.retry_of_id, e.order_id, {due}
FROM gone AS g JOIN event AS e ON e.seq = g.event_seq
"""


def actor_of(organization: UUID, environment: Environment = Environment.TEST) -> Actor:
    return Actor(ActorKind.USER, "1", "ada@acme.example", organization, environment)


async def endpoint(
    ctx: AppContext, organization: UUID, url: str = "http://localhost:1/hook"
) -> tuple[UUID, str]:
    return await create_endpoint(
        ctx, actor=actor_of(organization), url=url, alias="Orders", channel="order"
    )


async def publish_order(
    ctx: AppContext,
    organization: UUID,
    seqs: Sequence[int] = (1,),
    order_id: str | None = None,
    environment: Environment = Environment.TEST,
) -> str:
    """Publish events `seqs` of one order, each in a transaction of its own; the order's id."""
    order_id = order_id or new_order_id()
    for seq in seqs:
        async with ctx.database.transaction() as tx:
            await publish(
                tx,
                organization_id=organization,
                environment=environment,
                channel="order",
                order_id=order_id,
                events=[event_of(order_id, seq)],
            )
    return order_id


def event_of(order_id: str, seq: int) -> NewEvent:
    event_id = f"{order_id}:step_{seq}:1760000000000"
    body = {
        "event": "order.confirming",
        "event_id": event_id,
        "order": {"order_id": order_id},
        "seq": seq,
    }
    return NewEvent(event_id, "order.confirming", json.dumps(body).encode(), seq)


@asynccontextmanager
async def reconnecting(ctx: AppContext) -> AsyncIterator[ReconnectingConnection]:
    opened = ReconnectingConnection(ctx.database.url, "test")
    try:
        yield opened
    finally:
        await opened.close()


async def claim_some(
    on: ReconnectingConnection,
    limit: int = 100,
    *,
    per_endpoint: int = 100,
    busy: dict[UUID, int] | None = None,
) -> list[Claim]:
    return await claim(
        on,
        grant=granted(limit, limit, limit, busy={} if busy is None else busy),
        lease_s=LEASE_S,
        per_endpoint=per_endpoint,
    )


def granted(orders: int, retries: int, ops: int, *, busy: dict[UUID, int] | None = None) -> Grant:
    """All of these slots to whoever comes; `busy` are sends under way."""
    return Grant(
        Room(orders, retries, ops, orders, orders, ops, ops),
        endpoints={one: Known(sends, orders, 0.0) for one, sends in (busy or {}).items()},
        first_of_account=orders,
        first_of_ops_account=ops,
        first_of_endpoint=orders,
        first_of_ops_endpoint=ops,
    )


def attempt_record(claimed: Claim, **changes: object) -> AttemptRecord:
    """A first success of this claim, or what `changes` make of it."""
    made = AttemptRecord(
        delivery_id=claimed.delivery_id,
        lease_token=claimed.lease_token,
        endpoint_id=claimed.endpoint_id,
        organization_id=claimed.organization_id,
        environment=claimed.environment,
        status="delivered",
        spent=True,
        wait_s=0.0,
        gone=False,
        number=claimed.attempts + 1,
        secret_ids="{}",
        url=claimed.url,
        address="127.0.0.1",
        signed_at=1_760_000_000,
        started_at=claimed.claimed_at,
        duration_ms=7,
        outcome="delivered",
        status_code=200,
        detail="",
        response_headers='[["server", "x"]]',
        response_excerpt="ok",
        response_truncated=False,
        probing=claimed.probing,
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def failed(claimed: Claim, **changes: object) -> AttemptRecord:
    """An attempt that the receiver answered with 500, to be repeated in a minute."""
    what = {
        "status": "pending",
        "wait_s": 60.0,
        "outcome": "http_error",
        "status_code": 500,
        "counts": True,
        "error": "http_error 500",
    }
    return attempt_record(claimed, **(what | changes))


async def endpoint_row(ctx: AppContext, endpoint_id: UUID) -> asyncpg.Record:
    row = await ctx.database.pool.fetchrow(
        "SELECT * FROM webhook_endpoint WHERE id = $1", endpoint_id
    )
    assert row is not None
    return row


async def flush_progress(ctx: AppContext, actor: Actor, endpoint_id: UUID) -> tuple[int, int]:
    """How many deliveries that waited at the last resumption still do, and how many there were.

    (0, n) once the endpoint is active again, (0, 0) if it never was paused. `NotFound`.
    """
    partition = Partition(actor.organization_id, actor.environment, endpoint_id)
    row = await reading.endpoint(ctx, partition, deleted=True)
    waits = await reading.waiting_of(ctx, partition, [endpoint_id])
    resuming = row.status is EndpointStatus.RESUMING
    return waits[endpoint_id] if resuming else 0, row.waiting_at_resume or 0


async def ops_told(ctx: AppContext) -> list[dict[str, object]]:
    """The bodies of the ops events, in their order."""
    rows = await ctx.database.pool.fetch(
        "SELECT body FROM event WHERE channel = 'ops' ORDER BY seq"
    )
    return [json.loads(unpacked(row["body"])) for row in rows]


async def delivery(ctx: AppContext, delivery_id: UUID) -> asyncpg.Record:
    row = await ctx.database.pool.fetchrow(
        f"SELECT * FROM {EVERY_DELIVERY} WHERE id = $1", delivery_id
    )
    assert row is not None
    return row


async def attempts(ctx: AppContext, delivery_id: UUID) -> list[asyncpg.Record]:
    return await ctx.database.pool.fetch(
        f"SELECT * FROM {EVERY_ATTEMPT} WHERE delivery_id = $1 ORDER BY lease_token", delivery_id
    )


async def count(ctx: AppContext, where: str = "true") -> int:
    found: int = await ctx.database.pool.fetchval(
        f"SELECT count(*) FROM {EVERY_DELIVERY} WHERE {where}"
    )
    return found


async def make_due(ctx: AppContext) -> None:
    """As if the wait before every retry were over."""
    await ctx.database.pool.execute(
        "UPDATE webhook_due SET due_at = now() WHERE leased_until IS NULL"
    )
    ctx.database.wake(DELIVERIES_WAKEUP)


async def end_leases(ctx: AppContext) -> None:
    """As if every lease had run out."""
    await ctx.database.pool.execute(
        "UPDATE webhook_due SET leased_until = now() WHERE leased_until IS NOT NULL"
    )
    ctx.database.wake(DELIVERIES_WAKEUP)


@asynccontextmanager
async def dispatching(ctx: AppContext) -> AsyncIterator[None]:
    """A dispatcher that runs during the block and is stopped properly after it."""
    task = asyncio.create_task(dispatch(ctx))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def receiving(ctx: AppContext, organization: UUID) -> AsyncIterator[tuple[Receiver, UUID]]:
    """A receiver and the endpoint that leads to it."""
    app = create_app()
    async with running(app) as base:
        endpoint_id, secret = await endpoint(ctx, organization, f"{base}/hook")
        app.secrets = [secret]
        yield app, endpoint_id


def drained(ctx: AppContext) -> Awaitable[bool]:
    async def nothing_pending() -> bool:
        return await count(ctx, "status = 'pending'") == 0

    return wait_for(nothing_pending)


def recorded(ctx: AppContext, number: int) -> Awaitable[bool]:
    async def enough() -> bool:
        done = await ctx.database.pool.fetchval(f"SELECT count(*) FROM {EVERY_ATTEMPT}")
        return bool(done >= number)

    return wait_for(enough)
