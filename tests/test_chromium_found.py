"""Every test, from nothing, includes the browser: found, fetched, or counted as not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import find_chromium

_ROOT = Path(__file__).parents[1]


def program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return str(path)


def test_where_a_chromium_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named one wins over one on PATH, and that over a fetched one; of those the newest."""
    monkeypatch.delenv("PRIVATA_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    fetched = tmp_path / "browsers"
    assert find_chromium(fetched) is None
    for version in ("1254", "1255"):
        newest = program(
            fetched / f"chromium_headless_shell-{version}" / "linux" / "chrome-headless-shell"
        )
    assert find_chromium(fetched) == newest
    on_path = program(tmp_path / "bin" / "chromium")
    assert find_chromium(fetched) == on_path
    monkeypatch.setenv("PRIVATA_CHROMIUM", "/opt/chrome")
    assert find_chromium(fetched) == "/opt/chrome"


def test_the_last_line_counts_browser_tests_that_did_not_run(tmp_path: Path) -> None:
    kept = {n: v for n, v in os.environ.items() if n not in {"PATH", "PRIVATA_CHROMIUM"}}
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/browser/test_docs.py",
        ],
        cwd=_ROOT,
        env=kept | {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = ran.stdout.strip().splitlines()
    assert ran.returncode == 0, ran.stdout
    assert "skipped" in lines[-1]
    assert "passed" not in lines[-1]
    assert any("no Chromium found" in line for line in lines)
