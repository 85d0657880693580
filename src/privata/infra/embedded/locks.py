"""Advisory locks on files (flock): the kernel drops them when their last holder dies.

Four files of a home carry all agreement between programs, always taken in this order:

    start.lock    exclusive while somebody builds, starts, stops or removes the server
    users.lock    shared by every program that uses the server, for its whole life
    supervisor.lock  exclusive by the supervisor, for its whole life
    server.lock   exclusive by the processes of PostgreSQL themselves, which inherit it

The last one is why no process id has to be trusted: while it is taken, something of the old
server still lives, be it a forgotten backend or a server in another container on the same files;
once it is free, a leftover `postmaster.pid` is certainly stale.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from privata.core.errors import StartupError

#: Seconds between two tries where the kernel offers no wait with a time limit.
POLL_S = 0.01


class Lock:
    """A lock file, open and not yet locked; one instance is one holder, also within a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd: int | None = os.open(path, flags, 0o600)

    @property
    def fd(self) -> int:
        """The descriptor, to be inherited by a process that shall hold the lock as well."""
        if self._fd is None:
            raise ValueError(f"{self.path} is closed")
        return self._fd

    def current(self) -> bool:
        """Whether the path still names this file: a removed home takes its locks with it."""
        try:
            return os.path.samestat(os.fstat(self.fd), self.path.stat())
        except FileNotFoundError:
            return False

    def try_exclusive(self) -> bool:
        """Take the lock alone if nobody else has it; True when taken."""
        import fcntl

        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def exclusive(self) -> None:
        """Take the lock alone, however long that takes."""
        import fcntl

        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def exclusive_before(self, deadline: float) -> None:
        """Take the lock alone until `deadline` (monotonic seconds), or raise StartupError."""
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                raise StartupError(
                    f"another program has been starting or stopping the embedded PostgreSQL for "
                    f"too long: it holds {self.path}"
                )
            time.sleep(POLL_S)

    def shared(self) -> None:
        """Take the lock together with other sharers; waits while somebody has it alone."""
        import fcntl

        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def unlock(self) -> None:
        """Give the lock back for every holder of this descriptor, children included."""
        import fcntl

        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Stop holding; a child that inherited the descriptor goes on holding the lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
