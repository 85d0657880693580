"""Programs that are told to stop: first not ready, then gone, and never later than told twice."""

from __future__ import annotations

import asyncio
import signal

import httpx

from conftest import wait_for
from privata.infra.ending import within
from privata.infra.settings import Settings
from tests.loopback import NO_AUTHORITIES
from tests.servers import api_process


async def test_a_server_serves_on_until_its_balancer_knows(settings: Settings) -> None:
    """91 of 1,800 requests failed: it stopped listening at once. Told twice, it still does."""
    async with (
        api_process(settings, PRIVATA_DRAIN_SECONDS="300") as (url, process),
        httpx.AsyncClient(verify=NO_AUTHORITIES, timeout=30) as client,
    ):
        base = url.removesuffix("/partner/v1")

        async def ready() -> bool:
            return (await client.get(f"{base}/readyz")).status_code == 200

        async def not_ready() -> bool:
            return not await ready()

        await wait_for(ready)
        assert "connection" not in (await client.get(f"{url}/health")).headers
        process.send_signal(signal.SIGTERM)
        await wait_for(not_ready)
        answer = await client.get(f"{url}/health")
        assert answer.status_code == 200, "it can still serve"
        assert answer.headers["connection"] == "close"
        assert (await client.get(f"{base}/healthz")).status_code == 200
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait) == 128 + signal.SIGINT


async def test_a_last_step_is_not_waited_for_without_bound() -> None:
    hangs = asyncio.Event()

    async def stubborn() -> None:
        while not hangs.is_set():
            try:
                await hangs.wait()
            except asyncio.CancelledError:
                continue

    await within(0.01, stubborn(), "a step")
    hangs.set()

    async def away() -> None:
        raise ConnectionRefusedError("no database")

    await within(5, away(), "another")
