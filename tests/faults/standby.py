"""A primary and a synchronous standby, each a PostgreSQL of its own on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from privata.infra.embedded import binaries, osuser, postmaster
from privata.infra.embedded.osuser import Account

from .programs import free_port

#: Beside what the command line says, for the tests' speed: the operating system does not crash.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "hot_standby": "on",
    "io_method": "sync",
    "jit": "off",
    # A standby tries again soon, and a primary that is gone is noticed.
    "wal_retrieve_retry_interval": "200ms",
}

#: Seconds for a server to start or to be promoted.
_READY_S = 60.0


@dataclass
class Server:
    """A data directory and the server on it."""

    data: Path
    account: Account
    programs: Path
    port: int = field(default_factory=free_port)

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def start(self) -> None:
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data]
        named = {"port": str(self.port), "cluster_name": postmaster.title(self.data)}
        for name, value in (_SETTINGS | named).items():
            command += ["-c", f"{name}={value}"]
        detach = ["/bin/sh", "-c", '"$@" </dev/null &', "sh"]
        log = os.open(self.data.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            self.account.run([*detach, *command], output=log)
        finally:
            os.close(log)
        self.ask("SELECT 1")

    def ask(self, *statements: str) -> object:
        """The first value of the last statement, as soon as the server can be asked."""
        until = time.monotonic() + _READY_S
        while True:
            try:
                with psycopg.connect(
                    self.url("postgres", "postgres"), autocommit=True, connect_timeout=5
                ) as db:
                    for one in statements:
                        cursor = db.execute(one)
                    row = cursor.fetchone() if cursor.description else None
                    return row and row[0]
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def signal(self, how: signal.Signals) -> None:
        """Send it to every process of the server, the first one first."""
        master, children = postmaster.processes(self.data)
        for pid in (*master, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        until = time.monotonic() + _READY_S
        while any(postmaster.processes(self.data)):
            assert time.monotonic() < until, "a killed server lives"
            time.sleep(0.05)

    def promote(self) -> None:
        self.ask("SELECT pg_promote()")

    def switch_to_read_only(self) -> None:
        self.ask("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")


class Servers:
    """Makes servers out of a running one; all of them end with `stack`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._account = osuser.for_new_data()
        self._programs = binaries.runnable_by(self._account)
        self._folder = Path(tempfile.mkdtemp(prefix="privata-failover-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.chmod(0o755)
        self._made = 0

    def primary(self, admin_url: str) -> Server:
        """A server with everything that is on the one at `admin_url`."""
        made = self._copy(admin_url)
        made.start()
        return made

    def standby(self, primary: Server) -> Server:
        """One that follows: from now on the primary acknowledges what both of them have."""
        made = self._copy(primary.url("postgres", "postgres"), "--write-recovery-conf")
        made.start()
        primary.ask(
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        )
        until = time.monotonic() + _READY_S
        while primary.ask("SELECT sync_state FROM pg_stat_replication") != "sync":
            assert time.monotonic() < until, "the standby does not follow"
            time.sleep(0.05)
        return made

    def _copy(self, url: str, *more: str) -> Server:
        self._made += 1
        data = self._folder / f"server{self._made}"
        data.mkdir(mode=0o700)
        self._account.own(data)
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        host = query.get("host", [parts.hostname or ""])[0]
        port = query.get("port", [str(parts.port or "")])[0]
        words = ["-D", str(data), "-h", host, "-p", port, "-U", str(parts.username)]
        words += ["--checkpoint=fast", "--no-sync", "--wal-method=stream", *more]
        # As ourselves: only we may enter the directory of the socket.
        subprocess.run(
            [self._programs / "pg_basebackup", *words], check=True, capture_output=True, timeout=120
        )
        (data / "postmaster.pid").unlink(missing_ok=True)
        if self._account.switch:
            for one in (data, *data.rglob("*")):
                os.chown(one, self._account.uid, self._account.gid, follow_symlinks=False)
        made = Server(data, self._account, self._programs)
        self._stack.callback(made.kill)
        return made
