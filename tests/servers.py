"""API servers as programs of their own, on the database of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from conftest import environment_for, wait_for
from privata.infra.settings import Settings
from tests import programs
from tests.faults.programs import free_port
from tests.loopback import NO_AUTHORITIES
from tests.programs import Program

#: Generous: the machine may be busy. A start that took longer than 60 s was taken for a server that
#: hangs.
START_S = 180.0


@asynccontextmanager
async def running_api(settings: Settings, **more: str) -> AsyncIterator[str]:
    """The address of the partner API of one more process; `more` are settings of its own."""
    async with api_process(settings, **more) as (url, _):
        yield url


@asynccontextmanager
async def api_process(settings: Settings, **more: str) -> AsyncIterator[tuple[str, Program]]:
    """The same with the process, which the caller may kill."""
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    port = free_port()
    env = environment_for(
        settings.home,
        settings.database_url,
        settings.database_owner_url,
        PRIVATA_PORT=str(port),
        PRIVATA_LOG_LEVEL="error",
        **more,
    )
    process = programs.start("privata", "serve", "--only", "api", env=env)
    try:
        async with httpx.AsyncClient(verify=NO_AUTHORITIES) as client:

            async def alive() -> bool:
                assert process.poll() is None, "the server ended"
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/healthz")
                except httpx.TransportError:
                    return False
                return answer.status_code == 200

            await wait_for(alive, seconds=START_S)
        yield f"http://127.0.0.1:{port}/partner/v1", process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
