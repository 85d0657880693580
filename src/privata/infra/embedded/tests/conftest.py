"""Homes that are removed with their servers, and programs that are ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

import privata
from privata.infra.embedded import acquire, destroy, layout, postmaster
from privata.infra.embedded.locks import Lock

NOBODY = 65534
PATIENCE_S = 60.0

_SOURCES = str(Path(privata.__file__).parents[1])


@pytest.fixture
def fresh_home(tmp_path: Path) -> Iterator[Path]:
    """A home without a database; what comes to be in it is destroyed afterwards."""
    path = tmp_path / "home"
    yield path
    eventually(lambda: not in_use(path))
    destroy(path)


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose database is built; building takes most of a first start."""
    path = tmp_path_factory.mktemp("embedded") / "home"
    acquire(path, fast=True).release()
    yield path
    eventually(lambda: not in_use(path))
    destroy(path)


@pytest.fixture
def home(built_home: Path) -> Iterator[Path]:
    """A home with a database, at rest before and after the test."""
    eventually(lambda: not in_use(built_home))
    yield built_home
    eventually(lambda: not in_use(built_home))


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory in which every OS user may write, below ones that every user can enter."""
    path = Path(tempfile.mkdtemp(prefix="privata-test-", dir="/tmp"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@dataclass
class Program:
    """A started `program.py` and the first line it printed."""

    process: subprocess.Popen[str]
    said: dict[str, str]

    def end(self) -> None:
        """Close its standard input and wait."""
        self.process.communicate(timeout=PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[Callable[..., Program]]:
    """Starts programs; `ordinary=True` has one run by a user who is not root."""
    # Ask for the home first, so that programs end before it has to be at rest.
    for name in {"home", "fresh_home"} & set(request.fixturenames):
        request.getfixturevalue(name)
    with ExitStack() as stack:

        def start(home: Path, *words: str, ordinary: bool = False, **options: Any) -> Program:
            script = str(Path(__file__).with_name("program.py"))
            command = [sys.executable, "-P", script, str(home), *words]
            if ordinary and os.geteuid() == 0:
                command = [*_drop_root(), *command]
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": _SOURCES} | options.pop("env", {}),
                **options,
            )
            assert process.stdout is not None
            stack.callback(process.wait)
            stack.callback(process.kill)
            stack.callback(process.stdout.close)
            begun = Program(process, json.loads(process.stdout.readline()))
            if process.stdin is not None:
                stack.callback(process.stdin.close)
            return begun

        yield start


def _drop_root() -> list[str]:
    """The words before a command that make it run as nobody.

    The interpreter may lie where nobody can go (below /root); then the process keeps the one
    capability to pass through directories.
    """
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    can = (
        subprocess.run(
            [sys.executable, "-c", "import psycopg"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        if _enters(Path(sys.executable))
        else None
    )
    if can is not None and can.returncode == 0:
        return drop
    return [*drop, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def _enters(executable: Path) -> bool:
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", executable],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        check=False,
    )
    return tried.returncode == 0


def eventually(true: Callable[[], bool]) -> None:
    """Wait until something holds; fail after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def data_of(home: Path) -> Path:
    """The data directory of a home, wherever it lies."""
    return layout.root_of(layout.control_of(home)) / "data"


def in_use(home: Path) -> bool:
    """Whether any process of the home's server or a supervisor of it lives."""
    control = layout.control_of(home)
    if not control.exists():
        return False
    return bool(sum(postmaster.processes(data_of(home)), supervisors(home)))


def supervisors(home: Path) -> list[int]:
    """Process ids of the supervisors of a home."""
    words = f" -m privata.infra.embedded.supervisor {layout.control_of(home)} "
    listed = postmaster.command_lines()
    return [pid for pid, line in listed if words in line and not line.startswith("/bin/sh ")]


def unkept(home: Path) -> bool:
    """Whether no supervisor holds its lock; one being killed loses its command line before that."""
    with Lock(layout.control_of(home) / "supervisor.lock") as lock:
        return lock.try_exclusive()


def ask(url: str, question: str) -> Any:
    """The one value a statement yields (None without a result)."""
    with psycopg.connect(url, autocommit=True) as connection:
        answer = connection.execute(question)
        row = answer.fetchone() if answer.description else None
    return row[0] if row else None
