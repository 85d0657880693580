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
import psycopg
import pytest

from conftest import Cluster
from privata.organizations.roles import Permission, Role, allows
from privata.tokens.api import ROUTES
from tests.browser.server import Server, running_server

#: What a form carries twice, so that nothing is refused for the want of it.
_FORM = "c" * 32

ROOT = Path(__file__).resolve().parents[2]

#: Routes that ask no permission of the table, each with what it asks instead.
OPEN = {
    "front_door": "leads to the home page, which asks",
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

#: A value for each parameter of a path that names a thing, when it does not exist.
MISSING: dict[str, str] = {
    "UUIDConverter": "00000000-0000-4000-8000-0000000000ff",
    "IntConverter": "2147483000",
    "StringConverter": "missing",
    "PathConverter": "missing",
    "SlugConverter": "missing",
}

#: What a foreign organization owns, by the parameter that names it. A route with another parameter
#: fails the test below until it is put here (or in `NAMES`).
FOREIGN = {
    "order_id": "SELECT id::text FROM orders WHERE organization_id = %s",
    "endpoint_id": "SELECT id::text FROM webhook_endpoint WHERE organization_id = %s",
    "delivery_id": "SELECT id::text FROM webhook_delivery WHERE organization_id = %s",
    "seq": "SELECT max(seq)::text FROM audit_entry WHERE organization_id = %s",
    "invitation_id": "SELECT id::text FROM invitation WHERE organization_id = %s",
    "member_id": "SELECT id::text FROM membership WHERE organization_id = %s",
    "token_id": "SELECT id::text FROM personal_token WHERE organization_id = %s",
    "key_id": "SELECT id::text FROM api_key WHERE organization_id = %s",
    "stream_id": "SELECT id::text FROM stream WHERE organization_id = %s",
    "export_id": "SELECT id::text FROM order_export WHERE organization_id = %s",
    "view_id": "SELECT id::text FROM order_saved_view WHERE organization_id = %s",
    "payout_id": "SELECT id::text FROM payout WHERE organization_id = %s",
    "address_id": "SELECT id::text FROM payout_address WHERE organization_id = %s",
}

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
    open_doors = {
        "PRIVATA_TRUSTED_PROXIES": "127.0.0.0/8",
        "PRIVATA_RATE_READS_PER_MINUTE": "1000000",
        "PRIVATA_RATE_WRITES_PER_MINUTE": "1000000",
    }
    with running_server(cluster, tmp_path_factory.mktemp("matrix"), **open_doors) as server:
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
        foreign = _foreign(server)
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


def _foreign(server: Server) -> dict[str, str]:
    """Another organization with an order, an endpoint, a delivery and so on; their ids."""
    other = server.organization("Other Wallet", "owner@other.example")
    ident, owner = other.organization_id, "owner@other.example"
    headers = {"X-API-Key": other.test_key}
    with httpx.Client(base_url=f"{server.base_url}/partner/v1", headers=headers) as api:
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"}
        quote = api.get("/estimate", params=query).json()["quote_id"]
        address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        endpoint = str(uuid.uuid4())
        server.execute(
            "INSERT INTO webhook_endpoint (id, organization_id, environment, url, alias, channel)"
            " VALUES (%s::uuid, %s::uuid, 'test', 'https://other.example/hook', 'x', 'order')",
            endpoint,
            ident,
        )
        made = api.post(
            "/order/create", json={"quote_id": quote, "address": address, "sandbox_ttl": 3600}
        )
        assert made.is_success, made.text
    server.execute(
        "INSERT INTO invitation (id, organization_id, email, role, digest, invited_by, expires_at)"
        " VALUES (gen_random_uuid(), %s::uuid, 'x@other.example', 'admin', 'x', 'x',"
        " now() + interval '1 day')",
        ident,
    )
    server.execute(
        "INSERT INTO personal_token (id, organization_id, user_id, name, scopes, prefix, digest,"
        " expires_at) SELECT gen_random_uuid(), %s::uuid, id, 'x', '{dashboard:read}', 'pat_', 'y',"
        " now() + interval '1 day' FROM app_user WHERE email = %s",
        ident,
        owner,
    )
    server.execute(
        "WITH node AS (INSERT INTO stream_node (id, host) VALUES (gen_random_uuid(), 'x')"
        " RETURNING id) INSERT INTO stream (node_id, organization_id, environment, order_id,"
        " key_id, key_prefix, ip, source) SELECT node.id, key.organization_id, 'test', 'x',"
        " key.id, 'x', 'x', 'fresh' FROM node, api_key AS key WHERE key.organization_id = %s::uuid"
        " LIMIT 1",
        ident,
    )
    server.execute(
        "INSERT INTO order_export (id, organization_id, environment, query, columns, as_of,"
        " created_by) VALUES (gen_random_uuid(), %s::uuid, 'test', '', '{order_id}', now(), 'x')",
        ident,
    )
    server.execute(
        "INSERT INTO order_saved_view (user_id, organization_id, environment, name, query)"
        " SELECT id, %s::uuid, 'test', 'x', '' FROM app_user WHERE email = %s",
        ident,
        owner,
    )
    server.execute(
        "WITH place AS (INSERT INTO payout_address (id, organization_id, environment, currency,"
        " address, created_by)"
        " VALUES (gen_random_uuid(), %s::uuid, 'live', 'USDT-ERC20', 'x', 'x') RETURNING *)"
        " INSERT INTO payout (id, organization_id, environment, address_id, currency, address,"
        " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at)"
        " SELECT gen_random_uuid(), organization_id, environment, id, currency, address, 500,"
        " false, 'x', 'x', now() + interval '10 minutes' FROM place",
        ident,
    )
    # Entries beyond the numbers that our own organization has.
    server.execute(
        "INSERT INTO audit_entry (organization_id, actor_kind, actor_id, actor_label, action,"
        " target) SELECT %s::uuid, 'system', 'x', 'x', 'x', 'x' FROM generate_series(1, 5000)",
        ident,
    )
    found = {}
    for name, statement in FOREIGN.items():
        rows = server.execute(f"{statement} LIMIT 1", ident)
        assert rows, f"the foreign organization has no {name}"
        found[name] = str(rows[0][0])
    return found


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
        {name for route in people.routes for name in route["converters"]} - FOREIGN.keys() - NAMES
    )
    assert not unknown, f"parameters that FOREIGN and NAMES do not know: {unknown}"


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
        things = {name: people.foreign[name] for name in route["converters"] if name in FOREIGN}
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
    from privata.infra.sealing import Sealer
    from privata.infra.settings import Settings
    from privata.tokens.rules import PREFIX_LENGTH, mint, scopes_of

    home = Path(people.server.environment["PRIVATA_HOME"])
    sealer = Sealer(Settings(_env_file=None, home=home).key_material())
    made = {}
    with psycopg.connect(people.server.database_url, autocommit=True) as connection:
        for role in Role:
            for write in (False, True):
                token = made[role, write] = mint()
                connection.execute(
                    "INSERT INTO personal_token (id, organization_id, user_id, name, scopes,"
                    " prefix, digest, expires_at) SELECT gen_random_uuid(), %s::uuid, id, 'm', %s,"
                    " %s, %s, now() + interval '1 day' FROM app_user WHERE email = %s",
                    (
                        people.server.credentials.organization_id,
                        scopes_of(write),
                        token[:PREFIX_LENGTH],
                        sealer.digest(f"token:{token}"),
                        _email(role),
                    ),
                )
    return made


def test_tokens_have_their_owners_role_and_their_own_scope(people: People) -> None:
    tokens, wrong = _tokens(people), []
    with httpx.Client(base_url=people.server.base_url, timeout=30) as client:
        for method, template, door in ROUTES:
            for environment in ("live", "test"):
                path = template.replace("{environment}", environment)
                path = path.replace("{endpoint_id}", people.foreign["endpoint_id"])
                for (role, write), token in tokens.items():
                    headers = {"Authorization": f"Bearer {token}"}
                    status = client.request(method, path, headers=headers).status_code
                    may = allows(role, door.permission) and (
                        write or door.scope.value == "dashboard:read"
                    )
                    if (status == 403) is may or status >= 500:
                        wrong.append(f"{role} write={write} {method} {path}: {status}")
                    if may and "{endpoint_id}" in template and status not in (404, 422):
                        wrong.append(f"a foreign endpoint: {role} {method} {path}: {status}")
    assert not wrong, "\n".join(wrong)


def test_tokens_and_keys_do_not_open_each_others_doors(people: People) -> None:
    key, token = people.server.credentials.test_key, next(iter(_tokens(people).values()))
    hooks = {"request": [_from_elsewhere]}
    url = people.server.base_url
    with httpx.Client(base_url=url, timeout=30, event_hooks=hooks) as client:
        for headers in ({}, {"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            for method, template, _ in ROUTES:
                path = template.replace("{environment}", "test").replace("{endpoint_id}", "x")
                assert client.request(method, path, headers=headers).status_code == 401
        for headers in ({"X-API-Key": token}, {"Authorization": f"Bearer {token}"}):
            answer = client.get("/partner/v1/order/prv-x", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "INVALID_KEY"
