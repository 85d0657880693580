"""`/health`: the address that probers ask (docs/self-hosting.md)."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from privata.api.errors import away
from privata.infra.readiness import Readiness
from privata.infra.routing import api_router
from privata.infra.wire import json_response

router = api_router("Health")


class Health(BaseModel):
    status: str


@router.get("/health", response_model=Health)
async def health(request: Request) -> Response:
    """Check whether the API is up. Returns 503 while its database is unavailable. No key needed.

    The result is at most 5 seconds old and costs no database query.
    """
    readiness: Readiness = request.app.state.readiness
    if not readiness.ready:
        return away(request)
    return json_response({"status": "ok"})
