"""The OS user PostgreSQL runs as.

PostgreSQL refuses to run as root. An ordinary user runs it as himself; root runs it as the owner
of the data directory once there is one, and otherwise as a system user made for it. Where no such
user can be made (no `useradd`, read-only /etc) `nobody` serves, which every system has: `initdb`
insists on a user with an entry in the password database.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from privata.core.errors import StartupError

_USERADD = (
    *("--system", "--no-create-home", "--home-dir", "/nonexistent"),
    *("--shell", "/usr/sbin/nologin", "--comment", "Privata database"),
)

log = logging.getLogger(__name__)

#: The system user that is made on machines where Privata runs as root.
NAME = "privata-db"

#: The whole environment of PostgreSQL's programs: no PG* variable of the caller may change them,
#: and their messages have to be in English to be understood in `failures`.
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of an OS user; `switch` says that a process has to become it first."""

    uid: int
    gid: int
    switch: bool

    def run(
        self,
        command: Sequence[str | Path],
        *,
        output: int = subprocess.DEVNULL,
        keep: Sequence[int] = (),
        stdin: str = "",
        timeout: float | None = 30.0,
    ) -> int:
        """Run a program as this user, in `/`, in its own session; its exit code.

        `keep` lists the only descriptors it inherits besides its output. Raises OSError when the
        program cannot be executed and subprocess.TimeoutExpired after `timeout` seconds.
        """
        return subprocess.run(
            [os.fspath(word) for word in command],
            input=stdin.encode(),
            stdout=output,
            stderr=output,
            cwd="/",
            env=ENVIRONMENT,
            pass_fds=tuple(keep),
            start_new_session=True,
            timeout=timeout,
            check=False,
            umask=0o077,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        ).returncode

    def reaches(self, directory: Path) -> bool:
        """Whether this user can enter `directory`; tried, since mode bits do not tell it all."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]) == 0

    def can_run(self, program: Path) -> bool:
        """Whether this user can execute `program`, its libraries included."""
        try:
            return self.run([program, "--version"]) == 0
        except PermissionError:
            return False

    def own(self, directory: Path) -> None:
        """Give a directory to this user, closed to everybody else; a symbolic link is refused."""
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if self.switch:
                os.fchown(fd, self.uid, self.gid)
            os.fchmod(fd, 0o700)
        finally:
            os.close(fd)


def for_data(data: Path) -> Account:
    """The user who runs the existing data directory `data`: its owner.

    Raises StartupError when we are neither that user nor root.
    """
    found = data.stat()
    if os.geteuid() == 0:
        return Account(found.st_uid, found.st_gid, switch=True)
    if found.st_uid != os.geteuid():
        raise StartupError(
            f"the database in {data} belongs to the OS user with id {found.st_uid}, not to this "
            f"one ({os.geteuid()}); run Privata as that user or as root, or set PRIVATA_HOME"
        )
    return Account(os.geteuid(), os.getegid(), switch=False)


def for_new_data() -> Account:
    """The user who will own a new data directory; as root, makes that user when there is none.

    Raises StartupError where no suitable user exists.
    """
    import pwd

    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise StartupError(
                f"this OS user (id {os.geteuid()}) has no entry in /etc/passwd, without which "
                f"PostgreSQL does not create a database; add one, or set PRIVATA_DATABASE_URL"
            ) from None
        return Account(os.geteuid(), os.getegid(), switch=False)
    for make in (False, True):
        if make:
            _make_user()
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StartupError(
            "PostgreSQL does not run as root, and there is no other OS user for it: add one named "
            f"{NAME}, or set PRIVATA_DATABASE_URL"
        ) from None
    log.warning("the embedded PostgreSQL runs as the OS user nobody: %s could not be made", NAME)
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _make_user() -> None:
    useradd = shutil.which("useradd", path=ENVIRONMENT["PATH"])
    if useradd is None:
        return
    made = subprocess.run(
        [useradd, *_USERADD, NAME],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        log.info("useradd %s: %s", NAME, made.stderr.strip())
