"""A command starts what it needs and no more; a schema that is behind is still noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader

from conftest import Cluster, environment_for
from privata.dashboard.database import boot
from privata.dashboard.schema.applied import has_all_migrations, migrations_of_the_code
from tests.journeys.operating.test_startup import PRODUCTION


@pytest.fixture
def environment(cluster: Cluster, database_name: str, tmp_path: Path) -> dict[str, str]:
    return environment_for(tmp_path, cluster.app(database_name), cluster.owner(database_name))


def imported_by(environment: dict[str, str], *arguments: str) -> set[str]:
    """Top-level packages that a command imports."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "privata", *arguments],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    )
    lines = (line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if "|" in line)
    return {name.partition(".")[0] for name in lines}


def test_the_files_name_the_migrations_that_django_knows(cluster: Cluster) -> None:
    boot(cluster.app(cluster.template))
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    assert migrations_of_the_code() == known


def test_a_command_does_not_start_django_for_a_schema_that_is_current(
    environment: dict[str, str],
) -> None:
    imported = imported_by(environment, "org", "list")
    assert "asyncpg" in imported
    assert "fastapi" not in imported
    assert "jinja2" not in imported, "the pages' templates: Django was started"


def test_a_command_notices_a_schema_that_is_behind(
    cluster: Cluster, database_name: str, environment: dict[str, str]
) -> None:
    assert has_all_migrations(cluster.app(database_name))
    with psycopg.connect(cluster.owner(database_name), autocommit=True) as owner:
        owner.execute("DELETE FROM django_migrations WHERE app = 'streams'")
    assert not has_all_migrations(cluster.app(database_name))
    ran = subprocess.run(
        [sys.executable, "-m", "privata", "org", "list"],
        check=False,
        env=PRODUCTION | environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "run `privata migrate`" in ran.stderr


def test_a_database_out_of_reach_is_told_as_before(environment: dict[str, str]) -> None:
    gone = "postgresql://privata@127.0.0.1:1/privata"
    ran = subprocess.run(
        [sys.executable, "-m", "privata", "org", "list"],
        check=False,
        env=environment | {"PRIVATA_DATABASE_URL": gone, "PRIVATA_DATABASE_OWNER_URL": gone},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("privata: The database cannot be reached")
    assert len(ran.stderr.splitlines()) == 1
