"""PgBouncer in transaction mode before the database of a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.faults.programs import free_port

#: What docs/database.md tells to set.
_IGNORED = (
    "extra_float_digits, options, jit, intervalstyle, statement_timeout, lock_timeout,"
    " idle_in_transaction_session_timeout, plan_cache_mode, enable_seqscan, enable_bitmapscan,"
    " enable_hashjoin, enable_mergejoin,"
    " enable_sort"
)

_CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 20
ignore_startup_parameters = {ignored}
"""


#: Generous: the machine may be busy.
START_S: Final = 60.0


def program() -> str | None:
    """Where PgBouncer is; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _await_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.02)
    raise AssertionError(f"PgBouncer does not listen: {log.read_text()}")


@contextmanager
def pooled(url: str, log: Path) -> Iterator[str]:
    """The database at `url` through a pooler, gone after the block."""
    found = program()
    assert found is not None, "PgBouncer is not installed (apt-get install pgbouncer)"
    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    host, port = query["host"][0], query.get("port", ["5432"])[0]
    # Only the server's own user may enter the directory of its socket.
    owner = Path(host).stat()
    listen_port = free_port()
    with tempfile.TemporaryDirectory(prefix="privata-pooler-") as made, log.open("wb") as output:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "users").write_text('"privata_app" ""\n"privata_owner" ""\n')
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(
                host=host, port=port, listen_port=listen_port, folder=folder, ignored=_IGNORED
            )
        )
        process = subprocess.Popen(
            [found, str(configuration)],
            stdout=output,
            stderr=output,
            user=owner.st_uid if os.geteuid() == 0 else None,
            group=owner.st_gid if os.geteuid() == 0 else None,
        )
        try:
            _await_listening(listen_port, process, log)
            yield f"postgresql://{parts.username}@127.0.0.1:{listen_port}{parts.path}?sslmode=disable"
        finally:
            process.terminate()
            process.wait()
