"""Who may call a route of the automation API: token, scope, role and environment at once."""

from __future__ import annotations

from typing import ClassVar

from starlette.requests import Request

from privata.core.errors import InvalidKey, NotFound, PrivataError, ScopeRequired
from privata.core.roles import Permission, allows
from privata.core.standing import Capability, refused, works
from privata.core.tenancy import Environment
from privata.infra.http.access import SCOPE_HEADERS, client_ip, context_of
from privata.infra.http.operations import Access
from privata.infra.limits import Kind, too_many
from privata.tokens.rules import TokenScope
from privata.tokens.service import Bearer, authenticate

HEADER = "Authorization"

#: One answer for every way a token can be wrong: nothing tells which it was.
_INVALID = "The access token is missing, malformed, revoked, or expired, or its owner has left."


class TokenAccess(Access[Bearer]):
    """A token of `scope` whose owner's role includes `permission`."""

    errors: ClassVar[tuple[type[PrivataError], ...]] = (InvalidKey, ScopeRequired)

    def __init__(self, permission: Permission, scope: TokenScope) -> None:
        self.permission = permission
        self.scope = scope

    async def check(self, request: Request) -> Bearer:
        """The token's bearer, acting in the path's environment.

        `InvalidKey`, `RateLimited`, `OrganizationInactive`, `NotFound` for an environment that
        there is not, and `ScopeRequired` for what the token or its owner may not do.
        """
        named = request.path_params.get("environment", Environment.TEST.value)
        bearer, allowance = await authenticate(
            context_of(request),
            request.headers.get(HEADER),
            _environment(named),
            Kind.READ if self.scope is TokenScope.READ else Kind.WRITE,
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent", ""),
        )
        request.scope[SCOPE_HEADERS] += allowance.headers(
            context_of(request).clock.now().timestamp()
        )
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
        return bearer


def read(permission: Permission) -> TokenAccess:
    """For a route that shows something."""
    return TokenAccess(permission, TokenScope.READ)


def write(permission: Permission) -> TokenAccess:
    """For a route that changes something."""
    return TokenAccess(permission, TokenScope.WRITE)


def _environment(named: str) -> Environment:
    return Environment(named) if named in list(Environment) else Environment.TEST
