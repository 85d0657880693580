"""Every route, asked by every role, in both environments, with own and with foreign ids.

The dashboard's routes are read from Django itself, those of the partner API from its OpenAPI
document, those of the automation API from its table: a new one that decides nothing fails here.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Cluster
from privata.api.automation.routes import PREFIX, router
from privata.core.roles import Permission, Role, allows
from privata.tokens.access_api import TokenAccess
from tests.browser.server import Server, running_server
from tests.contracts.personal_tokens import token_of
from tests.contracts.things import MISSING, OWNED, things_of

#: What a form carries twice, so that nothing is refused for the want of it.
_FORM = "c" * 32

ROOT = Path(__file__).resolve().parents[2]

#: Routes that ask no permission of the table, each with what it asks instead.
OPEN = {
    "index": "leads to the home page, which asks",
    "account_login": "everybody",
    "account_logout": "everybody",
    "switch_environment": "a choice of one's own session",
    "switch_organization": "an active membership in the named organization",
    "invitation": "the link, and its address",
    "live": "a membership; it names topics, never content",
    "track": "the signed link",
    "docs:index": "everybody",
    "docs:api": "everybody",
    "docs:openapi": "everybody",
    "docs:postman": "everybody",
    "docs:bruno": "everybody",
    "docs:guide": "everybody",
    "docs:guide_text": "everybody",
    "docs:llms": "everybody",
    "track_state": "the signed link",
}

#: Rooms whose routes are a person's own account: they ask for sign-in themselves.
OWN_ACCOUNT = ("accounts:", "account_", "mfa_", "socialaccount_")

#: Parameters that name no thing of an organization.
NAMES = {
    *("environment", "part", "form", "token", "organization_id", "recovery_id", "slug"),
    *("factor_id", "session_id"),  # of a person's own account, whatever the organization
}

_ORDERS, _ADMIN = "orders:rw", "webhook:admin"


@dataclass
class People:
    """The server, one person of each role, and a foreign organization that owns one of each."""

    server: Server
    routes: list[dict[str, Any]]
    sessions: dict[str, str]
    foreign: dict[str, str]
    client: httpx.Client
    methods: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, who: str | None) -> httpx.Response:
        """One request with a valid form token, as this person or as nobody."""
        cookie = f"csrf={_FORM}"
        if who is not None:
            cookie += f"; privata={self.sessions[who]}"
        self.client.cookies.clear()
        return self.client.request(method, path, headers={"Cookie": cookie, "X-CSRFToken": _FORM})


def _email(role: Role) -> str:
    return f"{role.value}@matrix.example"


@pytest.fixture(scope="module")
def people(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    # Each call may come from an address of its own, so that wrong ones lock nobody out.
    open_access = {
        "PRIVATA_TRUSTED_PROXIES": "127.0.0.0/8",
        "PRIVATA_RATE_READS_PER_MINUTE": "1000000",
        "PRIVATA_RATE_WRITES_PER_MINUTE": "1000000",
        "PRIVATA_RATE_PAGES_PER_MINUTE": "1000000",
    }
    with running_server(cluster, tmp_path_factory.mktemp("matrix"), **open_access) as server:
        organization_id = server.credentials.organization_id
        for role in Role:
            server.execute(
                "WITH made AS (INSERT INTO app_user (email, password, is_superuser)"
                " VALUES (%s, '!', false) RETURNING id)"
                " INSERT INTO membership (organization_id, user_id, role)"
                " SELECT %s::uuid, id, %s FROM made",
                _email(role),
                organization_id,
                role.value,
            )
        emails = [_email(role) for role in Role]
        foreign = things_of(server, server.organization("Other Wallet", "owner@other.example"))
        routes = _program(server, "routes")
        sessions = _program(server, "sessions", *emails)
        with httpx.Client(base_url=server.base_url, timeout=30) as client:
            yield People(server, routes, sessions, foreign, client)


def _program(server: Server, *arguments: str) -> Any:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.contracts.routes", *arguments],
        check=True,
        env=server.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ).stdout
    return json.loads(printed.splitlines()[-1])


def _path(route: dict[str, Any], environment: str, things: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(2)
        if name == "environment":
            return environment
        return things.get(name) or MISSING[route["converters"][name]]

    return "/" + re.sub(r"<(\w+):(\w+)>", value, route["path"])


def _environments(route: dict[str, Any]) -> tuple[str, ...]:
    return ("live", "test") if "environment" in route["converters"] else ("test",)


def _method(people: People, route: dict[str, Any]) -> str:
    """GET where it is taken, otherwise POST."""
    name = route["name"]
    known = people.methods.get(name)
    if known is None:
        answer = people.ask("GET", _path(route, "test", {}), _email(Role.OWNER))
        known = "POST" if answer.status_code == 405 else "GET"
        people.methods[name] = known
    return known


def _guarded(people: People) -> list[dict[str, Any]]:
    return [route for route in people.routes if route["permission"]]


def test_every_route_has_decided(people: People) -> None:
    undecided = [
        route["name"]
        for route in people.routes
        if not route["permission"]
        and not route["staff"]
        and route["name"] not in OPEN
        and not route["name"].startswith(OWN_ACCOUNT)
    ]
    assert not undecided, f"routes without @page(Permission...): {undecided}"
    assert len(_guarded(people)) > 60
    unknown = (
        {name for route in people.routes for name in route["converters"]} - OWNED.keys() - NAMES
    )
    assert not unknown, f"parameters that OWNED and NAMES do not know: {unknown}"


def test_each_role_gets_what_the_table_says(people: People) -> None:
    wrong = []
    for route in _guarded(people):
        permission = Permission(route["permission"])
        method = _method(people, route)
        for role in Role:
            for environment in _environments(route):
                path = _path(route, environment, {})
                status = people.ask(method, path, _email(role)).status_code
                if (status == 403) is allows(role, permission) or status >= 500:
                    wrong.append(f"{role} {method} {path}: {status}, {permission}")
    assert not wrong, "\n".join(wrong)


def test_head_on_every_page_is_get_without_a_body(people: People) -> None:
    """For the owner; a stream of a page would not end, so its GET is not asked."""
    wrong, asked = [], 0
    for route in people.routes:
        path = _path(route, "test", {})
        head = people.ask("HEAD", path, _email(Role.OWNER))
        if route["name"] == "live":
            if (head.status_code, head.headers["content-type"]) != (200, "text/event-stream"):
                wrong.append(f"live: {head.status_code}")
            continue
        get = people.ask("GET", path, _email(Role.OWNER))
        asked += get.status_code != 405
        kinds = [one.headers.get("content-type") for one in (head, get)]
        if head.status_code != get.status_code or kinds[0] != kinds[1] or head.content:
            wrong.append(f"{route['name']}: {head.status_code}, {get.status_code}, {kinds}")
        if head.headers.get_list("set-cookie"):
            wrong.append(f"{route['name']} sets cookies")
    assert not wrong, "\n".join(wrong)
    assert asked > 80


def test_a_head_uses_up_no_secret_that_is_shown_once(people: People) -> None:
    cookie = {"Cookie": f"csrf={_FORM}; privata={people.sessions[_email(Role.OWNER)]}"}
    people.client.cookies.clear()
    made = people.client.post(
        "/test/keys/new",
        data={"name": "Server", "scopes": "orders:rw", "expiry": "never"},
        headers=cookie | {"X-CSRFToken": _FORM},
    )
    assert made.status_code == 302, made.text
    shown = made.headers["location"]
    for _ in range(2):
        assert people.ask("HEAD", shown, _email(Role.OWNER)).status_code == 200
    first = people.ask("GET", shown, _email(Role.OWNER))
    assert (first.status_code, "pk_test_" in first.text) == (200, True)
    assert people.ask("HEAD", shown, _email(Role.OWNER)).status_code == 302


def test_who_is_signed_out_is_sent_to_sign_in(people: People) -> None:
    wrong = []
    for route in people.routes:
        if not route["permission"] and not route["staff"]:
            continue
        answer = people.ask(_method(people, route), _path(route, "test", {}), None)
        if answer.status_code != 302 or "/login" not in answer.headers["location"]:
            wrong.append(f"{route['name']}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_foreign_thing_and_a_missing_one_look_alike(people: People) -> None:
    """For the owner, who may everything: only whose it is can be in the way."""
    wrong, asked = [], 0
    for route in _guarded(people):
        things = {name: people.foreign[name] for name in route["converters"] if name in OWNED}
        if not things:
            continue
        for environment in _environments(route):
            method = _method(people, route)
            foreign = people.ask(method, _path(route, environment, things), _email(Role.OWNER))
            missing = people.ask(method, _path(route, environment, {}), _email(Role.OWNER))
            asked += 1
            same = foreign.status_code == missing.status_code
            # A page that shows a secret once leads elsewhere when there is none to show.
            if not same or foreign.status_code not in (404, 302):
                wrong.append(
                    f"{method} {route['name']}: {foreign.status_code}, {missing.status_code}"
                )
            elif _words(foreign) != _words(missing):
                wrong.append(f"{method} {route['name']}: the two pages differ")
    assert not wrong, "\n".join(wrong)
    assert asked > 40


def _words(answer: httpx.Response) -> str:
    """The page without what differs each time: the clock, form tokens, its own address."""
    text = re.sub(r'data-now="\d+"|name="csrf-token" content="[^"]*"', "", answer.text)
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    return text.replace(answer.request.url.path, "")


def test_the_console_is_for_staff(people: People) -> None:
    wrong = []
    for route in people.routes:
        if route["staff"]:
            things = {"organization_id": people.server.credentials.organization_id}
            for method in ("GET", "POST"):
                answer = people.ask(method, _path(route, "test", things), _email(Role.OWNER))
                if answer.status_code not in (404, 405):
                    wrong.append(f"{method} {route['name']}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_deactivated_member_gets_nothing(people: People) -> None:
    server = people.server
    change = "UPDATE membership SET deactivated_at = {} WHERE role = 'readonly'"
    server.execute(change.format("now()"))
    try:
        for path in ("/test/", "/live/orders/", "/test/team/"):
            assert people.ask("GET", path, _email(Role.READONLY)).status_code == 403
    finally:
        server.execute(change.format("NULL"))
    assert people.ask("GET", "/test/", _email(Role.READONLY)).status_code == 200


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
#: Where a write needs another scope than a read.
_WRITES = {"/payouts": frozenset({"payouts:trigger"})}
_EVERY = (_ORDERS, _ADMIN, "payouts:read", "payouts:trigger")


_hosts = itertools.count(1)


def _from_elsewhere(request: httpx.Request) -> None:
    number = next(_hosts)
    request.headers["X-Forwarded-For"] = (
        f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    )


def _scopes_of(path: str, method: str) -> frozenset[str] | None:
    table = _SCOPES | (_WRITES if method == "post" else {})
    found = [name for name in table if path == name or path.startswith(name.rstrip("/") + "/")]
    return table[max(found, key=len)] if found else None


def test_partner_routes_open_to_their_scopes_only(people: People) -> None:
    server = people.server
    base = f"{server.base_url}/partner/v1"
    paths = httpx.get(f"{base}/openapi.json", timeout=30).json()["paths"]
    keys = {}
    for number, scope in enumerate(_EVERY):
        made = subprocess.run(
            [sys.executable, "-m", "privata", "org", "create", "--name", scope, "--keys", "--json",
             "--owner-email", f"key{number}@matrix.example", "--scope", scope],
            check=True, env=server.environment, stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
        keys[scope] = json.loads(made)["test_key"]
    wrong = []
    with httpx.Client(timeout=30, event_hooks={"request": [_from_elsewhere]}) as client:
        for template, methods in paths.items():
            path = re.sub(r"\{\w+\}", str(uuid.uuid4()), template)
            for method in methods:
                wanted = _scopes_of(template.removeprefix("/partner/v1"), method)
                assert wanted is not None, f"{template} stands in no line of _SCOPES"
                url = server.base_url + path
                bare = client.request(method, url)
                if (bare.status_code == 401) is not bool(wanted):
                    wrong.append(f"{method} {template} without a key: {bare.status_code}")
                for scope, key in keys.items():
                    if not wanted:
                        continue
                    answer = client.request(method, url, headers={"X-API-Key": key})
                    if (answer.status_code == 403) is (scope in wanted):
                        wrong.append(f"{method} {template} with {scope}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


# The automation API: the role's table again, and the token's scope.


def _tokens(people: People) -> dict[tuple[Role, bool], str]:
    return {
        (role, write): token_of(people.server, _email(role), write=write)
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
