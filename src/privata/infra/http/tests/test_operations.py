"""A route without its operation, or with a handler that does not fit it, is refused at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.requests import Request
from starlette.responses import Response

from privata.core.errors import IdempotencyConflict, OrderNotFound, ValidationFailed
from privata.infra.http.once import Answer
from privata.infra.http.operations import NO_KEY, Dearer, Idempotency, Operation
from privata.infra.http.routing import Router, plain_routes
from privata.infra.http.wire import Wire
from privata.infra.limits import Kind


class Shape(Wire):
    """What a route of these tests reads."""

    name: str = ""


class Other(Wire):
    """What it does not read."""


PLAIN = Operation(access=NO_KEY)


async def plain(request: Request, nobody: None) -> Response:
    return Response()


async def asks(request: Request, nobody: None, query: Shape) -> Response:
    return Response()


async def asks_other(request: Request, nobody: None, query: Other) -> Response:
    return Response()


async def reads(request: Request, nobody: None, body: Shape) -> Response:
    return Response()


async def answers_once(request: Request, nobody: None, answer: Answer) -> bytes:
    return b""


async def by_number(request: Request, nobody: None, thing_id: int) -> Response:
    return Response()


async def by_id(request: Request, nobody: None, thing_id: UUID) -> Response:
    return Response()


@pytest.mark.parametrize("operation", [None, {}, NO_KEY, "orders:rw"])
def test_a_route_without_an_operation_is_refused(operation: Any) -> None:
    with pytest.raises(TypeError, match="needs an Operation"):
        Router("Things").route("GET", "/things", operation)


def test_an_operation_says_who_may_call_it() -> None:
    with pytest.raises(TypeError, match="access"):
        Operation()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("operation", "handler"),
    [
        (PLAIN, asks),
        (PLAIN, reads),
        (PLAIN, answers_once),
        (PLAIN, by_number),
        (Operation(access=NO_KEY, query=Shape), plain),
        (Operation(access=NO_KEY, query=Shape), asks_other),
        (Operation(access=NO_KEY, query=Shape), reads),
        (Operation(access=NO_KEY, body=Shape), asks),
        (Operation(access=NO_KEY, idempotency=Idempotency()), plain),
    ],
)
def test_a_handler_that_does_not_take_what_is_declared_is_refused(
    operation: Operation[Any], handler: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match="its operation declares"):
        Router("Things").route("GET", "/things/{thing_id}", operation)(handler)


@pytest.mark.parametrize(
    ("operation", "handler"),
    [
        (PLAIN, plain),
        (PLAIN, by_id),
        (Operation(access=NO_KEY, query=Shape), asks),
        (Operation(access=NO_KEY, body=Shape), reads),
        (Operation(access=NO_KEY, idempotency=Idempotency()), answers_once),
    ],
)
def test_a_handler_that_fits_is_registered(
    operation: Operation[Any], handler: Callable[..., Any]
) -> None:
    router = Router("Things", prefix="/all")
    router.route("GET", "/things/{thing_id}", operation)(handler)
    [route] = plain_routes("/v1", [router])
    assert route.path == "/v1/all/things/{thing_id}"
    assert route.methods == {"GET", "HEAD"}


def test_two_routes_in_one_place_are_refused() -> None:
    router = Router("Things")
    for _ in range(2):
        router.route("GET", "/things", PLAIN)(plain)
    with pytest.raises(TypeError, match="/things"):
        plain_routes("", [router])


def test_what_is_dearer_is_found_by_its_path_alone() -> None:
    dearer = Operation(access=NO_KEY, dearer=Dearer("include", "all", Kind.OFFERS))
    with pytest.raises(TypeError, match="without parameters"):
        Router("Things").route("GET", "/things/{thing_id}", dearer)(plain)


def test_the_errors_follow_from_what_is_declared() -> None:
    assert PLAIN.refusals == ()
    assert Operation(access=NO_KEY, query=Shape).refusals == (ValidationFailed,)
    repeated = Operation(access=NO_KEY, idempotency=Idempotency(), errors=(OrderNotFound,))
    assert repeated.refusals == (ValidationFailed, IdempotencyConflict, OrderNotFound)
