"""Migrations on data, both ways, and models that say what the migrations made."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import psycopg
import pytest

from conftest import Cluster

MANAGE = """
import sys
from privata.desk.database import boot
boot(sys.argv[1])
from django.core.management import call_command
call_command(*sys.argv[2:])
"""


def manage(url: str, *words: str) -> str:
    """One of Django's commands on a database, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MANAGE, url, *words],
        env=os.environ | {"PRIVATA_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_models_say_what_the_migrations_made(cluster: Cluster, database_name: str) -> None:
    said = manage(cluster.owner(database_name), "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in said


@pytest.fixture
def organization_id(cluster: Cluster, database_name: str) -> uuid.UUID:
    made = uuid.uuid4()
    with psycopg.connect(cluster.owner(database_name), autocommit=True) as owner:
        owner.execute("INSERT INTO organization (id, name) VALUES (%s, 'Acme')", (made,))
    return made


def test_keys_keep_their_secrets_over_the_migration_and_back(
    cluster: Cluster, database_name: str, organization_id: uuid.UUID
) -> None:
    url = cluster.owner(database_name)
    key = uuid.uuid4()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO api_key (id, organization_id, environment, name, scopes)"
            " VALUES (%s, %s, 'test', 'first', '{orders:rw}')",
            (key, organization_id),
        )
        owner.execute(
            "INSERT INTO api_key_secret (key_id, prefix, last_four, digest, dead_at) VALUES"
            " (%s, 'pk_test_oldoldol', 'aaaa', 'old', now()), (%s, 'pk_test_newnewne', 'bbbb',"
            " 'new', NULL)",
            (key, key),
        )
    manage(url, "migrate", "apikeys", "0001", "--verbosity", "0")
    with psycopg.connect(url, autocommit=True) as owner:
        row = owner.execute("SELECT prefix, digest FROM api_key").fetchone()
        assert row == ("pk_test_newnewne", b"new")
    manage(url, "migrate", "apikeys", "--verbosity", "0")
    with psycopg.connect(url, autocommit=True) as owner:
        rows = owner.execute("SELECT key_id, prefix, digest, dead_at FROM api_key_secret")
        assert rows.fetchall() == [(key, "pk_test_newnewne", b"new", None)]
