"""Where the parts of a home lie.

    HOME/postgres/            locks, `server.log`, `supervisor.log`
    HOME/postgres/data        the data directory, owned by PostgreSQL's OS user, mode 0700
    HOME/postgres/run         the directory of the socket, likewise
    HOME/postgres/location    only when data and run are elsewhere: where

Two things can push a part out of the home:

- Run by root, PostgreSQL works as another OS user, who cannot enter a home below, say, /root
  (mode 0700). Then data and run go to a directory of their own in /var/lib/privata, the place
  for data of system services, and `location` names it. Opening the way instead (mode bits, ACLs, a
  capability that overrules them) would weaken what somebody closed on purpose, and containers
  commonly lack the capability. Throwaway servers (`fast`) go to the temporary directory.
- The path of a Unix socket is short (107 bytes on Linux) and cannot hold a comma, which separates
  hosts in a URL. Then the socket goes to a private directory with a short name in /tmp. No file
  names it: the running server's lock file does.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from privata.core.errors import StartupError
from privata.infra.embedded import binaries, osuser
from privata.infra.embedded.osuser import Account

#: The port is part of the socket's file name; nothing listens on a network.
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"

#: Bytes of a socket's path, without the final NUL (sun_path in unix(7); 104 with it on macOS).
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103

_TEMPORARY_PREFIX = "privata-"


@dataclass(frozen=True, slots=True)
class Location:
    """Where one home's server lives, and as whom."""

    control: Path
    root: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.control / "server.log"


def control_of(home: Path) -> Path:
    """The directory of locks and log in `home`."""
    return home / "postgres"


def make_control(home: Path) -> Path:
    """Make the home and its control directory; others may pass through only for root's sake."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    control = control_of(home)
    for directory in (home, control):
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            if not directory.is_dir():
                raise
        else:
            directory.chmod(mode)
    return control


def root_of(control: Path) -> Path:
    """The directory that holds data and run of this home."""
    try:
        return Path((control / "location").read_text().strip())
    except FileNotFoundError:
        return control


def choose_location(control: Path, *, fast: bool) -> Location:
    """Decide where the data are or will be; the caller holds the start lock.

    Raises StartupError when the place cannot be used, OSError when it cannot be made.
    """
    root = root_of(control)
    if (root / "data").exists():
        account = osuser.for_data(root / "data")
        if account.switch and not account.reaches(root):
            raise StartupError(
                f"the OS user with id {account.uid}, who runs the database in {root}, cannot enter "
                f"that directory any more; let others pass (chmod a+x) on the way to it"
            )
        return Location(control, root, account)
    if root != control and not root.is_dir() and not fast:
        raise StartupError(
            f"the database of {control.parent} was kept in {root}, which is gone; bring it back, "
            f"or remove {control / 'location'} to begin anew"
        )
    account = osuser.for_new_data()
    if root != control and root.is_dir():
        return Location(control, root, account)
    if account.switch and not account.reaches(control):
        root = _make_root(control, fast=fast)
    return Location(control, root, account)


def _make_root(control: Path, *, fast: bool) -> Path:
    if fast:
        root = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX, dir="/tmp"))
    else:
        binaries.make_state_root()
        root = binaries.STATE_ROOT / secrets.token_hex(8)
        root.mkdir()
    root.chmod(0o711)
    written = control / "location.new"
    with written.open("w") as file:
        file.write(f"{root}\n")
        file.flush()
        os.fsync(file.fileno())
    written.rename(control / "location")
    return root


def fits_socket(directory: Path) -> bool:
    """Whether a socket in `directory` has a path the kernel and a URL can hold."""
    path = directory / SOCKET_NAME
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH and "," not in str(path)


def make_socket_directory(location: Location, earlier: Path | None) -> Path:
    """The private directory for the socket; `earlier` is the one the last server used, if known.

    Raises StartupError when no directory with a short path can be had.
    """
    own = location.root / "run"
    if fits_socket(own):
        own.mkdir(exist_ok=True)
        location.account.own(own)
        return own
    if earlier is not None and fits_socket(earlier) and _is_private(earlier, location.account):
        return earlier
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - random
        if not fits_socket(Path(base, _TEMPORARY_PREFIX + "x" * 8)):
            continue
        if location.account.switch and not location.account.reaches(Path(base)):
            continue
        with contextlib.suppress(PermissionError, FileNotFoundError):
            made = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX, dir=base))
            location.account.own(made)
            return made
    raise StartupError(
        f"the path of {location.control.parent} is too long for a Unix socket ({MAX_SOCKET_PATH} "
        f"bytes), and /tmp cannot be used instead; set PRIVATA_HOME to a shorter path"
    )


def remove_socket_directory(directory: Path, root: Path) -> None:
    """Remove a socket directory outside of the home, once its server has stopped and left it."""
    if directory != root / "run" and directory.name.startswith(_TEMPORARY_PREFIX):
        # Not empty or gone: then there is something else in it, or somebody was faster.
        with contextlib.suppress(OSError):
            directory.rmdir()


def _is_private(directory: Path, account: Account) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    closed = not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and closed
