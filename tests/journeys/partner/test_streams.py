"""Following an order over its stream: what comes, in which order, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from conftest import wait_for
from privata.apikeys.scopes import Scope
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders import service as orders
from privata.orders.following.poller import follow_once
from privata.providers.port import Report
from privata.serving import listen, serve_on
from privata.streams.tests.reader import Told, reading
from tests.conftest import Partner, mint

PATHS = {
    "success": ["waiting_deposit", "confirming", "exchanging", "sending", "completed"],
    "fail": ["waiting_deposit", "failed"],
    "refund": ["waiting_deposit", "confirming", "refund_required"],
    "stuck": ["waiting_deposit", "confirming"],
    "expire": ["waiting_deposit", "expired"],
}

ENDED = {"success", "fail", "expire"}


async def log_of(ctx: AppContext, order_id: str) -> list[Told]:
    """The event log of the order, as a stream should tell it."""
    rows = await ctx.database.pool.fetch(
        "SELECT event_id, type, body FROM event WHERE order_id = $1 ORDER BY order_seq", order_id
    )
    return [Told(event_id, name, unpacked(body)) for event_id, name, body in rows]


async def make(partner: Partner, scenario: str = "stuck", ttl: int = 3600) -> str:
    made = await partner.create(sandbox_scenario=scenario, sandbox_ttl=ttl)
    return str(made.json()["order_id"])


async def move(ctx: AppContext, order_id: str, status: str) -> None:
    await orders.advance(
        ctx, order_id=order_id, report=Report(OrderStatus(status)), source="provider"
    )


async def follow(ctx: AppContext) -> None:
    while await follow_once(ctx):
        pass


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The role that may change what the application may not."""
    connection = await asyncpg.connect(settings.database_owner_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("scenario", PATHS)
async def test_the_stream_says_what_webhooks_say(
    partner: Partner, api_url: str, scenario: str
) -> None:
    """Event by event the same ids and bytes: webhooks send the body of the log as it is."""
    order_id = await make(partner, scenario, ttl=0)
    async with reading(api_url, order_id, partner.test_key) as stream:
        first = await stream.next()
        await follow(partner.ctx)
        told = [first, *[await stream.next() for _ in PATHS[scenario][1:]]]
        assert told == await log_of(partner.ctx, order_id)
        assert [one.type for one in told if one] == [f"order.{each}" for each in PATHS[scenario]]
        for one in told:
            assert one is not None
            payload = json.loads(one.data)
            assert payload["event_id"] == one.id
            assert payload["event"] == one.type
            name, status, at = one.id.rsplit(":", 2)
            assert (name, f"order.{status}", at.isdigit()) == (order_id, one.type, True)
        if scenario in ENDED:
            assert await stream.next() is None
        assert stream.retry == 2000


async def test_the_answer_is_what_clients_and_proxies_expect(
    partner: Partner, api_url: str
) -> None:
    order_id = await make(partner)
    async with reading(api_url, order_id, partner.test_key) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["privata-resume-source"] == "fresh"
        assert "privata-resume-gap-ms" not in stream.headers
        assert stream.headers["x-request-id"].startswith("req_")
        assert int(stream.headers["x-ratelimit-remaining"]) > 0


async def test_missing_and_foreign_orders_look_alike(partner: Partner, api_url: str) -> None:
    order_id = await make(partner)
    missing = "prv-00000000-0000-4000-8000-000000000000"
    answers = []
    for wanted, key in (
        (missing, partner.test_key),
        (order_id, partner.live_key),
        ("nonsense", partner.test_key),
    ):
        async with reading(api_url, wanted, key) as refused:
            error = json.loads(await refused.body())["error"]
            answers.append((refused.status, error["code"], error["message"]))
    assert set(answers) == {(404, "ORDER_NOT_FOUND", "Order not found.")}
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM stream") == 0


async def test_a_key_needs_the_scope(partner: Partner, api_url: str) -> None:
    order_id = await make(partner)
    weak = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.PAYOUTS_READ)
    for key, status in ((weak, 403), ("pk_test_none", 401)):
        async with reading(api_url, order_id, key) as refused:
            assert refused.status == status


async def test_resuming_replays_everything_after_the_last_event(
    partner: Partner, api_url: str
) -> None:
    ctx, order_id = partner.ctx, await make(partner)
    async with reading(api_url, order_id, partner.test_key) as stream:
        seen = await stream.next()
    assert seen is not None
    await move(ctx, order_id, "sending")
    async with reading(api_url, order_id, partner.test_key, last_event_id=seen.id) as stream:
        assert stream.headers["privata-resume-source"] == "buffer"
        assert int(stream.headers["privata-resume-gap-ms"]) >= 0
        missed = [await stream.next() for _ in range(3)]
        await move(ctx, order_id, "completed")
        missed += [await stream.next()]
        assert await stream.next() is None
    assert [seen, *missed] == await log_of(ctx, order_id)


async def test_an_old_or_unknown_place_begins_with_the_state(
    partner: Partner, api_url: str, owner: asyncpg.Connection
) -> None:
    ctx = partner.ctx
    order_id, other = await make(partner), await make(partner)
    await move(ctx, order_id, "exchanging")
    log = await log_of(ctx, order_id)
    foreign = (await log_of(ctx, other))[0].id
    for unknown in (foreign, f"{order_id}:sending:1", "x" * 5000, "\xe4"):
        async with reading(api_url, order_id, partner.test_key, last_event_id=unknown) as stream:
            assert stream.headers["privata-resume-source"] == "snapshot"
            assert "privata-resume-gap-ms" not in stream.headers
            assert await stream.next() == log[-1]
    await owner.execute("ALTER TABLE event DISABLE TRIGGER USER")
    await owner.execute("UPDATE event SET created_at = created_at - interval '61 s'")
    async with reading(api_url, order_id, partner.test_key, last_event_id=log[0].id) as stream:
        assert stream.headers["privata-resume-source"] == "snapshot"
        assert 61_000 <= int(stream.headers["privata-resume-gap-ms"]) < 600_000
        assert await stream.next() == log[-1]
        await move(ctx, order_id, "completed")
        assert (await stream.all()) == (await log_of(ctx, order_id))[3:]


async def test_an_ended_order_sends_its_state_and_closes(partner: Partner, api_url: str) -> None:
    ctx, order_id = partner.ctx, await make(partner, "success", ttl=0)
    await follow(ctx)
    log = await log_of(ctx, order_id)
    async with reading(api_url, order_id, partner.test_key) as stream:
        assert await stream.all() == log[-1:]
    async with reading(api_url, order_id, partner.test_key, last_event_id=log[2].id) as stream:
        assert await stream.all() == log[3:]


async def test_nothing_can_follow_the_last_event_so_clients_stop_connecting(
    partner: Partner, api_url: str, owner: asyncpg.Connection
) -> None:
    """200 and nothing, every two seconds, was what `EventSource` got for ever."""
    ctx, order_id = partner.ctx, await make(partner, "success", ttl=0)
    await follow(ctx)
    last = (await log_of(ctx, order_id))[-1].id

    async def again() -> tuple[int, str]:
        async with reading(api_url, order_id, partner.test_key, last_event_id=last) as stream:
            assert "transfer-encoding" not in stream.headers
            return stream.status, stream.headers["cache-control"]

    assert await again() == (204, "no-store")
    await owner.execute("ALTER TABLE event DISABLE TRIGGER USER")
    await owner.execute("UPDATE event SET created_at = created_at - interval '1 day'")
    assert await again() == (204, "no-store"), "however old the last event is"
    async with reading(api_url, order_id, partner.test_key) as stream:
        assert [one.id for one in await stream.all()] == [last], "who has nothing gets the state"
    await owner.execute("DELETE FROM webhook_due")
    await owner.execute("DELETE FROM event")
    assert await again() == (204, "no-store"), "nor is there an event to wait for"
    rows = await ctx.database.pool.fetch("SELECT source FROM stream")
    assert [row["source"] for row in rows] == ["fresh"], "no 204 took a place under the cap"


async def test_rows_come_and_go_with_the_streams(partner: Partner, api_url: str) -> None:
    ctx, order_id = partner.ctx, await make(partner)
    async with reading(api_url, order_id, partner.test_key) as stream:
        await stream.next()
        row = await ctx.database.pool.fetchrow("SELECT * FROM stream")
        assert row is not None
        assert (row["order_id"], row["ip"], row["source"], row["closed_at"]) == (
            order_id, "127.0.xxx.xxx", "fresh", None,
        )  # fmt: skip
        assert partner.test_key.startswith(row["key_prefix"])

    async def closed() -> bool:
        return bool(await ctx.database.pool.fetchval("SELECT reason = 'client_left' FROM stream"))

    await wait_for(closed)
    assert await ctx.database.pool.fetchval("SELECT last_seq FROM stream") == 1


async def test_a_stopping_server_ends_its_streams_and_they_resume_elsewhere(
    ctx: AppContext, partner: Partner
) -> None:
    order_id = await make(partner)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = asyncio.create_task(serve_on(listener, ctx, only="api"))
    async with reading(url, order_id, partner.test_key) as stream:
        seen = await stream.next()
        server.cancel()
        assert await stream.next() is None, "ended cleanly"
        async with asyncio.timeout(4):  # below the grace that running requests get
            await asyncio.gather(server, return_exceptions=True)
    row = await ctx.database.pool.fetchrow("SELECT reason, node_id FROM stream")
    assert row is not None
    assert tuple(row) == ("restart", None)
    assert seen is not None
    await move(ctx, order_id, "confirming")
    async with reading(
        str(partner.client.base_url), order_id, partner.test_key, last_event_id=seen.id
    ) as stream:
        assert stream.headers["privata-resume-source"] == "buffer"
        told = await stream.next()
        assert told is not None
        assert told.type == "order.confirming"
