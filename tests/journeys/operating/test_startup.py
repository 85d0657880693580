"""Starting: migrations under a lock, roles, and one clear line for what cannot go on."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import Cluster, environment_for
from privata.infra import embedded
from tests import programs

PRODUCTION = {
    "PRIVATA_ENV": "production",
    "PRIVATA_PUBLIC_URL": "https://partners.example",
    "PRIVATA_SECRET_KEYS": base64.b64encode(bytes(32)).decode(),
}


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """A database without any table."""
    name = "empty_database"
    with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER privata_owner")
    yield name
    cluster.drop(name)


def run(
    cluster: Cluster, database: str, home: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    env = environment_for(home, cluster.app(database), cluster.owner(database), **more)
    return programs.run("privata", *arguments, env=env)


def test_programs_that_migrate_at_once_take_turns(
    cluster: Cluster, empty: str, tmp_path: Path
) -> None:
    env = environment_for(tmp_path, cluster.app(empty), cluster.owner(empty))
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "privata", "migrate"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = []
    for program in started:
        out, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
        said.append(out.strip())
    assert sorted(said)[1:] == ["The schema is up to date.", "The schema is up to date."]
    assert "migrations applied." in min(said)


def test_the_applications_role_owns_nothing(cluster: Cluster, database_name: str) -> None:
    with psycopg.connect(cluster.app(database_name)) as connection:
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = "
            "(SELECT oid FROM pg_roles WHERE rolname = current_user)"
        ).fetchone()
        role = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert owned == (0,)
    assert role == (False, False, False)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_production_does_not_start_on_an_old_schema(
    cluster: Cluster, empty: str, tmp_path: Path, command: str
) -> None:
    ended = run(cluster, empty, tmp_path, command, **PRODUCTION)
    assert ended.returncode == 1
    assert "run `privata migrate`" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_production_refuses_a_role_that_owns_the_tables(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    owner = cluster.owner(database_name)
    ended = run(
        cluster, database_name, tmp_path, "worker", **PRODUCTION, PRIVATA_DATABASE_URL=owner
    )
    assert ended.returncode == 1
    assert "owns nothing" in ended.stderr


NOWHERE = "postgresql://x@127.0.0.1:1/none"


@pytest.mark.parametrize(
    ("command", "changes", "said"),
    [
        ("migrate", {"PRIVATA_PORT": "eighty"}, "PRIVATA_PORT"),
        ("migrate", {"PRIVATA_DATABASE_OWNER_URL": NOWHERE}, "cannot be reached"),
        ("migrate", {"PRIVATA_DATABASE_URL": NOWHERE}, "The role x"),
        ("serve", {**PRODUCTION, "PRIVATA_DATABASE_URL": NOWHERE}, "cannot be reached"),
    ],
)
def test_a_start_that_cannot_go_on_says_why_in_one_line(
    cluster: Cluster,
    database_name: str,
    tmp_path: Path,
    command: str,
    changes: dict[str, str],
    said: str,
) -> None:
    ended = run(cluster, database_name, tmp_path, command, **changes)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert ended.stdout == ""


UNREACHABLE = """
import logging, sys
from privata.core.errors import StartupError
from privata.infra.telemetry import configure_logging
configure_logging("warning", "text")
from privata.dashboard.database import boot
boot(sys.argv[1])
from privata.dashboard.schema.migrate import require_migrated
try:
    require_migrated(sys.argv[1])
except StartupError as error:
    print(error)
"""


def test_a_schema_that_cannot_be_asked_is_one_line_at_once() -> None:
    """It was asked through the pages' pool, which tried for 5 s and warned of each try."""
    ran = subprocess.run(
        [sys.executable, "-c", UNREACHABLE, NOWHERE],
        env=os.environ | {"PRIVATA_DATABASE_URL": NOWHERE},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout.startswith("The database cannot be reached: ")
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == ""


def test_with_a_database_url_nothing_embedded_is_imported(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    program = (
        "import sys; from privata.cli import main\n"
        "sys.argv = ['privata', 'migrate']\n"
        "main()\n"
        "sys.exit(any(name.startswith('privata.infra.embedded') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_for(tmp_path, cluster.app(database_name), cluster.owner(database_name)),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_a_taken_port_is_named(cluster: Cluster, database_name: str, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run(cluster, database_name, tmp_path, "serve", PRIVATA_PORT=port)
    assert ended.returncode == 1
    assert f"Port {port}" in ended.stderr


@pytest.mark.parametrize("command", ["demo", "run", "serve", "worker", "migrate"])
def test_a_misspelt_setting_is_named_by_every_program(
    cluster: Cluster, tmp_path: Path, command: str
) -> None:
    """`make run` is `demo`. In silence, each of them would begin with a database of its own."""
    more = {"PRIVATA_DATABSE_URL": "postgresql://app@db/privata"}
    ended = run(cluster, "none", tmp_path, command, **more)
    assert ended.returncode == 1
    said = "PRIVATA_DATABSE_URL is not a setting. Did you mean PRIVATA_DATABASE_URL?"
    assert ended.stderr.strip() == f"privata: {said} Correct or remove it."


def test_an_unknown_variable_is_named_at_the_start(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    ended = run(cluster, database_name, tmp_path, "migrate", PRIVATA_SERVICE_HOST="10.0.0.1")
    assert ended.returncode == 0
    assert (
        "WARNING privata.cli: PRIVATA_SERVICE_HOST is not a setting and is ignored" in ended.stderr
    )


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("ledger", "verify")])
def test_a_node_with_a_wrong_secret_key_does_not_start(
    cluster: Cluster, database_name: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """It started, said that it was ready, answered 401 to right keys and locked partners out."""
    made = run(cluster, database_name, tmp_path, "ledger", "verify", PRIVATA_SECRET_KEYS=key(1))
    assert made.returncode == 0, made.stderr
    wrong = {**PRODUCTION, "PRIVATA_SECRET_KEYS": key(2)}
    ended = run(cluster, database_name, tmp_path, *command, **wrong)
    refused_in_one_line(ended, "under the key", "PRIVATA_SECRET_KEYS lacks")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("REVOKE UPDATE ON webhook_endpoint FROM privata_app", "lacks UPDATE on webhook_endpoint."),
        ("REVOKE ALL ON event, quote FROM privata_app", "lacks INSERT on event and 5 more"),
        ("REVOKE SELECT ON django_migrations FROM privata_app", "SELECT on django_migrations"),
        ("REVOKE USAGE ON SCHEMA public FROM privata_app, PUBLIC", "USAGE on the schema public"),
    ],
)
def test_a_role_without_its_rights_is_told_which_one_it_lacks(
    cluster: Cluster, database_name: str, tmp_path: Path, change: str, said: str
) -> None:
    """The worker started and died at its first statement, with a traceback for each loop."""
    with psycopg.connect(cluster.owner(database_name), autocommit=True) as owner:
        owner.execute(change)
    ended = run(cluster, database_name, tmp_path, "worker", **PRODUCTION)
    refused_in_one_line(ended, "The role privata_app", said, "Run `privata migrate`")


def test_a_read_only_database_is_named(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database_name} SET default_transaction_read_only = on")
    for command in (("worker",), ("migrate",), ("ledger", "verify")):
        ended = run(cluster, database_name, tmp_path, *command, **PRODUCTION)
        refused_in_one_line(ended, "accepts only reads")


def test_a_standby_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`serve` started on it, said that it was ready and answered 500 to every write."""
    home = tmp_path_factory.mktemp("standby")
    home.chmod(0o755)
    server = embedded.acquire(home, fast=True)
    try:
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            row = admin.execute("SHOW data_directory").fetchone()
            assert row is not None
            data = Path(row[0])
            signal = data / "standby.signal"
            signal.touch()
            os.chown(signal, data.stat().st_uid, data.stat().st_gid)
        server.release()
        deadline = time.monotonic() + 120
        while (data / "postmaster.pid").exists():  # its last user has left: it stops soon
            assert time.monotonic() < deadline
            time.sleep(0.1)
        server = embedded.acquire(home, fast=True)
        env = environment_for(home, server.app_url, server.owner_url, **PRODUCTION)
        ended = programs.run("privata", "serve", env=env)
        refused_in_one_line(ended, "is a standby, which accepts no writes")
    finally:
        server.release()
        embedded.destroy(home)


def refused_in_one_line(ended: subprocess.CompletedProcess[str], *said: str) -> None:
    assert ended.returncode == 1, ended.stderr
    for one in said:
        assert one in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert ended.stdout == ""
