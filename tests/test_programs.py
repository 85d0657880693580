"""A forked program is like a started one: its own settings, signals, output and exit code."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import programs

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")}


def test_each_has_the_settings_of_its_own_environment() -> None:
    for url in ("https://one.example", "https://two.example"):
        ended = programs.run("privata", "openapi", env=PLAIN | {"PRIVATA_PUBLIC_URL": url})
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f'"{url}' in ended.stdout


def test_the_exit_code_and_what_it_says_arrive() -> None:
    ended = programs.run("privata", "nonsense", env=PLAIN)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "No such command 'nonsense'" in ended.stderr
    ended = programs.run("privata", "openapi", env=PLAIN | {"PRIVATA_PORT": "eighty"})
    assert ended.returncode == 1
    assert ended.stderr.startswith('privata: PRIVATA_PORT is "eighty". It must be ')


def test_a_signal_ends_it_and_is_told() -> None:
    program = programs.start("tests.waiting", env=PLAIN)
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.01)
    assert program.poll() is None
    program.kill()
    assert program.wait(60) == -signal.SIGKILL
    assert program.poll() == -signal.SIGKILL
    program.terminate()  # nothing is left to end


def test_one_that_pythons_own_variables_concern_is_started_by_them(tmp_path: Path) -> None:
    (tmp_path / "only_here.py").write_text("print('found')")
    ended = programs.run("only_here", env=PLAIN | {"PYTHONPATH": str(tmp_path)})
    assert (ended.returncode, ended.stdout) == (0, "found\n")
