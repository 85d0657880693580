"""`privata migrate` on a database in use: waits for locks, releases side by side, what is newer."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import psycopg
import pytest

import privata
from conftest import Cluster, environment_for
from privata.cli import Seconds
from privata.infra.settings import Settings
from tests import programs
from tests.conftest import ADDRESSES, Partner
from tests.contracts.test_migrations import manage
from tests.loopback import NO_AUTHORITIES
from tests.servers import running_api

#: Far longer than a migration waits for a lock before it lets others pass.
_A_READERS_PATIENCE = "20s"


@pytest.fixture
def behind(cluster: Cluster, database_name: str) -> str:
    """A database to which the migrations of the webhooks from the tenth on are still to come."""
    manage(cluster.owner(database_name), "migrate", "webhooks", "0009", "--verbosity", "0")
    return database_name


@contextmanager
def reading_for_long(cluster: Cluster, name: str) -> Iterator[psycopg.Connection]:
    """A report that keeps its transaction, and so its lock, open."""
    with psycopg.connect(cluster.app(name)) as report:
        report.execute("SELECT count(*) FROM webhook_endpoint")
        yield report
        report.rollback()


def migrating(cluster: Cluster, name: str, home: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "privata", "migrate", *more],
        env=environment_for(home, cluster.app(name), cluster.owner(name)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_migration_behind_a_long_reader_lets_others_pass(
    cluster: Cluster, behind: str, tmp_path: Path
) -> None:
    """It waited for the reader without end, and every later query of the table behind it."""
    with reading_for_long(cluster, behind) as report:
        program = migrating(cluster, behind, tmp_path)
        assert program.stderr is not None
        with psycopg.connect(cluster.app(behind), autocommit=True) as other:
            other.execute(f"SET statement_timeout = '{_A_READERS_PATIENCE}'")
            news = program.stderr.readline()
            assert news.startswith("webhooks.0010_ordering_key: process ")
            assert f"process {report.info.backend_pid} (" in news
            assert "trying again" in news
            other.execute("SELECT count(*) FROM webhook_endpoint")
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert "webhooks.0010_ordering_key applied in" in err
    done = err.count(" applied in ")
    assert out == f"{done} migration{'s' if done > 1 else ''} applied.\n"


def test_a_migration_that_gives_up_names_who_holds_the_lock(
    cluster: Cluster, behind: str, tmp_path: Path
) -> None:
    with reading_for_long(cluster, behind) as report:
        holder = report.info.backend_pid
        program = migrating(cluster, behind, tmp_path, "--wait", "0")
        _, err = program.communicate(timeout=60)
    assert program.returncode == 1
    assert len(err.strip().splitlines()) == 1
    assert "webhooks.0010_ordering_key was not applied" in err
    assert f"process {holder} (privata_app" in err


@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("org", "list")])
def test_a_newer_schema_ends_the_start_with_one_line(
    cluster: Cluster, database_name: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with psycopg.connect(cluster.owner(database_name), autocommit=True) as owner:
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('webhooks', '0999_future', now())"
        )
    env = environment_for(tmp_path, cluster.app(database_name), cluster.owner(database_name))
    ended = programs.run("privata", *command, env=env)
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert "a newer release: this one does not know webhooks.0999_future" in ended.stderr


#: What the next release adds, by the rules for changes that the release before it can live with.
_NEXT = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "{last}")]
    operations = [
        migrations.AddField("endpoint", "note", models.TextField(null=True)),
        AddIndexConcurrently("duedelivery", models.Index(fields=["order_id"], name="{index}")),
    ]
"""
_INDEX = "webhook_due_of_next"


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """The sources with one migration more; the directory that Python finds them in."""
    sources = tmp_path / "next"
    package = Path(privata.__file__).parent
    shutil.copytree(package, sources / "privata", ignore=shutil.ignore_patterns("tests", "*.pyc"))
    migrations = sources / "privata" / "webhooks" / "migrations"
    last = max(path.stem for path in migrations.glob("0*.py"))
    text = textwrap.dedent(_NEXT).format(last=last, index=_INDEX)
    (migrations / "0999_next.py").write_text(text, encoding="utf-8")
    return sources


def leave_an_invalid_index(url: str) -> None:
    """What is left when `CREATE INDEX CONCURRENTLY` is killed."""
    with psycopg.connect(url, autocommit=True) as owner:
        with psycopg.connect(url) as older:
            older.execute("LOCK TABLE webhook_due IN ROW EXCLUSIVE MODE")
            owner.execute("SET statement_timeout = '200ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                owner.execute(f"CREATE INDEX CONCURRENTLY {_INDEX} ON webhook_due (order_id)")
        row = owner.execute(
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{_INDEX}'::regclass"
        )
        assert row.fetchone() == (False,)


async def order_at(url: str, key: str) -> str:
    """Quote and create an order at one server; its id."""
    async with httpx.AsyncClient(
        base_url=url, headers={"X-API-Key": key}, timeout=30, verify=NO_AUTHORITIES
    ) as client:
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"}
        quote = (await client.get("/estimate", params=query)).json()["quote_id"]
        body = {"quote_id": quote, "address": ADDRESSES["ETH"]}
        made = await client.post("/order/create", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["order_id"])


async def test_two_releases_serve_side_by_side_on_one_schema(
    partner: Partner, settings: Settings, next_release: Path
) -> None:
    assert settings.database_owner_url is not None
    assert settings.database_url is not None
    async with running_api(settings) as old:
        await order_at(old, partner.test_key)
        await asyncio.to_thread(leave_an_invalid_index, settings.database_owner_url)
        env = environment_for(settings.home, settings.database_url, settings.database_owner_url)
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "privata", "migrate"),
            env=env | {"PYTHONPATH": str(next_release)},
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await program.communicate()
        assert program.returncode == 0
        assert b"webhooks.0999_next applied in" in err
        async with running_api(settings, PYTHONPATH=str(next_release)) as new:
            first = await order_at(old, partner.test_key)
            second = await order_at(new, partner.test_key)
            for url in (old, new):
                async with httpx.AsyncClient(
                    base_url=url, headers={"X-API-Key": partner.test_key}, verify=NO_AUTHORITIES
                ) as client:
                    for order in (first, second):
                        assert (await client.get(f"/order/{order}")).status_code == 200
                root = url.removesuffix("/partner/v1")
                async with httpx.AsyncClient(base_url=root, verify=NO_AUTHORITIES) as client:
                    assert (await client.get("/readyz")).status_code == 200
    valid = await partner.ctx.database.pool.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", _INDEX
    )
    assert valid is True


@pytest.mark.parametrize("wait", ["1h", "nan", "-1", "inf", ""])
def test_a_wait_is_a_number_of_seconds(wait: str) -> None:
    """`nan` was taken, and no try was ever the last."""
    with pytest.raises(click.BadParameter, match="is not a number of seconds from 0 to 86400"):
        Seconds(86_400).convert(wait, None, None)
