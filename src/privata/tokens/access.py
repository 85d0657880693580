"""The door of the automation API: token, scope, role and environment, asked in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from privata.core.errors import InvalidKey, NotFound, ScopeRequired
from privata.core.roles import Permission, allows
from privata.core.standing import Capability, refused, works
from privata.core.tenancy import Actor, Environment
from privata.infra.access import SCOPE_HEADERS, client_ip, kernel_of
from privata.infra.kernel import Kernel
from privata.infra.limits import Kind, too_many
from privata.tokens.rules import TokenScope
from privata.tokens.service import Bearer, authenticate

HEADER = "Authorization"

#: One answer for every way a token can be wrong: nothing tells which it was.
_INVALID = "The access token is missing, malformed, revoked, or expired, or its owner has left."


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in."""

    request: Request
    kernel: Kernel
    bearer: Bearer

    @property
    def actor(self) -> Actor:
        return self.bearer.actor


View = Callable[[Call], Awaitable[Response]]


class Door:
    """A route for tokens of `scope` whose owner's role includes `permission`."""

    def __init__(self, permission: Permission, scope: TokenScope, view: View) -> None:
        self.permission = permission
        self.scope = scope
        self.view = view

    async def __call__(self, request: Request, **_parts: str) -> Response:
        kernel = kernel_of(request)
        named = request.path_params.get("environment", Environment.TEST.value)
        bearer, allowance = await authenticate(
            kernel,
            request.headers.get(HEADER),
            _environment(named),
            Kind.READ if self.scope is TokenScope.READ else Kind.WRITE,
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent", ""),
        )
        request.scope[SCOPE_HEADERS] += allowance.headers(kernel.clock.now().timestamp())
        if not allowance.granted:
            raise too_many(allowance)
        if bearer is None:
            raise InvalidKey(_INVALID)
        if not works(Capability.TOKENS, bearer.status):
            raise refused(bearer.status)
        if named not in list(Environment):
            raise NotFound("Unknown environment. Use live or test.")
        if self.scope.value not in bearer.scopes:
            raise ScopeRequired(
                f"This token does not have the {self.scope} scope.",
                data={"scope": self.scope.value},
            )
        if not allows(bearer.role, self.permission):
            raise ScopeRequired(
                f"Your role in this organization does not include {self.permission}.",
                data={"permission": self.permission.value},
            )
        return await self.view(Call(request, kernel, bearer))


def read(permission: Permission) -> Callable[[View], Door]:
    """A route that shows something."""
    return lambda view: Door(permission, TokenScope.READ, view)


def write(permission: Permission) -> Callable[[View], Door]:
    """A route that changes something."""
    return lambda view: Door(permission, TokenScope.WRITE, view)


def _environment(named: str) -> Environment:
    return Environment(named) if named in list(Environment) else Environment.TEST
