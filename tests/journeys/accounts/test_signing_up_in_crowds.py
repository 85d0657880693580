"""Many sign-ups at once: limits come before the hash, and hashes come a few at a time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.visitors import PASSWORD, visitor

#: What one hash takes here, KiB; large enough that 48 of them take longer than anybody waits.
HASH_KIB = 262_144

MANY = 48


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    more = {
        "PRIVATA_PASSWORD_MEMORY_KIB": str(HASH_KIB),
        "PRIVATA_PASSWORD_HASHES_AT_ONCE": "1",
        "PRIVATA_RATE_PAGES_PER_MINUTE": "120",
    }
    with running_server(cluster, tmp_path_factory.mktemp("crowds"), **more) as running:
        yield running


def _most_memory_kib(server: Server) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found.group(1))


def test_48_sign_ups_at_once_take_the_memory_of_one_hash(server: Server) -> None:
    """From 48 addresses, so that no limit of an address helps. Those without a turn are told so by
    a page that keeps what they typed, and their try is given back."""
    before = _most_memory_kib(server)
    others = [row[0] for row in server.execute("SELECT subject FROM account_tries")]
    with ExitStack() as stack:
        people = [stack.enter_context(visitor(server)) for _ in range(MANY)]
        for one in people:
            one.get("/sign-up")

        def send(number: int) -> httpx.Response:
            typed = {"email": f"crowd{number}@wallet.example", "password": PASSWORD}
            return people[number].post("/sign-up", follow=False, next="/test/?a=1&b=2", **typed)

        with ThreadPoolExecutor(MANY) as pool:
            answers = list(pool.map(send, range(MANY)))
        assert {answer.status_code for answer in answers} == {302, 503}
        assert _most_memory_kib(server) - before < 2 * HASH_KIB
        number = next(n for n, answer in enumerate(answers) if answer.status_code == 503)
        refused = answers[number]
        assert int(refused.headers["Retry-After"]) > 0
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', refused.text))
        fields = {name: html.unescape(value) for name, value in fields.items()}
        del fields["csrfmiddlewaretoken"]
        assert fields == {
            "email": f"crowd{number}@wallet.example",
            "password": PASSWORD,
            "next": "/test/?a=1&b=2",
        }
        again = people[number].post("/sign-up", follow=False, **fields)
        assert (again.status_code, again.headers["location"]) == (302, "/sign-up/code")
        hits = server.execute(
            "SELECT max(cardinality(hits)) FROM account_tries"
            """ WHERE "limit" = 'sign_up_mail' AND subject <> ALL (%s)""",
            others,
        )
        assert hits == [(1,)], "a refused try was not given back"


def test_a_sign_up_beyond_the_limits_is_refused_before_the_hash(server: Server) -> None:
    """At the fifth for one email: whether a hash was made is seen by what a session would hold."""
    with visitor(server) as who:
        who.get("/sign-up")
        for _ in range(4):
            typed = {"email": "often@wallet.example", "password": PASSWORD}
            assert who.post("/sign-up", follow=False, **typed).status_code == 302
        kept = who.token
        refused = who.post("/sign-up", follow=False, **typed)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "3600"
        assert 'value="often@wallet.example"' in refused.text
        assert who.token == kept, "nothing was kept of it"


def test_pages_of_an_address_have_an_end(server: Server) -> None:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        answers = [client.get("/nothing-of-ours") for _ in range(300)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {404, 429}
    assert int(refused[0].headers["Retry-After"]) > 0
    assert refused[0].headers["Content-Security-Policy"].startswith("default-src 'none'")
