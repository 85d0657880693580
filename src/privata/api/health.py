"""`/health`: the address that probers ask (SPEC 17)."""

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
    """Whether the API can serve: 503 while its database does not answer. No key needed.

    What is told is at most five seconds old; asking costs the database nothing.
    """
    readiness: Readiness = request.app.state.readiness
    if not readiness.ready:
        return away(request)
    return json_response({"status": "ok"})
