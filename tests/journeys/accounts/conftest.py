"""A running program, its mail, and a person who has just signed up.

A file that needs another setting has a server of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.visitors import Mailbox, Visitor, sign_up, visitor

_names = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarding")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home) as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


@pytest.fixture
def person() -> str:
    return f"guarded{next(_names)}@wallet.example"


@pytest.fixture
def owner(server: Server, mailbox: Mailbox, person: str) -> Iterator[Visitor]:
    """The person, just signed up."""
    with visitor(server) as made:
        sign_up(server, mailbox, made, person)
        yield made
