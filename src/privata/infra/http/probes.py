"""`/healthz`: this process is alive. `/readyz`: it can do its work, or why it cannot."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from privata.infra.http.wire import json_response
from privata.infra.readiness import Readiness

PROBE_PATHS: Final = ("/healthz", "/readyz")

_ALIVE, _READY = PROBE_PATHS


def create_probes(readiness: Readiness) -> Starlette:
    """The two probe routes; neither asks the database."""

    async def alive(request: Request) -> Response:
        return json_response({"status": "ok"})

    async def ready(request: Request) -> Response:
        report = readiness.report()
        return json_response(report, 200 if report["status"] == "ok" else 503)

    return Starlette(routes=[Route(_ALIVE, alive), Route(_READY, ready)])
