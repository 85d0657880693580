"""Find a Chromium for the browser tests, or fetch one: Playwright's, else the system's package.

`make test` runs this first. It never fails: where neither works it says so, the browser tests are
skipped, and the last line of the run counts them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.chromium import FETCHED, NO_CHROMIUM, find_chromium

#: Seconds a way of fetching may take.
PATIENCE_S = 300

_PACKAGE = "chromium-headless-shell"


def main() -> None:
    """Leave a Chromium where the tests look for one, if that is possible."""
    if find_chromium():
        return
    print("No Chromium found for the browser tests; fetching one ...", flush=True)
    if _from_playwright() or _from_the_system():
        print(f"The browser tests use {find_chromium()}.")
    else:
        print(f"The browser tests will be skipped: {NO_CHROMIUM}.")


def _from_playwright() -> bool:
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    fetched = _run(command, PLAYWRIGHT_BROWSERS_PATH=str(FETCHED))
    path = find_chromium()
    if fetched and path and _run([path, "--version"]):
        return True
    shutil.rmtree(FETCHED, ignore_errors=True)  # one that lacks a library would be found again
    return False


def _from_the_system() -> bool:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], **quiet)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    return any(
        _run([*install, package], **quiet) and find_chromium() is not None
        for package in (_PACKAGE, "chromium")
    )


def _run(command: list[str], **environment: str) -> bool:
    try:
        done = subprocess.run(
            command,
            check=False,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()
