"""What a route is, in one value: who may call it, what it reads, what it can answer, what it costs.

From an `Operation` derive the check that runs before the handler, the parsed query and body, the
answering once for each `Idempotency-Key`, and the route's part of the OpenAPI document. A handler
is called with what its operation declares, and with nothing else; `infra.http.routing` refuses to
register one that takes something else, or that has no operation.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Concatenate, Final, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from privata.core.errors import IdempotencyConflict, PrivataError, ValidationFailed
from privata.infra.http.once import IDEMPOTENCY_HEADER, Answer, once
from privata.infra.http.paths import id_in_path
from privata.infra.http.wire import (
    Wire,
    parse_body,
    parse_query,
    read_body,
    read_optional_body,
)
from privata.infra.limits import Kind

A = TypeVar("A")

#: What answers a call: request, caller, and by name what the operation declares and the path holds.
Handler: TypeAlias = Callable[Concatenate[Request, A, ...], Awaitable[Response | bytes]]

HTTP_OK: Final = 200


class Access(ABC, Generic[A]):
    """Who may call an operation. `A` is what the handler learns about the caller."""

    #: What the check can refuse a call with.
    errors: ClassVar[tuple[type[PrivataError], ...]] = ()

    @abstractmethod
    async def check(self, request: Request) -> A:
        """The caller, who may call this; raises the refusal of anybody else."""

    def security(self) -> list[dict[str, list[str]]] | None:
        """The `security` of the OpenAPI document; None where no credentials are looked at."""
        return None


class NoKey(Access[None]):
    """Open to all; no credentials are looked at."""

    async def check(self, request: Request) -> None:
        """Nobody is asked who they are."""


NO_KEY: Final = NoKey()


class Dearer(NamedTuple):
    """A read that costs a token of `kind` when the query's `parameter` is `value`."""

    parameter: str
    value: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """A call is answered once for each `Idempotency-Key`.

    `required`: why a call without the header is refused; empty if it may be left out. `sealed`: the
    kept answer shows a secret, so it is encrypted.
    """

    required: str = ""
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[A]):
    """All that is said about a route, apart from its method, its path, and its handler."""

    access: Access[A]
    #: Shapes of the query and of the JSON body; None: not read.
    query: type[Wire] | None = None
    body: type[Wire] | None = None
    #: An empty body stands for `{}`.
    body_optional: bool = False
    idempotency: Idempotency | None = None
    #: The message of the 404 for an id in the path that is not a UUID.
    unknown_id: str = "Resource not found."
    dearer: Dearer | None = None
    #: What the handler raises; what follows from the other fields is added by `refusals`.
    errors: tuple[type[PrivataError], ...] = ()

    #: The status of a successful answer; a handler that returns a response gives it itself.
    status: int = HTTP_OK

    # For the document alone.
    #: The shape of a successful answer.
    returns: type[BaseModel] | None = None
    #: A class of answers of its media type.
    media: type[Response] = JSONResponse
    #: `operationId`; otherwise it is made from the handler's name.
    name: str = ""
    #: Headers that the handler reads, each with its description.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: More about the answers, by status, in OpenAPI's words.
    responses: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)
    documented: bool = True

    @property
    def refusals(self) -> tuple[type[PrivataError], ...]:
        """Every error that the route answers, apart from those that any call can get."""
        found = list(self.access.errors)
        if self.query or self.body or self.idempotency:
            found.append(ValidationFailed)
        if self.idempotency:
            found.append(IdempotencyConflict)
        return (*found, *self.errors)


class ApiRoute:
    """An operation in its place: a method, a path, and the handler that answers there."""

    def __init__(
        self, tag: str, method: str, path: str, operation: Operation[Any], handler: Handler[Any]
    ) -> None:
        """`TypeError` for a handler that does not take what the operation declares."""
        self.tag = tag
        self.method = method
        self.path = path
        self.operation = operation
        self.handler = handler
        in_path = compile_path(path)[2]
        if operation.dearer is not None and in_path:
            raise TypeError(f"{method} {path}: only a path without parameters can be dearer")
        taken = _taken(handler)
        self._ids = {name: taken.pop(name) for name in in_path if name in taken}
        declared = _declared(operation)
        if taken != declared or not set(self._ids.values()) <= {str, UUID}:
            raise TypeError(
                f"{method} {path}: {handler.__name__} takes {taken | self._ids},"
                f" its operation declares {declared}"
            )
        #: Whether the handler takes the path's parts as they come: so on the hot paths.
        self._as_given = set(self._ids) == set(in_path) and UUID not in self._ids.values()

    def respond(self, request: Request, caller: Any) -> Awaitable[Response]:
        """The answer to a caller who was let in; to be awaited at once."""
        operation = self.operation
        given = request.scope["path_params"]
        if not self._as_given:
            given = {name: self._in_path(given[name], kind) for name, kind in self._ids.items()}
        if operation.body is not None or operation.idempotency is not None:
            return self._read_and_respond(request, caller, given)
        # Nothing is to be waited for, so no coroutine stands between the router and the handler.
        if operation.query is not None:
            given = given | {"query": parse_query(operation.query, request)}
        answer: Awaitable[Any] = self.handler(request, caller, **given)
        return answer

    async def _read_and_respond(
        self, request: Request, caller: Any, given: Mapping[str, Any]
    ) -> Response:
        operation = self.operation
        handler: Callable[..., Awaitable[Any]] = self.handler
        read = dict(given)
        raw = b""
        if operation.idempotency is not None:
            _check_key(request, operation.idempotency)
        if operation.body is not None:
            raw = await (read_optional_body if operation.body_optional else read_body)(request)
        if operation.query is not None:
            read["query"] = parse_query(operation.query, request)
        if operation.body is not None:
            read["body"] = parse_body(operation.body, raw)
        if operation.idempotency is None:
            answer: Response = await handler(request, caller, **read)
            return answer
        return await once(
            request,
            caller,
            status_code=operation.status,
            body=raw,
            work=lambda answer: handler(request, caller, answer=answer, **read),
            secret=operation.idempotency.sealed,
        )

    def _in_path(self, text: str, kind: type) -> str | UUID:
        return id_in_path(text, self.operation.unknown_id) if kind is UUID else text


def _taken(handler: Handler[Any]) -> dict[str, Any]:
    """What the handler takes behind request and caller, and what it returns, by name."""
    annotated = inspect.get_annotations(handler, eval_str=True)
    for name in list(inspect.signature(handler).parameters)[:2]:
        annotated.pop(name, None)
    return annotated


def _declared(operation: Operation[Any]) -> dict[str, Any]:
    declared: dict[str, Any] = {"return": Response}
    if operation.query is not None:
        declared["query"] = operation.query
    if operation.body is not None:
        declared["body"] = operation.body
    if operation.idempotency is not None:
        declared |= {"answer": Answer, "return": bytes}
    return declared


def _check_key(request: Request, idempotency: Idempotency) -> None:
    if idempotency.required and IDEMPOTENCY_HEADER not in request.headers:
        sentence = f"is required, {idempotency.required}"
        raise ValidationFailed(
            f"{IDEMPOTENCY_HEADER} {sentence}.", fields=[(IDEMPOTENCY_HEADER, sentence)]
        )
