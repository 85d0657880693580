"""Every route of the APIs, asked with every scope of a key and of a token.

The routes of the partner API and the ChangeNOW API are read from their OpenAPI documents, those of
the automation API from its table: a new one that decides nothing fails here.
"""

from __future__ import annotations

import itertools
import json
import re
import uuid

import httpx
import pytest

from privata.api.automation.routes import PREFIX, router
from privata.core.roles import Role, allows
from privata.tokens.access_api import TokenAccess
from tests.contracts.matrix import People, email_of
from tests.contracts.personal_tokens import token_of

_ORDERS, _ADMIN = "orders:rw", "webhook:admin"

# The partner API: which scopes open which route. Nothing else opens it.

_ANYBODY: frozenset[str] = frozenset()
_SCOPES = {
    "/health": _ANYBODY,
    "/currencies": _ANYBODY,
    "/pairs": _ANYBODY,
    "/limits": _ANYBODY,
    "/estimate": _ANYBODY,
    "/validate-address": _ANYBODY,
    "/providers/refund-capability": _ANYBODY,
    "/order/": frozenset({_ORDERS}),
    "/me/orders": frozenset({_ORDERS}),
    "/me": frozenset({_ORDERS, _ADMIN, "payouts:read", "payouts:trigger"}),
    "/events": frozenset({_ORDERS, _ADMIN}),
    "/webhook": frozenset({_ADMIN}),
    "/payouts": frozenset({"payouts:read"}),
}
#: The same of the ChangeNOW API, where a key comes in another header, too.
_CHANGENOW_SCOPES = {
    "/exchange/currencies": _ANYBODY,
    "/validate/address": _ANYBODY,
    "/exchange": frozenset({_ORDERS}),
}
#: Where a write needs another scope than a read.
_WRITES = {"/payouts": frozenset({"payouts:trigger"})}
_EVERY = (_ORDERS, _ADMIN, "payouts:read", "payouts:trigger")


_hosts = itertools.count(1)


def _from_elsewhere(request: httpx.Request) -> None:
    number = next(_hosts)
    request.headers["X-Forwarded-For"] = (
        f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    )


def _scopes_of(prefix: str, path: str, method: str) -> frozenset[str] | None:
    table = _SCOPES | (_WRITES if method == "post" else {})
    if prefix == "/v2":
        table = _CHANGENOW_SCOPES
    found = [name for name in table if path == name or path.startswith(name.rstrip("/") + "/")]
    return table[max(found, key=len)] if found else None


@pytest.mark.parametrize(
    ("prefix", "header"),
    [("/partner/v1", "X-API-Key"), ("/v2", "x-changenow-api-key"), ("/v2", "x-api-key")],
)
def test_routes_open_to_their_scopes_only(people: People, prefix: str, header: str) -> None:
    server = people.server
    base = f"{server.base_url}{prefix}"
    paths = httpx.get(f"{base}/openapi.json", timeout=30).json()["paths"]
    keys = {}
    for number, scope in enumerate(_EVERY):
        made = server.privata(
            *("org", "create", "--name", scope, "--keys", "--json", "--scope", scope),
            *("--owner-email", f"key{number}.{uuid.uuid4().hex[:8]}@matrix.example"),
        )
        keys[scope] = json.loads(made)["test_key"]
    wrong = []
    with httpx.Client(timeout=30, event_hooks={"request": [_from_elsewhere]}) as client:
        for template, methods in paths.items():
            path = re.sub(r"\{\w+\}", str(uuid.uuid4()), template)
            for method in methods:
                wanted = _scopes_of(prefix, template.removeprefix(prefix), method)
                assert wanted is not None, f"{template} stands in no line of _SCOPES"
                url = server.base_url + path
                bare = client.request(method, url)
                if (bare.status_code == 401) is not bool(wanted):
                    wrong.append(f"{method} {template} without a key: {bare.status_code}")
                for scope, key in keys.items():
                    if not wanted:
                        continue
                    answer = client.request(method, url, headers={header: key})
                    if (answer.status_code == 403) is (scope in wanted):
                        wrong.append(f"{method} {template} with {scope}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


# The automation API: the role's table again, and the token's scope.


def _tokens(people: People) -> dict[tuple[Role, bool], str]:
    return {
        (role, write): token_of(people.server, email_of(role), write=write)
        for role in Role
        for write in (False, True)
    }


def test_tokens_have_their_owners_role_and_their_own_scope(people: People) -> None:
    tokens, wrong = _tokens(people), []
    with httpx.Client(base_url=people.server.base_url, timeout=30) as client:
        for route in router.routes:
            method, template, access = route.method, route.path, route.operation.access
            assert isinstance(access, TokenAccess)
            for environment in ("live", "test"):
                path = PREFIX + template.replace("{environment}", environment)
                path = path.replace("{endpoint_id}", people.foreign["endpoint_id"])
                for (role, write), token in tokens.items():
                    headers = {"Authorization": f"Bearer {token}"}
                    status = client.request(method, path, headers=headers).status_code
                    may = allows(role, access.permission) and (
                        write or access.scope.value == "dashboard:read"
                    )
                    if (status == 403) is may or status >= 500:
                        wrong.append(f"{role} write={write} {method} {path}: {status}")
                    if may and "{endpoint_id}" in template and status not in (404, 422):
                        wrong.append(f"a foreign endpoint: {role} {method} {path}: {status}")
    assert not wrong, "\n".join(wrong)


def test_tokens_and_keys_do_not_open_each_others_routes(people: People) -> None:
    key, token = people.server.credentials.test_key, next(iter(_tokens(people).values()))
    hooks = {"request": [_from_elsewhere]}
    url = people.server.base_url
    with httpx.Client(base_url=url, timeout=30, event_hooks=hooks) as client:
        for headers in ({}, {"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            for route in router.routes:
                path = route.path.replace("{environment}", "test").replace("{endpoint_id}", "x")
                answer = client.request(route.method, PREFIX + path, headers=headers)
                assert answer.status_code == 401
        for headers in ({"X-API-Key": token}, {"Authorization": f"Bearer {token}"}):
            answer = client.get("/partner/v1/order/prv-x", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "INVALID_KEY"
