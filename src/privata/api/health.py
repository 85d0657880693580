"""`/health`: the address that probers ask (docs/self-hosting.md)."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from privata.api.errors import away
from privata.infra.http.operations import NO_KEY, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.infra.readiness import Readiness

router = Router("Health")


class Health(BaseModel):
    status: str


@router.route("GET", "/health", Operation(access=NO_KEY, returns=Health))
async def health(request: Request, nobody: None) -> Response:
    """Check whether the API is up. Returns 503 while its database is unavailable. No key needed.

    The result is at most 5 seconds old and costs no database query.
    """
    readiness: Readiness = request.app.state.readiness
    if not readiness.database_ready:
        return away(request)
    return json_response({"status": "ok"})
