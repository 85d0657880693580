"""Routes of our APIs: an `Operation` and the handler that answers it; Starlette serves them.

The OpenAPI document is made from the same values (decision 0012). No route can be registered
without one: nobody can forget who may call it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from privata.core.errors import NotFound, OrderNotFound, RequestError
from privata.infra.http.operations import A, ApiRoute, Handler, Operation
from privata.infra.storable import NUL


class Router:
    """Routes of one tag of the document, in the order in which a path is looked for."""

    def __init__(self, tag: str, *, prefix: str = "") -> None:
        self.tag = tag
        self.prefix = prefix
        self.routes: list[ApiRoute] = []

    def route(
        self, method: str, path: str, operation: Operation[A]
    ) -> Callable[[Handler[A]], Handler[A]]:
        """Register the function below as the handler; it takes the path's parts by their names.

        `TypeError` without an operation, or for a handler that does not take what it declares.
        """
        if not isinstance(operation, Operation):
            raise TypeError(f"{method} {path}: a route needs an Operation, not {operation!r}")

        def register(handler: Handler[A]) -> Handler[A]:
            place = self.prefix + path
            self.routes.append(ApiRoute(self.tag, method, place, operation, handler))
            return handler

        return register


def plain_routes(prefix: str, routers: Iterable[Router]) -> list[Route]:
    """One Starlette route for each path, so that a wrong method is told all the right ones."""
    by_path: dict[str, list[ApiRoute]] = {}
    for router in routers:
        for route in router.routes:
            by_path.setdefault(prefix + route.path, []).append(route)
    return [_plain_route(path, routes) for path, routes in by_path.items()]


def _plain_route(path: str, routes: list[ApiRoute]) -> Route:
    """A route that takes exactly the methods of `routes`, and HEAD where it takes GET."""
    by_method = {one.method: one for one in routes}
    if len(by_method) < len(routes):
        raise TypeError(f"{path}: two routes have the same method")
    route = Route(path, _Endpoints(by_method))
    # Starlette ends it with `$`, which lets a line break follow: a second spelling of each path,
    # unknown to everything that compares paths.
    route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    route.methods = set(by_method) | ({"HEAD"} if "GET" in by_method else set())
    return route


class _Endpoints:
    """The routes of one path as an ASGI application; failures are the outer layers' to answer.

    Starlette gives a function a second guard against exceptions, which would be one too many.
    """

    def __init__(self, routes: dict[str, ApiRoute]) -> None:
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["path_params"].items():
            if NUL in value:
                raise _no_such(name)
        request = Request(scope, receive, send)
        method = scope["method"]
        # HEAD is GET without the body, unless a route says what it is: one that opens something.
        route = self.routes.get(method) or self.routes["GET"]
        caller: Any = await route.operation.access.check(request)
        response = await route.respond(request, caller)
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
