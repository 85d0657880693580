"""Programs of Privata that a test starts: `start` one that goes on, `run` one to its end.

On Linux they are forks of a process that has imported Privata (see `tests.forking`). A test that is
about the start itself, or about Python's options, starts its program by `subprocess`.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol

ROOT = Path(__file__).resolve().parents[1]

#: Seconds that a command may take; the machine may be busy with other tests.
_PATIENCE_S = 120.0


class Program(Protocol):
    """What tests use of a `subprocess.Popen`."""

    pid: int
    returncode: int | Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def start(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    stdout: IO[Any] | None = None,
    stderr: IO[Any] | None = None,
) -> Program:
    """`python -m module arguments` in the root of the project, as a process of its own.

    Where no file is given, it writes where this process writes.
    """
    if sys.platform != "linux" or _for_python(env) != _for_python(os.environ):
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    with Path(os.devnull).open("rb") as nothing:
        outputs = (
            1 if stdout is None else stdout.fileno(),
            2 if stderr is None else stderr.fileno(),
        )
        return _forks().start(module, arguments, dict(env), (nothing.fileno(), *outputs))


def run(
    module: str, *arguments: str, env: Mapping[str, str], timeout: float = _PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """The same until it ends: exit code, output, errors."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = start(module, *arguments, env=env, stdout=out, stderr=err)
        try:
            code = program.wait(timeout)
        except BaseException:
            program.kill()
            program.wait()
            raise
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess((module, *arguments), code, *said)


async def run_beside(
    module: str, *arguments: str, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The same while this loop, on which a test may serve, goes on."""
    return await asyncio.to_thread(run, module, *arguments, env=env)


def _for_python(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that Python itself reads when it starts, such as PYTHONPATH."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


class _Fork:
    """A forked program; its exit code arrives in a pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        self.pid = int(self._line())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._pipe], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._pipe], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(self._line())
            self._pipe.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _line(self) -> bytes:
        line = self._pipe.readline()
        assert line, "the process that forks programs has ended"
        return line


class _Forks:
    """The process that forks programs, of this process of the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")
        }
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
                cwd=ROOT,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def start(
        self, module: str, arguments: tuple[str, ...], env: dict[str, str], files: tuple[int, ...]
    ) -> _Fork:
        asked = {
            "module": module,
            "arguments": arguments,
            "environment": env,
            "directory": str(ROOT),
        }
        pipe, status = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._control, [json.dumps(asked).encode()], [*files, status])
        finally:
            os.close(status)
        return _Fork(pipe)

    def close(self) -> None:
        """Let it end; programs that still run go on."""
        self._control.close()
        self._process.wait()


_made: list[_Forks] = []
_making = threading.Lock()


def _forks() -> _Forks:
    with _making:
        if not _made:
            _made.append(_Forks())
        return _made[0]
