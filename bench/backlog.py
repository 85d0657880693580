"""Claiming out of a million deliveries that wait, and judging an address."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import ip_address

from bench.harness import Harness
from bench.organizations import Partner, partner
from bench.report import Figure, Row, percentile
from privata.infra.context import AppContext
from privata.webhooks.engine.claims import claim
from privata.webhooks.engine.reconnecting import ReconnectingConnection
from privata.webhooks.engine.slots import Account, Room, Slot, Slots
from privata.webhooks.transport.guard import Policy, judge, parse_url

ENDPOINTS = 100
WAITING = 1_000_000
PER_ORDER = 4
CLAIMS = 300
BATCH = 64
PER_ENDPOINT = 16

_FILL = """
WITH fact AS (
    INSERT INTO event (event_id, organization_id, environment, channel, type,
                       order_id, order_seq, body)
    SELECT format('%s:%s:%s', $2::uuid, n / $4::int, 1 + n % $4::int), $1, 'test', 'order',
           'order.confirming', format('prv-%s-%s', left($2::text, 23), n / $4::int),
           1 + n % $4::int, '{}'
    FROM generate_series(0, $3::int - 1) AS g(n)
    RETURNING seq, order_id
)
INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq, order_id)
SELECT $1, 'test', $2, seq, order_id FROM fact
"""


async def run(harness: Harness) -> Row:
    """Claims over all endpoints, each with its share of the backlog, four to an ordering key."""
    async with harness.app_context() as ctx:
        slots = Slots(BATCH, PER_ENDPOINT)
        for number in range(ENDPOINTS):
            made = await partner(ctx, 9, f"hook/{number}")
            await ctx.database.pool.execute(
                _FILL, made.organization_id, made.endpoint_id, WAITING // ENDPOINTS, PER_ORDER,
                timeout=120,
            )  # fmt: skip
            _known_as_quick(slots, made)
        took = await _claims(ctx, slots)
    return Row(
        f"Claiming {BATCH} at a time out of {WAITING:,} that wait at {ENDPOINTS} endpoints",
        [
            Figure("one claim, p50", percentile(took, 0.5), "ms"),
            Figure("one claim, p99", percentile(took, 0.99), "ms", at_most=50),
        ],
    )


def _known_as_quick(slots: Slots, to: Partner) -> None:
    """What a worker knows of an endpoint that it has delivered to."""
    slot = Slot(Account(to.organization_id, "test", False), to.endpoint_id, retry=False)
    slots.take(slot, to, 0.0)
    slots.sent(to, 0.005)
    slots.free(slot, to)


async def _claims(ctx: AppContext, slots: Slots) -> list[float]:
    db = ReconnectingConnection(ctx.database.url, "bench")
    # All slots are free, at each claim, and for whoever comes.
    grant = replace(slots.grant(1.0), room=Room(BATCH, BATCH, 8, BATCH, BATCH, 8, 8))
    took = []
    try:
        for _ in range(CLAIMS):
            started = time.perf_counter()
            found = await claim(
                db,
                grant=grant,
                lease_s=3600,
                per_endpoint=PER_ENDPOINT,
            )
            took.append((time.perf_counter() - started) * 1000)
            if len(found) != BATCH:
                raise RuntimeError(f"a claim took {len(found)} instead of {BATCH}")
    finally:
        await db.close()
    return took[10:]  # the first ones open the connection and make the plan


async def run_guard(_harness: Harness) -> Row:
    """The guard's part of a send whose host is an address: parsing and judging, no look-up."""
    policy = Policy()
    urls = [f"https://8.8.{n // 256}.{n % 256}/hook?x={n}" for n in range(20_000)]
    took = []
    for url in urls:
        started = time.perf_counter()
        target = parse_url(url, policy=policy)
        refused = judge(ip_address(target.host), target=target, policy=policy)
        took.append((time.perf_counter() - started) * 1e6)
        if refused is not None:
            raise RuntimeError(f"{url} was refused: {refused}")
    return Row(
        "The guard without DNS",
        [
            Figure("URL parsed and address judged, p50", percentile(took, 0.5), "µs"),
            Figure("URL parsed and address judged, p99", percentile(took, 0.99), "µs", at_most=200),
        ],
    )
