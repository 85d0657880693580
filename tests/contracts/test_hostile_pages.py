"""NUL bytes, integers beyond 64 bits and their like, in every path, query, form and cookie of the
pages: those of a signed-in owner (who is staff too), of one in onboarding, and the public ones.

Routes come from Django itself, parameters from the source of their readers, fields from the forms
that the pages show. Whatever is sent, the answer is never a 5xx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from conftest import Cluster
from privata.infra.http.protocol import MAX_HEAD_BYTES
from tests.browser.server import Server, running_server
from tests.contracts import hostile
from tests.contracts.matrix import printed
from tests.contracts.read_names import Form, forms_of, names_read
from tests.contracts.rough_client import RoughClient
from tests.contracts.things import MISSING, endpoint_of, things_of

_FORM = "c" * 32
_FORM_KIND = b"application/x-www-form-urlencoded"

#: Routes that end the session which asks.
_LEAVING = ("account_logout", "account_revoke_session", "account_start_over", "account_login")

_LEAVING_PATHS = re.compile(r"/logout|/login(/start-over)?|/account/sessions/.*")

#: Of the values that are tried elsewhere, those that differ for a page.
VALUES = (
    *("%00", "a%00b", quote(str(2**63)), quote(str(-(2**63) - 1)), "9" * 60, "1e400"),
    *(quote("\uff12\uff10"), quote("0001-01-01T00:00:00+14:00"), "9999-12-31"),
)

#: Of the values, so many are tried in each place of a path or a form, and with a query.
SHARE = 3

COOKIES = (b"\xff\xfe", b'"a\\000b"', b"%00", b"9" * 3000, b'"\\377"', b"\xed\xa0\x80", b"\x7f")

#: The owner's pages are tried in so many parts.
PARTS = 4

#: Of a page that takes no form.
NO_POST = 405

#: Of requests that are refused before any page has seen them: too large, or too many.
BEFORE_THE_PAGE = (413, 429, 431)

#: So many names of parameters share a request whose values are long: as many as a head holds.
_TOGETHER = MAX_HEAD_BYTES // len(hostile.LONG) - 1

#: Thousands of requests, on a machine that may be busy with other tests; seconds.
pytestmark = pytest.mark.timeout(1200)


@dataclass
class Visit:
    """Somebody at the pages, and the routes that they can try."""

    client: RoughClient
    routes: list[dict[str, Any]]
    things: dict[str, str]
    names: list[str]
    seen: set[tuple[str, str, frozenset[str]]] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    dealer: hostile.Dealer = field(default_factory=hostile.Dealer)

    def get(self, target: str, says: str) -> str:
        answer = self.client.call("GET", target, says=says)
        assert answer.status not in BEFORE_THE_PAGE, f"{target[:80]} never reached its page"
        return answer.body.decode("utf-8", "replace")

    def send(self, target: str, body: str, says: str) -> int:
        form = f"csrfmiddlewaretoken={_FORM}&{body}".encode()
        return self.client.call("POST", target, says=says, body=form, kind=_FORM_KIND).status


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    proxies = {"PRIVATA_TRUSTED_PROXIES": "127.0.0.0/8"}
    with running_server(cluster, tmp_path_factory.mktemp("pages"), **proxies) as running:
        yield running


@pytest.fixture(scope="module")
def routes(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = printed(server, "routes")
    return [one for one in found if one["name"] not in _LEAVING]


def _visit(
    server: Server, routes: list[dict[str, Any]], things: dict[str, str], email: str | None
) -> Visit:
    cookie = f"csrf={_FORM}"
    if email is not None:
        cookie += f"; privata={printed(server, 'proved', email)[email]}"
    headers = [("Cookie", cookie.encode()), ("X-CSRFToken", _FORM.encode())]
    return Visit(RoughClient(server.base_url, headers), routes, things, names_read())


def test_the_names_of_parameters_are_found() -> None:
    """The sweep is as good as its list of names."""
    known = {"q", "cursor", "since", "usd_min", "before", "after", "open", "tab", "older", "ids"}
    assert known - {"cursor"} <= set(names_read())


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_of_an_owner_breaks_on_hostile_values(
    server: Server, routes: list[dict[str, Any]], part: int
) -> None:
    """In parts, so that what one page has changed is not in the way of all that follow."""
    mine = server.organization(f"Wallet {part}", f"owner@part{part}.example")
    things = things_of(server, mine) | {"organization_id": mine.organization_id}
    things["endpoint_id"] = endpoint_of(server, mine)
    server.execute("UPDATE app_user SET is_staff = true WHERE email = %s", mine.owner_email)
    visit = _visit(server, routes[part::PARTS], things, mine.owner_email)
    _sweep(visit, signed_in_at="/test/")
    visit.client.done()
    assert visit.client.calls > (700 if hostile.LONG_RUN else 300)


def test_no_page_of_onboarding_breaks_on_hostile_values(
    server: Server, routes: list[dict[str, Any]]
) -> None:
    email = "new@onboarding.example"
    server.privata("org", "create", "--name", "New Wallet", "--owner-email", email)
    mine = [one for one in routes if one["name"].startswith("onboarding:")]
    visit = _visit(server, mine, {}, email)
    _sweep(visit)
    visit.client.done()


def test_no_public_page_breaks_on_hostile_values(
    server: Server, routes: list[dict[str, Any]]
) -> None:
    things = {"order_id": server.create_order(), "slug": "webhooks", "token": "x" * 43}
    visit = _visit(server, [one for one in routes if not one["permission"]], things, None)
    _sweep(visit)
    visit.client.done()


def _sweep(visit: Visit, signed_in_at: str = "") -> None:
    for route in visit.routes:
        # What the route before has done must not leave this one without a session.
        if signed_in_at:
            assert "Sign out" in visit.get(signed_in_at, "signed in"), f"before {route['name']}"
        _paths(visit, route)
        target = _path(route, visit.things)
        _queries(visit, target)
        page = visit.get(target, route["name"])
        # What a form sends as a query has been tried with every name already.
        forms = [form for form in forms_of(page) if form.method == "post"]
        for form in [*forms, Form("", "post")]:
            action = urlsplit(form.action).path or target
            known = (form.method, action, frozenset(form.fields))
            # The frame's forms are on every page, and tried once.
            if known not in visit.seen and not _LEAVING_PATHS.fullmatch(action):
                visit.seen.add(known)
                _fields(visit, action, form)
    _bodies(visit, "/login")
    for raw in COOKIES:  # read, like bodies, by what stands before all pages: one is enough
        for name in ("privata", "csrf", "theme", "messages"):
            cookie = [("Cookie", name.encode() + b"=" + raw)]
            visit.client.call("GET", "/", says=f"cookie {name}", headers=cookie)
            visit.client.call("POST", "/login", says=f"cookie {name}", headers=cookie, body=b"a=1")


def _path(route: dict[str, Any], things: dict[str, str], **tried: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(2)
        if name in tried:
            return tried[name]
        if name == "environment":
            return "test"
        return things.get(name) or MISSING.get(route["converters"][name], "missing")

    return "/" + re.sub(r"<(\w+):(\w+)>", value, route["path"])


def _paths(visit: Visit, route: dict[str, Any]) -> None:
    for name in route["converters"]:
        if name == "environment" and name in visit.done and not hostile.LONG_RUN:
            continue  # one converter reads it
        visit.done.add(name)
        for value in visit.dealer.some(VALUES, SHARE):
            target = _path(route, visit.things, **{name: value})
            visit.get(target, f"{name} of {route['name']}")
            visit.send(target, "x=1", f"{name} of {route['name']}")


def _queries(visit: Visit, target: str) -> None:
    some = visit.dealer.some
    for value in (*some(VALUES, SHARE), *some(hostile.CURSORS, 1)):
        visit.get(f"{target}?" + "&".join(f"{name}={value}" for name in visit.names), value)
    groups = [
        visit.names[begin : begin + _TOGETHER] for begin in range(0, len(visit.names), _TOGETHER)
    ]
    for group in some(groups, 1):
        visit.get(f"{target}?" + "&".join(f"{one}={hostile.LONG}" for one in group), "long")
    visit.get(f"{target}?a%00b=1&%ED%A0%80=1&=&&=1", "names")


def _fields(visit: Visit, target: str, form: Form) -> None:
    """Each field alone beside what the page would send, and all of them at once."""
    kept = {name: value for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
    for value in visit.dealer.some(VALUES, SHARE):
        for name in kept:
            rest = urlencode({other: good for other, good in kept.items() if other != name})
            visit.send(target, f"{rest}&{name}={value}", f"{name}={value}")
        every = "&".join(f"{name}={value}" for name in {*kept, *visit.names})
        if visit.send(target, every, f"all={value}") == NO_POST:
            return
    visit.send(target, "&".join(f"{name}={hostile.LONG}" for name in kept), "long")


def _bodies(visit: Visit, target: str) -> None:
    """Bodies that are no form at all."""
    multipart = (
        f'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{_FORM}\r\n'
        '--x\r\nContent-Disposition: form-data; name="q\0"; filename="a\0b"\r\n\r\n\0\r\n--x--\r\n'
    ).encode()
    many = "&".join("a=1" for _ in range(1100)).encode()
    for kind, body in (
        (b"multipart/form-data; boundary=x", multipart),
        (b"multipart/form-data", multipart),
        (b"multipart/form-data; boundary=" + b"y" * 300, multipart),
        (b"application/x-www-form-urlencoded; charset=utf-99", b"a=1"),
        (b"application/x-www-form-urlencoded; charset=utf-16", b"a=1"),
        (b"application/json", b'{"a": "\\u0000\\ud800"}'),
        (b"\xff/\xfe", b"\0"),
        (_FORM_KIND, many),
        (_FORM_KIND, b"\xff=\xfe&\0=\0"),
    ):
        visit.client.call("POST", target, says=f"{kind!r}", body=body, kind=kind)
