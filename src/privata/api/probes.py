"""`/healthz`: this process is alive. `/readyz`: it can serve, its database answers."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from privata.infra.http.wire import json_response
from privata.infra.readiness import Readiness


def create_probes(readiness: Readiness) -> Starlette:
    """The two probe routes."""

    async def alive(request: Request) -> Response:
        return json_response({"status": "ok"})

    async def ready(request: Request) -> Response:
        if not readiness.ready:
            return json_response({"status": "unavailable", "database": "away"}, 503)
        return json_response({"status": "ok", "database": "ok"})

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready)])
