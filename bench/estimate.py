"""`/estimate` of a live key over three exchanges on this machine, against the slowest's own time.

The exchanges are programs of their own; API and client share a process.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, cast
from uuid import UUID

import aiohttp

from bench.harness import Harness
from bench.report import Figure, Ratio, Row, percentile
from privata.apikeys import service as apikeys
from privata.apikeys.scopes import Scope
from privata.core.ids import new_id
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext
from privata.providers.adapters import ADAPTERS
from privata.providers.changenow.adapter import ChangeNow
from privata.providers.changenow.config import ChangeNowSettings
from privata.providers.port import Credentials
from privata.routing import setting
from privata.routing.refreshing import refresh_due
from privata.serving import listen, serve_on

#: What each call of an exchange takes, seconds; the names are those of adapters.
EXCHANGES: Final = {"changenow": 0.05, "exolix": 0.1, "sideshift": 0.2}

ONE_BY_ONE: Final = 100
AT_ONCE: Final = 64
SECONDS: Final = 10.0

#: More than any row asks for: what is measured is not a rate limit.
NO_LIMIT: Final = 10_000_000

_QUERY: Final = {"from": "BTC", "to": "XMR", "amount": "0.1"}


class _Unlimited(ChangeNow):
    """An exchange that may be called as often as one likes."""

    def __init__(self, credentials: Credentials, settings: ChangeNowSettings | None = None) -> None:
        chosen = settings or ChangeNowSettings()
        client = replace(chosen.client, calls_per_minute=1e7, burst=1e6, connections=2 * AT_ONCE)
        super().__init__(credentials, replace(chosen, client=client))


async def run(harness: Harness) -> Row:
    """One after another, and many at once."""
    async with _served(harness) as (url, key, session):
        await _asked(session, url, key, 10)
        alone = await _asked(session, url, key, ONE_BY_ONE)
        together, took = await _together(session, url, key)
    slowest = max(EXCHANGES.values()) * 1000
    return Row(
        f"GET /estimate, {len(EXCHANGES)} exchanges, the slowest takes {slowest:.0f} ms",
        [
            Figure("one by one, p50", percentile(alone, 0.5), "ms"),
            Figure("one by one, p99", percentile(alone, 0.99), "ms"),
            Figure(f"{AT_ONCE} at once, p50", percentile(together, 0.5), "ms"),
            Figure(f"{AT_ONCE} at once, p99", percentile(together, 0.99), "ms"),
            Figure(f"{AT_ONCE} at once", len(together) / took, "estimates/s"),
        ],
        [Ratio("one by one, p50 / the slowest", percentile(alone, 0.5) / slowest, 1.25)],
    )


@asynccontextmanager
async def _served(harness: Harness) -> AsyncIterator[tuple[str, str, aiohttp.ClientSession]]:
    async with AsyncExitStack() as stack:
        ctx = await stack.enter_async_context(
            harness.app_context(rate_reads_per_minute=NO_LIMIT, pool_size=20)
        )
        for name, slow_s in EXCHANGES.items():
            base_url = await stack.enter_async_context(_exchange(slow_s))
            adapters = cast("dict[str, Any]", ADAPTERS)
            adapters[name] = type(name, (_Unlimited,), {"name": name})
            await setting.set_credentials(ctx, name, Credentials(key="bench"))
            await setting.enable(ctx, name, changes_url=True, base_url=base_url)
        await refresh_due(ctx)
        key = await _key(ctx)
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        serving = asyncio.create_task(serve_on(listener, ctx, only="api"))
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        try:
            yield f"http://127.0.0.1:{port}/partner/v1/estimate", key, session
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def _exchange(slow_s: float) -> AsyncIterator[str]:
    words = ("-m", "privata.providers.fakes", "changenow", "--slow", str(slow_s))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _key(ctx: AppContext) -> str:
    organization: UUID = new_id()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Bench', 'approved')", organization
    )
    actor = system_actor(organization, Environment.LIVE, "bench")
    async with ctx.database.transaction() as tx:
        made = await apikeys.create_key(
            tx,
            ctx,
            actor=actor,
            environment=Environment.LIVE,
            name="bench",
            scopes=(Scope.ORDERS,),
        )
    return made.key


async def _asked(session: aiohttp.ClientSession, url: str, key: str, count: int) -> Sequence[float]:
    """Milliseconds of each of `count` estimates, one after another."""
    found = []
    for _ in range(count):
        started = time.perf_counter()
        async with session.get(url, params=_QUERY, headers={"X-API-Key": key}) as answer:
            body = await answer.read()
        assert answer.status == 200, body
        found.append((time.perf_counter() - started) * 1000)
    return found


async def _together(
    session: aiohttp.ClientSession, url: str, key: str
) -> tuple[list[float], float]:
    """The same for many callers, and how many seconds they took."""
    found: list[float] = []
    started = time.perf_counter()

    async def caller() -> None:
        while time.perf_counter() - started < SECONDS:
            found.extend(await _asked(session, url, key, 1))

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return found, time.perf_counter() - started
