"""The process that stops a server after its last user has ended, even by SIGKILL.

Run as `python -m privata.infra.embedded.supervisor CONTROL FD`, where FD is the supervisor's lock,
held and inherited. It waits for the users' lock, which it gets when no program holds it any more.
A program may come at that moment; so it looks again under the start lock before it acts, and
whoever comes after that waits for the start lock and starts the server anew.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from privata.infra.embedded import layout, postmaster
from privata.infra.embedded.locks import Lock


def supervise(control: Path, supervisor_fd: int) -> None:
    """Wait until the server has no user, stop it, and return.

    Raises StartupError when the server does not stop, OSError when the files are out of reach.
    """
    with Lock(control / "start.lock") as start, Lock(control / "users.lock") as users:
        while True:
            users.exclusive()
            users.unlock()
            start.exclusive()
            if users.try_exclusive():
                break
            start.unlock()
        # Another home may have the path by now, with a server and a supervisor of its own.
        try:
            named = (control / "supervisor.lock").stat()
        except FileNotFoundError:
            named = None
        if named is not None and os.path.samestat(named, os.fstat(supervisor_fd)):
            postmaster.stop(control, layout.root_of(control) / "data")
        # Before the start lock: whoever takes that next has to see that it needs a new supervisor.
        os.close(supervisor_fd)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), int(sys.argv[2]))
