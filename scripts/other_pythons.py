"""The transport, signing and crypto tests on every further Python from 3.11 on that is here.

What a standard library decides by itself (TLS, sockets, event loops) differs between Pythons, and
an installation runs the one of its host. `.ci/run` calls this before `make test`.

Looked for on the PATH and among pyenv's versions; one of each minor version is enough, and the one
that runs `make test` is not asked again. Each gets an environment under `.privata/pythons`, kept
from run to run and made anew when the locks change. A Python for which none can be made (a lock
without a wheel for it, no network) is named and is no failure; a test that fails is one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".privata" / "pythons"
LOCKS = ("build.txt", "run.txt", "dev.txt")
OLDEST = (3, 11)

#: The Python of `make test`, where it has been made.
USUAL = ROOT / ".venv" / "bin" / "python"

#: What depends on the standard library's TLS, sockets, loops and hashes. No database, no browser.
TESTS = (
    "src/privata/infra/tests/test_sealing.py",
    "src/privata/accounts/tests/test_totp.py",
    "src/privata/payouts/tests/test_signatures.py",
    "src/privata/webhooks/transport/tests/test_address_table.py",
    "src/privata/webhooks/transport/tests/test_guard.py",
    "src/privata/webhooks/transport/tests/test_resolver.py",
    "src/privata/webhooks/signing/tests/test_debugger.py",
    "src/privata/webhooks/signing/tests/test_signatures.py",
    "src/privata/webhooks/transport/tests/test_transport*.py",
    "src/privata/webhooks/transport/tests/test_reachability.py",
    "tests/contracts/test_standard_webhooks.py",
)

#: Seconds for making one environment, and for the tests of one Python.
MAKING_S = 600
TESTING_S = 600

_NAME = re.compile(r"python3\.(\d+)")
_ASK = "import sys; print(*sys.version_info[:2], sys.implementation.name)"

Version = tuple[int, int]


def main() -> int:
    """Run them all; 1 when a test failed."""
    usual = version_of(USUAL if USUAL.exists() else Path(sys.executable))
    found = {version: path for version, path in pythons().items() if version != usual}
    ran: list[str] = []
    without: list[str] = []
    failed: list[str] = []
    for version, path in sorted(found.items()):
        name = ".".join(map(str, version))
        python = environment(version, path)
        if python is None:
            without.append(name)
        else:
            (ran if tested(python) else failed).append(name)
    print(f"Transport, signing and crypto tests: passed on {spoken(ran)}", end="")
    print(f"; FAILED on {spoken(failed)}" if failed else "", end="")
    print(f"; NOT RUN on {spoken(without)}: see above" if without else "", end="")
    print(f". make test runs on {spoken(['.'.join(map(str, usual or OLDEST))])}.", flush=True)
    return 1 if failed else 0


def pythons() -> dict[Version, Path]:
    """One interpreter of each minor version; pyenv's own ones come before the PATH's."""
    found: dict[Version, Path] = {}
    for path in candidates():
        version = version_of(path)
        if version is not None and version >= OLDEST:
            found.setdefault(version, path)
    return found


def candidates() -> Iterator[Path]:
    """Where interpreters may be, those that only pass a call on (pyenv's shims) last."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(versions.glob("3.*/bin/python3"), reverse=True)
    for folder in os.get_exec_path():
        yield from sorted(path for path in Path(folder).glob("python3.*") if named(path))


def named(path: Path) -> bool:
    """Whether a file of the PATH is called like an interpreter that is new enough."""
    match = _NAME.fullmatch(path.name)
    return match is not None and int(match[1]) >= OLDEST[1]


def version_of(path: Path) -> Version | None:
    """The version an interpreter says it is; None when it does not run or is no CPython."""
    try:
        asked = subprocess.run(
            [path, "-c", _ASK], check=True, capture_output=True, text=True, timeout=60
        )
        major, minor, implementation = asked.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return (int(major), int(minor)) if implementation == "cpython" else None


def environment(version: Version, path: Path) -> Path | None:
    """The interpreter of an environment with our locks in it; None, and why, when none can be."""
    name = ".".join(map(str, version))
    folder = HOME / name
    python = folder / "bin" / "python"
    stamp = folder / "made-of"
    state = fingerprint(path)
    if stamp.is_file() and stamp.read_text() == state and version_of(python) == version:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"Making an environment of Python {name} in {folder.relative_to(ROOT)} ...", flush=True)
    # Not compiled: most of it is never imported by these tests.
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    locks = [part for lock in LOCKS for part in ("-r", ROOT / "requirements" / lock)]
    steps: tuple[list[str | Path], ...] = (
        [path, "-m", "venv", folder],
        [*install, "--require-hashes", "--only-binary", ":all:", *locks],
        [*install, "--no-build-isolation", "--no-deps", "--no-index", "--editable", ROOT],
    )
    for step in steps:
        try:
            done = subprocess.run(
                step, check=False, capture_output=True, text=True, timeout=MAKING_S
            )
        except (OSError, subprocess.SubprocessError) as error:
            problem = str(error)
        else:
            if done.returncode == 0:
                continue
            problem = (done.stderr or done.stdout).strip()
        print(f"Python {name} NOT RUN: its environment cannot be made.\n{problem[-2000:]}")
        shutil.rmtree(folder, ignore_errors=True)
        return None
    stamp.write_text(state)
    return python


def fingerprint(path: Path) -> str:
    """What an environment is made of: an interpreter and the locks."""
    digest = hashlib.sha256(str(path.resolve()).encode())
    for lock in LOCKS:
        digest.update((ROOT / "requirements" / lock).read_bytes())
    return digest.hexdigest()


def tested(python: Path) -> bool:
    """Whether the tests pass under this interpreter."""
    files = [
        str(path.relative_to(ROOT)) for pattern in TESTS for path in sorted(ROOT.glob(pattern))
    ]
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    try:
        return subprocess.run(command, check=False, cwd=ROOT, timeout=TESTING_S).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"The tests did not end within {TESTING_S} s.")
        return False


def spoken(names: list[str]) -> str:
    """Versions in a sentence."""
    return "Python " + ", ".join(names) if names else "no further Python"


if __name__ == "__main__":
    sys.exit(main())
