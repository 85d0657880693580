"""One Idempotency-Key, one order: however many ask together, and whoever dies in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import psycopg

from conftest import Cluster, wait_for
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from tests.conftest import ADDRESSES, mint
from tests.servers import api_process, running_api

from .conftest import Scale

AT_ONCE = 20
UNLIMITED = {
    "PRIVATA_RATE_READS_PER_MINUTE": "1000000",
    "PRIVATA_RATE_WRITES_PER_MINUTE": "1000000",
}
QUOTE = {"from": "BTC", "to": "ETH", "amount": "0.1"}

# The commit itself takes a while: a server killed meanwhile has done its work and not told so. The
# sleep is as long as a kill takes on a busy machine.
SLOW_COMMIT = """
CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON orders
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
"""


async def test_many_creates_at_once_make_one_order(
    settings: Settings, ctx: AppContext, organization: Any, scale: Scale
) -> None:
    """Twenty at once with one key, over two processes, again and again: one order each time."""
    rounds = scale(15, 1_000)
    key = await mint(ctx, organization, Environment.TEST)
    async with (
        running_api(settings, **UNLIMITED) as one,
        running_api(settings, **UNLIMITED) as two,
        httpx.AsyncClient(base_url=one, headers={"X-API-Key": key}, timeout=60) as first,
        httpx.AsyncClient(base_url=two, headers={"X-API-Key": key}, timeout=60) as second,
    ):
        for number in range(rounds):
            body = await order_body(first)
            answers = await asyncio.gather(
                *(create((first, second)[n % 2], body, f"round-{number}") for n in range(AT_ONCE))
            )
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.content for answer in answers}) == 1
            replayed = Counter("idempotent-replayed" in answer.headers for answer in answers)
            assert replayed == {False: 1, True: AT_ONCE - 1}
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM orders") == rounds


async def test_a_kill_between_commit_and_answer_changes_nothing(
    settings: Settings, ctx: AppContext, organization: Any, cluster: Cluster, database_name: str
) -> None:
    key = await mint(ctx, organization, Environment.TEST)
    headers = {"X-API-Key": key}
    with psycopg.connect(cluster.owner(database_name), autocommit=True) as owner:
        owner.execute(SLOW_COMMIT)
    async with (
        api_process(settings) as (url, process),
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
    ):
        body = await order_body(client)
        asked = asyncio.create_task(create(client, body, "the one"))

        async def committing() -> bool:
            return bool(
                await ctx.database.pool.fetchval(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event = 'PgSleep'"
                )
            )

        await wait_for(committing)
        process.kill()
        await asyncio.to_thread(process.wait)
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(outcome, httpx.TransportError), "the answer came: nothing was tested"

    async def committed() -> bool:
        return bool(await ctx.database.pool.fetchval("SELECT count(*) FROM orders"))

    await wait_for(committed)
    async with (
        running_api(settings) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
    ):
        answer = await create(client, body, "the one")
        again = await create(client, body, "the one")
    assert (answer.status_code, again.content) == (201, answer.content)
    assert answer.headers["idempotent-replayed"] == "true"
    rows = await ctx.database.pool.fetch("SELECT id FROM orders")
    assert [row["id"] for row in rows] == [answer.json()["order_id"]]
    events = await ctx.database.pool.fetchval("SELECT count(*) FROM event")
    assert events == 1


async def order_body(client: httpx.AsyncClient) -> dict[str, Any]:
    quote = (await client.get("/estimate", params=QUOTE)).json()
    return {"quote_id": quote["quote_id"], "address": ADDRESSES["ETH"], "sandbox_ttl": 3600}


async def create(client: httpx.AsyncClient, body: dict[str, Any], key: str) -> httpx.Response:
    return await client.post("/order/create", json=body, headers={"Idempotency-Key": key})
