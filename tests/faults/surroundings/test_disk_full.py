"""The database's disk is full for a while: nothing acknowledged is lost, nothing is restarted."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest

from conftest import Cluster
from privata.infra.embedded import osuser
from privata.infra.settings import Settings
from tests.faults.conftest import Scale
from tests.faults.harness import Harness
from tests.faults.traffic import through_programs

#: Bytes of the file system that is filled: a database, and room for some thousand orders.
DISK: Final = 96 * 1024**2


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small file system of its own; the test is skipped where none may be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="privata-small-"))
    account = osuser.for_new_data()
    options = f"size={DISK},mode=0700,uid={account.uid},gid={account.gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True)
    except FileNotFoundError:
        mounted = subprocess.CompletedProcess(command, 1, b"", b"no mount program")
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder)


@pytest.fixture
def database_name(cluster: Cluster, disk: Path) -> Iterator[str]:
    """A database whose tables are on that disk. The server's log is not: a server that cannot write
    it ends itself, which is a restart and tested as one."""
    name = cluster.copy()
    with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        admin.execute(f"ALTER DATABASE {name} SET TABLESPACE small".encode())
        yield name
        cluster.drop(name)
        admin.execute("DROP TABLESPACE small")


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(8192))
    return ballast


async def test_a_full_disk(
    harness: Harness,
    settings: Settings,
    organization: uuid.UUID,
    cluster: Cluster,
    database_name: str,
    disk: Path,
    scale: Scale,
) -> None:
    async with through_programs(harness, settings, organization) as (traffic, _, _):
        for _ in range(scale(1, 5)):
            ballast = _fill(disk)
            await traffic.refused()
            ballast.unlink()
            await traffic.healthy()
    await traffic.check(cluster.app(database_name))
