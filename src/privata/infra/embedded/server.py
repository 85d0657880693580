"""Bringing the server of a home up, sharing it, and letting it go."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import privata
from privata.core.errors import StartupError
from privata.infra.embedded import binaries, cluster, layout, postmaster
from privata.infra.embedded.failures import as_startup_error
from privata.infra.embedded.layout import Location
from privata.infra.embedded.locks import POLL_S, Lock
from privata.infra.embedded.osuser import ENVIRONMENT

#: Seconds something may hold the server's lock without serving before it is cleared away:
#: backends end by themselves when they notice that their postmaster is gone.
_LEFTOVER_S = 1.0

#: Seconds for which the users' lock may be taken without a user: the supervisor looks at it.
_GLANCE_S = 0.5


@dataclass(slots=True)
class EmbeddedServer:
    """A running server and this program's part in keeping it up.

    The URLs work for asyncpg and for libpq. They name a socket, not a host: there is no port on
    any network.
    """

    socket_directory: Path
    _users: Lock

    def _url(self, role: str, database: str) -> str:
        host = quote(os.fsencode(self.socket_directory), safe="/")
        return f"postgresql://{role}@/{database}?host={host}&port={layout.PORT}"

    @property
    def owner_url(self) -> str:
        """As the role that owns the database and makes its tables."""
        return self._url("privata_owner", "privata")

    @property
    def app_url(self) -> str:
        """As the role the program works with; it owns nothing."""
        return self._url("privata_app", "privata")

    @property
    def admin_url(self) -> str:
        """As the superuser, in the database `postgres`."""
        return self._url("postgres", "postgres")

    def release(self) -> None:
        """Stop using the server, which stops soon after its last user; may be called again."""
        self._users.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def acquire(home: Path, *, fast: bool = False, wait_s: float = 60.0) -> EmbeddedServer:
    """Bring the server of `home` up, or join the one that runs; blocks until it answers.

    It stays up until every program that acquired it has released it or has ended. `fast` gives up
    durability for speed when this call is the one that starts the server; it is for test suites,
    and the product never sets it. `wait_s` bounds the waiting for other programs and for the
    server, in seconds. Raises StartupError, with one line to show.
    """
    deadline = time.monotonic() + wait_s
    binaries.installed()
    with as_startup_error(home):
        home = home.expanduser().resolve()
        while True:
            control = layout.make_control(home)
            with Lock(control / "start.lock") as start:
                start.exclusive_before(deadline)
                if start.current():
                    return _join(control, fast=fast, deadline=deadline)


def destroy(home: Path, *, wait_s: float = 60.0) -> None:
    """Remove the database of `home` for good, wherever its data lie.

    Raises StartupError when a program uses it or when it cannot be stopped.
    """
    with as_startup_error(home):
        control = layout.control_of(home.expanduser().resolve())
        if not control.is_dir():
            return
        with Lock(control / "start.lock") as start, Lock(control / "users.lock") as users:
            start.exclusive_before(time.monotonic() + wait_s)
            patience = time.monotonic() + _GLANCE_S
            while not users.try_exclusive():
                if time.monotonic() > patience:
                    raise StartupError(f"the database in {home} is in use")
                time.sleep(POLL_S)
            root = layout.root_of(control)
            postmaster.stop(control, root / "data")
            for directory in dict.fromkeys((root, control)):
                if directory.exists():
                    _remove(directory)


def _remove(directory: Path) -> None:
    """Remove a directory into which a supervisor that only begins may put its locks meanwhile."""
    for last in (False, False, True):  # there are two of them
        try:
            shutil.rmtree(directory)
        except OSError as error:
            if last or error.errno != errno.ENOTEMPTY:
                raise
        else:
            return


def _join(control: Path, *, fast: bool, deadline: float) -> EmbeddedServer:
    """Become a user; the caller holds the start lock.

    The order matters. First the users' lock, then the supervisor, then the server: a program killed
    anywhere in between leaves a supervisor that finds no user and stops what there is. And the
    supervisor once more: the first look may have met one that was being killed and still held its
    lock.
    """
    users = Lock(control / "users.lock")
    try:
        users.shared()
        _ensure_supervisor(control)
        location = layout.choose_location(control, fast=fast)
        socket_directory = _bring_up(location, fast=fast, deadline=deadline)
        _ensure_supervisor(control)
        return EmbeddedServer(socket_directory, users)
    except BaseException:
        users.close()
        raise


def _ensure_supervisor(control: Path) -> None:
    """Start a supervisor unless one is alive; it inherits its lock, so there is never a second."""
    with Lock(control / "supervisor.lock") as lock:
        if not lock.try_exclusive():
            return
        output = cluster.open_log(control / "supervisor.log")
        try:
            module = "privata.infra.embedded.supervisor"
            command = [sys.executable, "-P", "-m", module, str(control), str(lock.fd)]
            kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            paths = {"PYTHONPATH": str(Path(privata.__file__).parents[1])}
            subprocess.run(
                ["/bin/sh", "-c", '"$@" </dev/null &', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=ENVIRONMENT | kept | paths,
                pass_fds=[lock.fd],
                start_new_session=True,
                check=True,
            )
        finally:
            os.close(output)


def _bring_up(location: Location, *, fast: bool, deadline: float) -> Path:
    """The socket directory of the running server, which is started first if need be."""
    patience = time.monotonic() + _LEFTOVER_S
    with Lock(location.control / "server.lock") as lock:
        while not lock.try_exclusive():
            status = postmaster.read(location.data)
            if status and status.ready and postmaster.answers(status.socket_directory):
                return status.socket_directory
            now = time.monotonic()
            if now > patience and (status is None or status.ready or _headless(location.data)):
                postmaster.stop(location.control, location.data)
            elif now > deadline:
                raise StartupError(
                    f"the embedded PostgreSQL was not ready in time; the log is {location.log}"
                )
            time.sleep(POLL_S)
        programs = binaries.runnable_by(location.account)
        if not location.data.exists():
            cluster.build(location, programs, lock, fast=fast)
        cluster.check_version(location.data)
        return cluster.start(location, programs, lock, fast=fast, deadline=deadline)


def _headless(data: Path) -> bool:
    return not postmaster.processes(data)[0]
