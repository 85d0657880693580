"""Every page route, asked by every role, in both environments, with own and with foreign ids.

The routes are read from Django itself: a new one that decides nothing fails here.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from privata.core.roles import Permission, Role, allows
from tests.contracts.matrix import FORM, NAMES, OPEN, OWN_ACCOUNT, People, email_of
from tests.contracts.things import MISSING, OWNED


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
        answer = people.ask("GET", _path(route, "test", {}), email_of(Role.OWNER))
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
                status = people.ask(method, path, email_of(role)).status_code
                if (status == 403) is allows(role, permission) or status >= 500:
                    wrong.append(f"{role} {method} {path}: {status}, {permission}")
    assert not wrong, "\n".join(wrong)


def test_head_on_every_page_is_get_without_a_body(people: People) -> None:
    """For the owner; a stream of a page would not end, so its GET is not asked."""
    wrong, asked = [], 0
    for route in people.routes:
        path = _path(route, "test", {})
        head = people.ask("HEAD", path, email_of(Role.OWNER))
        if route["name"] == "live":
            if (head.status_code, head.headers["content-type"]) != (200, "text/event-stream"):
                wrong.append(f"live: {head.status_code}")
            continue
        get = people.ask("GET", path, email_of(Role.OWNER))
        asked += get.status_code != 405
        kinds = [one.headers.get("content-type") for one in (head, get)]
        if head.status_code != get.status_code or kinds[0] != kinds[1] or head.content:
            wrong.append(f"{route['name']}: {head.status_code}, {get.status_code}, {kinds}")
        if head.headers.get_list("set-cookie"):
            wrong.append(f"{route['name']} sets cookies")
    assert not wrong, "\n".join(wrong)
    assert asked > 80


def test_a_head_uses_up_no_secret_that_is_shown_once(people: People) -> None:
    cookie = {"Cookie": f"csrf={FORM}; privata={people.sessions[email_of(Role.OWNER)]}"}
    people.client.cookies.clear()
    made = people.client.post(
        "/test/keys/new",
        data={"name": "Server", "scopes": "orders:rw", "expiry": "never"},
        headers=cookie | {"X-CSRFToken": FORM},
    )
    assert made.status_code == 302, made.text
    shown = made.headers["location"]
    for _ in range(2):
        assert people.ask("HEAD", shown, email_of(Role.OWNER)).status_code == 200
    first = people.ask("GET", shown, email_of(Role.OWNER))
    assert (first.status_code, "pk_test_" in first.text) == (200, True)
    assert people.ask("HEAD", shown, email_of(Role.OWNER)).status_code == 302


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
            foreign = people.ask(method, _path(route, environment, things), email_of(Role.OWNER))
            missing = people.ask(method, _path(route, environment, {}), email_of(Role.OWNER))
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
                answer = people.ask(method, _path(route, "test", things), email_of(Role.OWNER))
                if answer.status_code not in (404, 405):
                    wrong.append(f"{method} {route['name']}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_deactivated_member_gets_nothing(people: People) -> None:
    server = people.server
    change = "UPDATE membership SET deactivated_at = {} WHERE role = 'readonly'"
    server.execute(change.format("now()"))
    try:
        for path in ("/test/", "/live/orders/", "/test/team/"):
            assert people.ask("GET", path, email_of(Role.READONLY)).status_code == 403
    finally:
        server.execute(change.format("NULL"))
    assert people.ask("GET", "/test/", email_of(Role.READONLY)).status_code == 200
