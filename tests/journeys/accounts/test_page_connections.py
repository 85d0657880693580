"""The pages' database connections: one pool per process, shared, checked, bounded."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.loopback import NO_AUTHORITIES
from tests.visitors import Visitor

SIZE = 2
PAGES = ("/test/", "/test/orders/", "/test/webhooks/", "/test/no-such-page", "/team/")

_PIDS = """
SELECT pid FROM pg_stat_activity
WHERE application_name = 'privata-pages' AND datname = current_database()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home, PRIVATA_PAGES_POOL_SIZE=str(SIZE)) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(server: Server) -> Iterator[Visitor]:
    found = Visitor(server)
    signed_in = found.sign_in(server.credentials.owner_email, server.credentials.owner_password)
    assert signed_in.url.path != "/login"
    yield found
    found.close()


def pids(server: Server) -> set[int]:
    """The backends that serve pages now."""
    return {row[0] for row in server.execute(_PIDS)}


def load(visitor: Visitor, path: str) -> int:
    return visitor.client.get(path, follow_redirects=True).status_code


@contextmanager
def live_pages(server: Server, visitor: Visitor, count: int) -> Iterator[None]:
    """So many pages that are open, each with its stream."""
    chunks: list[Iterator[bytes]] = []
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(
                httpx.Client(
                    base_url=server.base_url,
                    cookies=dict(visitor.client.cookies),
                    headers=visitor.client.headers,
                    verify=NO_AUTHORITIES,
                    timeout=60,
                )
            )
            answer = stack.enter_context(client.stream("GET", "/test/live"))
            assert answer.status_code == 200
            chunks.append(answer.iter_raw())  # one that is dropped ends its stream
            next(chunks[-1])
        yield


def test_pages_share_a_pool_instead_of_a_connection_per_request(
    server: Server, visitor: Visitor
) -> None:
    load(visitor, "/test/")
    before, seen = pids(server), set[int]()
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(load, visitor, path) for path in PAGES * 8]
        while not all(one.done() for one in answers):
            now = pids(server)
            assert len(now) <= SIZE
            seen |= now
    assert {one.result() for one in answers} <= {200, 404}
    assert before, "the pool keeps its connections"
    assert before <= seen, "and they are used again"
    assert len(seen | pids(server)) <= SIZE


def test_open_pages_hold_no_connection(server: Server, visitor: Visitor) -> None:
    """Each open page kept the connection that its stream began with, for as long as it was open."""
    with live_pages(server, visitor, SIZE + 2):
        assert load(visitor, "/test/orders/") == 200
        assert len(pids(server)) <= SIZE
        time.sleep(5)  # the streams look whether their sessions live, with a connection each
        assert load(visitor, "/test/orders/") == 200
    assert load(visitor, "/test/orders/") == 200


def test_a_page_that_waits_for_a_service_holds_no_connection(
    server: Server, visitor: Visitor
) -> None:
    """How long it waits, others may decide: a partner's name server, or as here a table's lock."""
    with psycopg.connect(server.environment["PRIVATA_DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(2 * SIZE) as pool:
            waiting = [pool.submit(load, visitor, "/test/orders/") for _ in range(2 * SIZE)]
            try:
                until = time.monotonic() + 20
                while blocked(server) < SIZE and time.monotonic() < until:
                    time.sleep(0.02)
                assert load(visitor, "/test/webhooks/") == 200
            finally:
                owner.rollback()
            assert {page.result() for page in waiting} == {200}


def blocked(server: Server) -> int:
    """Statements that wait for a lock."""
    ((count,),) = server.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(count)


def test_error_pages_do_not_wait_for_each_other(server: Server, visitor: Visitor) -> None:
    """Each is rendered in a thread of its own, while its request's thread held a connection."""
    with ThreadPoolExecutor(8) as threads:
        paths = [f"/test/orders/{number:08d}AAAAAAAA" for number in range(24)]
        assert set(threads.map(lambda path: load(visitor, path), paths)) == {404}


def test_broken_off_requests_give_their_connection_back(
    cluster: Cluster, server: Server, visitor: Visitor
) -> None:
    with psycopg.connect(_admin(cluster, server)) as lock:
        lock.execute("LOCK TABLE user_session")
        for _ in range(3 * SIZE):
            with pytest.raises(httpx.TimeoutException):
                visitor.client.get("/test/orders/", timeout=0.05)
    assert load(visitor, "/test/orders/") == 200


def test_a_killed_connection_is_replaced_before_a_page_gets_it(
    server: Server, visitor: Visitor
) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda path: load(visitor, path), PAGES))
    killed = pids(server)
    assert killed
    server.execute(f"SELECT pg_terminate_backend(pid) FROM ({_PIDS}) AS ours")
    assert [load(visitor, "/test/orders/") for _ in range(SIZE + 1)] == [200] * (SIZE + 1)
    assert not pids(server) & killed


def test_a_page_without_a_connection_says_so_in_time(
    cluster: Cluster, server: Server, visitor: Visitor, home: Path
) -> None:
    """Also when no page gives one back: it waits some seconds, and then it is no fault of code."""
    with ThreadPoolExecutor(SIZE) as threads, psycopg.connect(_admin(cluster, server)) as lock:
        # What signs a visitor in is the one thing that pages still read over these connections.
        lock.execute("LOCK TABLE user_session")
        held = [threads.submit(load, visitor, "/test/orders/") for _ in range(SIZE)]
        while len(_waiting(server)) < SIZE:
            time.sleep(0.02)
        answer = visitor.client.get("/test/orders/")
        lock.rollback()
        assert [one.result() for one in held] == [200] * SIZE
    assert answer.status_code == 503
    assert "Temporarily unavailable" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert "no database connection for a page" in (home / "server.log").read_text()
    assert load(visitor, "/test/orders/") == 200


def test_the_pool_is_closed_at_the_end(cluster: Cluster, tmp_path: Path) -> None:
    with running_server(cluster, tmp_path) as server:
        visitor = Visitor(server)
        visitor.sign_in(server.credentials.owner_email, server.credentials.owner_password)
        visitor.close()
        assert pids(server)
        os.kill(server.pid, signal.SIGTERM)
        until = time.monotonic() + 20
        while pids(server) and time.monotonic() < until:
            time.sleep(0.02)
        assert not pids(server)
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
    assert "psycopg" not in log


def _admin(cluster: Cluster, server: Server) -> str:
    name = server.execute("SELECT current_database()")[0][0]
    return cluster.admin_url.replace("/postgres?", f"/{name}?")


def _waiting(server: Server) -> set[int]:
    found = server.execute(f"{_PIDS} AND wait_event_type = 'Lock'")
    return {row[0] for row in found}
