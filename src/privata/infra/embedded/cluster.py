"""Building a data directory and starting a server on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from privata.core.errors import StartupError
from privata.infra.embedded import binaries, failures, layout, postmaster
from privata.infra.embedded.layout import Location
from privata.infra.embedded.locks import POLL_S, Lock

_BUILD_S = 120.0
_MAX_LOG_BYTES = 1_000_000

#: Given on the command line: nothing in the data directory has to be edited or kept in step.
SETTINGS = {
    "listen_addresses": "",
    "port": str(layout.PORT),
    "max_connections": "200",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "fsync": "on",
    "wal_compression": "on",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Short statements gain nothing from compiling or from parallel workers, whose shared memory
    # containers often do not have; nor does a small machine from separate readers.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    # The server's own affairs only. Failed statements are the program's to report, and their text
    # could hold what no log may hold; this is also what keeps the log small.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "log_line_prefix": "%m [%p] ",
}

#: For test suites only: a crash of the machine loses the whole cluster.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}

#: Run once, before the data directory gets its name; a home therefore has all of it or is not
#: built at all. The owner owns the database and makes the tables, and may see whose snapshots are
#: old (`infra.database.snapshots`); the application owns nothing.
_BOOTSTRAP = """
CREATE ROLE privata_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
CREATE ROLE privata_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
GRANT pg_read_all_stats TO privata_owner
CREATE DATABASE privata OWNER privata_owner
""".lstrip()


def open_log(path: Path) -> int:
    """Open the log for appending, after putting a long one aside; the caller closes it."""
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.rename(path.with_name(path.name + ".1"))
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def build(location: Location, programs: Path, lock: Lock, *, fast: bool) -> None:
    """Make the data directory, its roles and its database, then give it its name.

    What a crash leaves behind has another name and goes when the next build begins. Raises
    StartupError when PostgreSQL gives up, OSError when a directory cannot be made.
    """
    for abandoned in location.root.glob("data.new-*"):
        shutil.rmtree(abandoned)
    new = Path(tempfile.mkdtemp(prefix="data.new-", dir=location.root))
    try:
        location.account.own(new)
        # Trust is safe here: the one way in is a socket in a directory of mode 0700, so whoever
        # can connect can read the data files as well. Nothing is left to protect by a password.
        initdb: list[str | Path] = [programs / "initdb", "-D", new, "--auth=trust"]
        initdb += ["--username=postgres", "--data-checksums", "--no-instructions"]
        initdb += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        initdb += ["--builtin-locale=C.UTF-8"]
        if fast:
            initdb += ["--no-sync"]
        _run(location, initdb, lock, doing="creating the database")
        alone: list[str | Path] = [programs / "postgres", "--single", "-D", new]
        alone += ["-c", "exit_on_error=on", "-c", f"fsync={'off' if fast else 'on'}", "postgres"]
        _run(location, alone, lock, doing="creating the roles", stdin=_BOOTSTRAP)
        new.rename(location.data)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    parent = os.open(location.root, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _run(
    location: Location, command: list[str | Path], lock: Lock, *, doing: str, stdin: str = ""
) -> None:
    output = open_log(location.log)
    try:
        begin = os.lseek(output, 0, os.SEEK_END)
        code = location.account.run(
            command, output=output, keep=[lock.fd], stdin=stdin, timeout=_BUILD_S
        )
        if code != 0:
            text = _read_from(output, begin)
            raise failures.from_log(text, doing=doing, data=location.data, log=location.log)
    except subprocess.TimeoutExpired as error:
        raise StartupError(
            f"{doing} took over {_BUILD_S:.0f} s; the log is {location.log}"
        ) from error
    finally:
        os.close(output)


def check_version(data: Path) -> None:
    """Raise StartupError for a data directory that our PostgreSQL cannot open."""
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise StartupError(f"{data} is not a data directory of PostgreSQL") from None
    if found != str(binaries.MAJOR):
        raise StartupError(
            f"the database in {data} is of PostgreSQL {found}, and this is PostgreSQL "
            f"{binaries.MAJOR}: dump it with the old version and load it into a new home"
        )


def start(location: Location, programs: Path, lock: Lock, *, fast: bool, deadline: float) -> Path:
    """Start the server and wait until it answers; the directory of its socket.

    `lock` is the server lock, held, and passes to the server: nothing of an earlier one lives.
    Raises StartupError when the server gives up or is not ready at `deadline` (monotonic).
    """
    earlier = postmaster.read(location.data)
    directory = layout.make_socket_directory(
        location, earlier.socket_directory if earlier else None
    )
    # Stale for certain, and PostgreSQL would not start if a new process had the old one's id.
    stale = (location.data / "postmaster.pid", directory / f"{layout.SOCKET_NAME}.lock")
    for leftover in (*stale, directory / layout.SOCKET_NAME):
        leftover.unlink(missing_ok=True)
    settings = SETTINGS | (FAST if fast else {})
    settings["cluster_name"] = postmaster.title(location.data)
    settings["unix_socket_directories"] = '"' + str(directory).replace('"', '""') + '"'
    command: list[str | Path] = [programs / "postgres", "-D", location.data]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    begun = time.monotonic()
    output = open_log(location.log)
    try:
        begin = os.lseek(output, 0, os.SEEK_END)
        # The shell ends at once, so that the server is nobody's child to wait for.
        detach = ["/bin/sh", "-c", '"$@" </dev/null &', "sh"]
        location.account.run([*detach, *command], output=output, keep=[lock.fd])
        lock.close()
        with Lock(lock.path) as probe:
            while True:
                status = postmaster.read(location.data)
                if status and status.ready and postmaster.answers(status.socket_directory):
                    return status.socket_directory
                if probe.try_exclusive():
                    text = _read_from(output, begin)
                    doing = "starting the embedded PostgreSQL"
                    raise failures.from_log(text, doing=doing, data=location.data, log=location.log)
                if time.monotonic() > deadline:
                    raise StartupError(
                        f"the embedded PostgreSQL did not come up in "
                        f"{time.monotonic() - begun:.0f} s; the log is {location.log}"
                    )
                time.sleep(POLL_S)
    finally:
        os.close(output)


def _read_from(fd: int, offset: int) -> str:
    return os.pread(fd, 100_000, offset).decode(errors="replace")
