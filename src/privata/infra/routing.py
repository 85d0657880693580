"""Routes of the API: FastAPI describes them, Starlette serves them (decision 0012).

Every route reads its request itself, so what FastAPI does for each call (solving dependencies,
finding the way through nested routers) would be work for nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


def api_router(tag: str, *, prefix: str = "") -> APIRouter:
    """A router whose routes take the request and the parts of the path, as text."""
    return APIRouter(prefix=prefix, tags=[tag])


def plain_routes(prefix: str, routers: Iterable[APIRouter]) -> list[Route]:
    """One Starlette route for each path, so that a wrong method is told all the right ones."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute)  # only these are made by our decorators
            for method in route.methods:
                by_path.setdefault(prefix + route.path, {})[method] = route.endpoint
    return [plain_route(path, endpoints) for path, endpoints in by_path.items()]


def plain_route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    """A route that takes exactly these methods. HEAD is none: no answer of ours is so large."""

    async def serve(request: Request) -> Response:
        return await endpoints[request.method](request, **request.path_params)

    route = Route(path, serve)
    route.methods = set(endpoints)
    return route
