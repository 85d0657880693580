"""Routes of the API: FastAPI describes them, Starlette serves them (decision 0012).

Every route reads its request itself, so what FastAPI does for each call (solving dependencies,
finding the way through nested routers) would be work for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from privata.core.errors import NotFound, OrderNotFound, RequestError
from privata.infra.storable import NUL

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
            for method in route.methods or ():
                by_path.setdefault(prefix + route.path, {})[method] = route.endpoint
    return [plain_route(path, endpoints) for path, endpoints in by_path.items()]


def plain_route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    """A route that takes exactly these methods, and HEAD where it takes GET."""
    route = Route(path, _Endpoints(endpoints))
    # Starlette ends it with `$`, which lets a line break follow: a second spelling of each path,
    # unknown to everything that compares paths.
    route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    route.methods = set(endpoints) | ({"HEAD"} if "GET" in endpoints else set())
    return route


class _Endpoints:
    """The functions of one path as an ASGI application; failures are the outer layers' to answer.

    Starlette gives a function a second guard against exceptions, which would be one too many.
    """

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["path_params"].items():
            if NUL in value:
                raise _no_such(name)
        request = Request(scope, receive, send)
        method = scope["method"]
        # HEAD is GET without the body, unless a route says what it is: one that opens something.
        endpoint = self.endpoints.get(method) or self.endpoints["GET"]
        response = await endpoint(request, **scope["path_params"])
        await response(scope, receive, _without_body(send) if method == "HEAD" else send)


def _no_such(parameter: str) -> RequestError:
    """The answer to an id that no row can have."""
    if parameter == "order_id":
        return OrderNotFound("Order not found.")
    return NotFound("Resource not found.")


def _without_body(send: Send) -> Send:
    async def bare(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bare
