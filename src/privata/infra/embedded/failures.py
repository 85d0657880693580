"""One clear line out of what PostgreSQL logged or the operating system answered."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from privata.core.errors import StartupError

#: No room: a full disk, a used-up quota, a limit on the size of files.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ENTRY = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ENOENT)

_COMPLAINT = re.compile(r"\b(?:FATAL|PANIC|error|could not)\b[: ]+(?P<said>.*)")
_HINT = re.compile(r"\bHINT:\s+(?P<said>.*)")

_SHORT_WRITE = "Check free disk space"
_LEAST_FREE_BYTES = 1_000_000


def from_log(text: str, *, doing: str, data: Path, log: Path) -> StartupError:
    """The error for a program of PostgreSQL that gave up while `doing` something.

    `text` is what it wrote to `log` meanwhile, with LC_ALL=C.
    """
    full = [os.strerror(number) for number in _NO_ROOM if os.strerror(number) in text]
    # A write cut short has no error number, and a full disk no room for a complaint.
    if not full and (_SHORT_WRITE in text or _free_bytes(data.parent) < _LEAST_FREE_BYTES):
        full = [os.strerror(errno.ENOSPC)]
    if full:
        return StartupError(f"{doing} failed: no room for {data} ({full[0]}); the log is {log}")
    said = [match["said"] for match in _COMPLAINT.finditer(text)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = said[-1].strip() if said else (lines[-1] if lines else "it wrote nothing")
    hint = _HINT.search(text)
    if hint:
        reason = f"{reason} ({hint['said'].strip()})"
    return StartupError(f"{doing} failed: {reason}; the log is {log}")


def _free_bytes(directory: Path) -> int:
    try:
        found = os.statvfs(directory)
    except OSError:
        return _LEAST_FREE_BYTES
    return found.f_bavail * found.f_frsize


@contextlib.contextmanager
def as_startup_error(home: Path) -> Iterator[None]:
    """Turn what the operating system refuses under `home` into a StartupError."""
    try:
        yield
    except OSError as error:
        where = error.filename or home
        if isinstance(where, bytes):
            where = os.fsdecode(where)
        if error.errno in _NO_ROOM:
            message = f"no room for the embedded PostgreSQL at {where}: {error.strerror}"
        elif error.errno in _NO_ENTRY:
            message = (
                f"cannot keep the embedded PostgreSQL in {home}: {where}: {error.strerror}; "
                f"set PRIVATA_HOME to a directory you may write, or PRIVATA_DATABASE_URL"
            )
        else:
            message = f"cannot run the embedded PostgreSQL in {home}: {where}: {error.strerror}"
        raise StartupError(message) from error
