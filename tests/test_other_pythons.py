"""The script with which CI asks every further Python: what it runs, what it says if it cannot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with nothing to find but what a test puts into `tmp_path`."""
    spec = importlib.util.spec_from_file_location(
        "other_pythons", ROOT / "scripts" / "other_pythons.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "HOME", ROOT / ".privata" / "pythons-of-tests" / tmp_path.name)
    return module


def _interpreter(path: Path, version: str, *, fails: bool = False) -> None:
    """A program that answers for its version and, as an interpreter, does nothing or fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'#!/bin/sh\ncase "$1" in -c) echo "{version}";; '
        f"*) echo 'no such wheel' >&2; exit {int(fails)};; esac\n"
    )
    path.chmod(0o755)


def test_ci_asks_before_the_line_of_make_test_and_every_file_it_names_is_there(
    script: ModuleType,
) -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == "make test"
    assert any("scripts/other_pythons.py" in line for line in lines[:-1])
    for pattern in script.TESTS:
        assert list(ROOT.glob(pattern)), pattern


def test_one_of_each_version_and_none_that_is_too_old_or_another_kind(
    script: ModuleType, tmp_path: Path
) -> None:
    _interpreter(tmp_path / "pyenv/versions/3.13.0/bin/python3", "3 13 cpython")
    _interpreter(tmp_path / "python3.13", "3 13 cpython")
    _interpreter(tmp_path / "python3.12", "3 12 cpython")
    _interpreter(tmp_path / "python3.10", "3 10 cpython")
    _interpreter(tmp_path / "python3.14", "3 14 pypy")
    (tmp_path / "python3.15").write_text("no program")
    assert script.pythons() == {
        (3, 13): tmp_path / "pyenv/versions/3.13.0/bin/python3",
        (3, 12): tmp_path / "python3.12",
    }


def test_a_python_without_an_environment_is_named_and_fails_nothing(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _interpreter(tmp_path / "python3.99", "3 99 cpython", fails=True)
    assert script.main() == 0
    said = capsys.readouterr().out
    assert "Python 3.99 NOT RUN: its environment cannot be made.\nno such wheel" in said
    assert "passed on no further Python; NOT RUN on Python 3.99" in said


def test_a_test_that_fails_is_a_failure(
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(script, "pythons", lambda: {(3, 99): Path(sys.executable)})
    monkeypatch.setattr(script, "environment", lambda *_: Path(sys.executable))
    broken = tmp_path / "test_broken.py"
    broken.write_text("def test_it() -> None:\n    raise AssertionError\n")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "TESTS", (broken.name,))
    assert script.main() == 1
    assert "FAILED on Python 3.99" in capsys.readouterr().out
