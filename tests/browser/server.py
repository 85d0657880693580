"""A whole Privata on a loopback port, as its own process, with one partner in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from conftest import Cluster, environment_for
from tests import programs
from tests.canaries import check_file, plant
from tests.conftest import ADDRESSES
from tests.loopback import NO_AUTHORITIES
from tests.programs import Program

#: Generous: the machine may be busy with other tests.
START_S = 60.0
STOP_S = 20.0


@dataclass(frozen=True)
class Credentials:
    """What `privata org create --json` printed."""

    organization_id: str
    owner_email: str
    owner_password: str
    test_key: str
    live_key: str


@dataclass(frozen=True)
class Server:
    """The running program; `database_url` is the application's own role."""

    base_url: str
    credentials: Credentials
    database_url: str
    environment: dict[str, str]
    pid: int = 0

    def path(self, path: str) -> str:
        """A page of the test environment: `path("orders/")`."""
        return f"{self.base_url}/test/{path}"

    def api(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """A call of the partner API with the test key; fails on an error answer."""
        answer = httpx.request(
            method,
            f"{self.base_url}/partner/v1{path}",
            headers={"X-API-Key": self.credentials.test_key},
            timeout=30,
            verify=NO_AUTHORITIES,
            **options,
        )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def create_order(self, *, quote: dict[str, str] | None = None, **changes: Any) -> str:
        """Make a test order, BTC to ETH unless `quote` says otherwise; its id.

        `changes` are fields of the order, such as `partner_order_ref` or `sandbox_scenario`.
        """
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"} | (quote or {})
        body = {"quote_id": self.api("GET", "/estimate", params=query)["quote_id"]}
        body |= {"address": ADDRESSES[query["to"]]} | changes
        return str(self.api("POST", "/order/create", json=body)["order_id"])

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL on the server's database, for states that no call can reach in a test."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def privata(self, *arguments: str) -> str:
        """Run a command of the operator; what it printed."""
        made = programs.run("privata", *arguments, env=self.environment)
        assert made.returncode == 0, made.stderr
        return made.stdout

    def organization(self, name: str, email: str) -> Credentials:
        """A further organization of this installation."""
        return create_organization(self.environment, name, email)


def create_organization(environment: dict[str, str], name: str, email: str) -> Credentials:
    """Make an organization with keys by the command line."""
    made = programs.run(
        *("privata", "org", "create", "--name", name, "--owner-email", email),
        *("--approve", "--keys", "--json"),
        env=environment,
    )
    assert made.returncode == 0, made.stderr
    printed = json.loads(made.stdout)
    for field in ("owner_password", "test_key", "live_key"):
        plant(printed[field])
    return Credentials(**{field: printed[field] for field in Credentials.__dataclass_fields__})


@contextlib.contextmanager
def running_server(cluster: Cluster, home: Path, **more: str) -> Iterator[Server]:
    """Server and worker on a fresh database until the end of the context; `more` are settings."""
    name = cluster.copy()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {
        "PRIVATA_PORT": str(port),
        "PRIVATA_OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8",
        "PRIVATA_LOG_LEVEL": "warning",
        "PRIVATA_MAIL_URL": f"file:{home / 'mail'}",
        "PRIVATA_NEW_DEVICE_CODE": "false",
        "PRIVATA_RATE_PAGES_PER_MINUTE": "1000000",
    }
    environment = environment_for(home, cluster.app(name), cluster.owner(name), **(settings | more))
    credentials = create_organization(environment, "Acme Wallet", "owner@acme.example")
    with (home / "server.log").open("wb") as log:
        process = programs.start("privata", "run", env=environment, stdout=log, stderr=log)
    try:
        base_url = f"http://localhost:{port}"  # as the program names itself
        _await_ready(base_url, process, home / "server.log")
        yield Server(base_url, credentials, cluster.app(name), environment, process.pid)
    finally:
        _stop(process)
        cluster.drop(name)
        check_file(home / "server.log")


def _await_ready(base_url: str, process: Program, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"the server ended at once:\n{log.read_text()[-4000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{base_url}/readyz", timeout=5, verify=NO_AUTHORITIES).is_success:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server is not ready:\n{log.read_text()[-4000:]}")


def _stop(process: Program) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
