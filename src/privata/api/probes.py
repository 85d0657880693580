"""`/healthz`: this process is alive. `/readyz`: it can serve, its database answers."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from privata.infra.kernel import Kernel
from privata.infra.wire import json_response

log = logging.getLogger(__name__)

#: A database that needs longer than this is not one to serve from, seconds.
READY_DEADLINE_S = 2.0


def create_probes(kernel: Kernel) -> Starlette:
    """The two probe routes."""

    async def alive(request: Request) -> Response:
        return json_response({"status": "ok"})

    async def ready(request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                await kernel.database.pool.fetchval("SELECT 1")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("not ready: %s", error or "the database is too slow")
            return json_response({"status": "unavailable", "database": "away"}, 503)
        return json_response({"status": "ok", "database": "ok"})

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready)])
