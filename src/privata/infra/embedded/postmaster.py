"""What runs right now: the server's lock file, its processes, and stopping them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from privata.core.errors import StartupError
from privata.infra.embedded import layout
from privata.infra.embedded.locks import POLL_S, Lock

log = logging.getLogger(__name__)

#: How a server is asked to stop, ever less politely, and the seconds it has for it: fast shutdown,
#: immediate shutdown, none (see "Shutting Down the Server" in PostgreSQL's manual). By name, since
#: this module has to load where there are no such signals, to be refused with a clear line.
_WAYS = (("SIGINT", 30.0), ("SIGQUIT", 5.0), ("SIGKILL", 5.0))

_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """What `postmaster.pid` says."""

    pid: int
    socket_directory: Path
    ready: bool


def read(data: Path) -> Status | None:
    """The content of the server's lock file; None when absent or not yet complete.

    Its lines are: process id, data directory, start time, port, socket directory, listen address,
    shared memory, status (src/include/utils/pidfile.h).
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5 or not lines[0].strip().isdecimal() or not lines[4]:
        return None
    ready = len(lines) >= 8 and lines[7].strip() == "ready"
    return Status(int(lines[0]), Path(lines[4]), ready)


def answers(directory: Path) -> bool:
    """Whether somebody accepts connections on the socket in `directory`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ANSWER_S)
        try:
            probe.connect(str(directory / layout.SOCKET_NAME))
        except OSError:
            return False
    return True


def title(data: Path) -> str:
    """The name this server's processes show in their titles (`cluster_name`)."""
    return f"privata-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def command_lines() -> Iterator[tuple[int, str]]:
    """Process id and command line, words joined by spaces, of every process we may see."""
    if Path("/proc/self/cmdline").exists():
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                # The process may end while we look at it.
                with contextlib.suppress(OSError):
                    raw = Path("/proc", entry.name, "cmdline").read_bytes()
                    yield int(entry.name), os.fsdecode(raw.replace(b"\0", b" "))
        return
    listed = subprocess.run(
        ["/bin/ps", "-axww", "-o", "pid=,command="],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listed.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command


def processes(data: Path) -> tuple[list[int], list[int]]:
    """Process ids, told by command line: the postmaster (none or one), and its children.

    The programs that build a new data directory count as children.
    """
    postmaster, children = [], []
    for pid, command in command_lines():
        if command.startswith(f"postgres: {title(data)}: ") or f" -D {data}.new-" in command:
            children.append(pid)
        elif f"/postgres -D {data} -c " in command and not command.startswith("/bin/sh "):
            postmaster.append(pid)
    return postmaster, children


def stop(control: Path, data: Path) -> None:
    """Stop the server and whatever is left of an earlier one; the caller holds the start lock.

    Raises StartupError when something survives, which then runs where we cannot see it.
    """
    status = read(data)
    with Lock(control / "server.lock") as lock:
        for name, seconds in _WAYS:
            if lock.try_exclusive():
                break
            postmaster, children = processes(data)
            if name != "SIGKILL":
                if not postmaster:
                    # Leftovers only: the next start has to recover from a crash anyway.
                    continue
                children = []
            for pid in postmaster + children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.Signals[name])
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and not lock.try_exclusive():
                time.sleep(POLL_S)
        if not lock.try_exclusive():
            raise StartupError(f"the PostgreSQL of {data} does not stop; its lock is {lock.path}")
    if status is not None:
        layout.remove_socket_directory(status.socket_directory, data.parent)
