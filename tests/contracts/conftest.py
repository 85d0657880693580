"""A server with one person of each role, and programs that some samples are run with; without one,
its tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import pytest

from conftest import Cluster
from privata.core.roles import Role
from tests.browser.server import running_server
from tests.contracts.matrix import People, email_of, printed
from tests.contracts.things import things_of

_PROGRAMS = {"curl_program": "curl", "node_program": "node"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of a program that is not there."""
    for fixture, program in _PROGRAMS.items():
        if shutil.which(program):
            continue
        for item in items:
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=f"no {program} found"))


@pytest.fixture
def curl_program() -> str:
    """Path of curl."""
    return shutil.which("curl") or ""


@pytest.fixture
def node_program() -> str:
    """Path of Node."""
    return shutil.which("node") or ""


@pytest.fixture(scope="module")
def people(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """One person of each role, on a server of the file."""
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
                email_of(role),
                organization_id,
                role.value,
            )
        emails = [email_of(role) for role in Role]
        foreign = things_of(server, server.organization("Other Wallet", "owner@other.example"))
        routes = printed(server, "routes")
        sessions = printed(server, "sessions", *emails)
        with httpx.Client(base_url=server.base_url, timeout=30) as client:
            yield People(server, routes, sessions, foreign, client)
