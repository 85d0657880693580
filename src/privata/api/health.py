"""`/health`: the address that probers ask (SPEC 17)."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from privata.infra.routing import api_router
from privata.infra.wire import json_response

router = api_router("Health")


class Health(BaseModel):
    status: str


@router.get("/health", response_model=Health)
async def health(request: Request) -> Response:
    """Whether the API answers; no key needed, no database asked."""
    return json_response({"status": "ok"})
