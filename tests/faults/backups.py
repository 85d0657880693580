"""Base backups with the log that follows them, and servers that are restored out of both."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from conftest import Cluster
from privata.infra import embedded
from privata.infra.embedded import binaries, layout

#: Seconds until a segment of the log is archived.
PATIENCE_S = 20.0


def run(program: str, *words: str | Path) -> None:
    """One of PostgreSQL's programs; what it says is in the error if it fails."""
    command = [binaries.installed() / program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's own OS user can reach, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix="privata-backup-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


class Backup:
    """`base`: the data directory at one moment; `wal`: the segments of the log from then on."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster = cluster
        self.base, self.wal = directory / "base", directory / "wal"

    @contextmanager
    def archiving(self) -> Iterator[None]:
        """Archive the log while the block runs, and all of it when it ends."""
        self.wal.mkdir(mode=0o755)
        words = ("-d", self.cluster.admin_url, "-S", "archive")
        run("pg_receivewal", *words, "--create-slot")
        receiver = subprocess.Popen(
            [
                binaries.installed() / "pg_receivewal",
                *(*words, "-D", self.wal, "--no-loop", "--synchronous"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            self._until(lambda: any(self.wal.iterdir()), receiver)
            yield
            with psycopg.connect(self.cluster.admin_url, autocommit=True) as admin:
                row = admin.execute(
                    "SELECT pg_walfile_name(pg_current_wal_lsn()), pg_switch_wal()"
                ).fetchone()
                assert row is not None
                last = self.wal / str(row[0])
                self._until(last.exists, receiver)
        finally:
            receiver.send_signal(signal.SIGINT)
            receiver.communicate()

    def take_base(self) -> None:
        """A base backup, without the log that it needs: that is archived."""
        words = ("-D", self.base, "-X", "none", "-c", "fast", "--no-sync")
        run("pg_basebackup", "-d", self.cluster.admin_url, *words)

    @staticmethod
    def _until(condition, receiver: subprocess.Popen[bytes]) -> None:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert receiver.poll() is None, receiver.communicate()[1].decode()
            assert time.monotonic() < deadline, "the log is not archived"
            time.sleep(0.02)

    @contextmanager
    def restored(self, home: Path, *, to: datetime | None) -> Iterator[Cluster]:
        """A server in `home` as everything was at the moment `to`, or at the end of the log."""
        location = layout.choose_location(layout.make_control(home.resolve()), fast=True)
        shutil.copytree(self.base, location.data)
        (location.data / "recovery.signal").touch()
        lines = [f'restore_command = \'cp "{self.wal}/%f" "%p"\'']
        if to is not None:
            lines.append(f"recovery_target_time = '{to.isoformat()}'")
            lines.append("recovery_target_action = 'promote'")
        with (location.data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")
        if location.account.switch:
            for folder, _, names in os.walk(location.data):
                for path in (Path(folder), *(Path(folder, name) for name in names)):
                    os.chown(path, location.account.uid, location.account.gid)
            for path in self.wal.iterdir():
                path.chmod(0o644)
        location.data.chmod(0o700)
        server = embedded.acquire(home, fast=True)
        try:
            _wait_for_promotion(server.admin_url)
            yield Cluster(server.admin_url, server.app_url, server.owner_url)
        finally:
            server.release()
            embedded.destroy(home)


def _wait_for_promotion(url: str) -> None:
    """A server answers as a standby first, while it still reads the log."""
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(url, autocommit=True) as admin:
        while admin.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            assert time.monotonic() < deadline, "it is not promoted"
            time.sleep(0.02)
