"""What is built once for many runs is whole, or it is built again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters import built_once


class Builder:
    """Makes a directory with a file in it, and counts."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self, into: Path) -> None:
        into.mkdir()
        (into / "file").write_text("whole")
        self.built += 1


def test_it_is_built_once(tmp_path: Path) -> None:
    build = Builder()
    for _ in range(2):
        with built_once(tmp_path / "kept", "state", build) as made:
            assert (made / "file").read_text() == "whole"
    assert build.built == 1


def test_another_state_of_the_sources_has_its_own_and_takes_the_place(tmp_path: Path) -> None:
    build = Builder()
    for name in ("before", "after"):
        with built_once(tmp_path, name, build):
            pass
    assert build.built == 2
    assert {path.name for path in tmp_path.iterdir()} == {"after", "lock"}


def test_what_was_half_built_is_never_used(tmp_path: Path) -> None:
    def fail(into: Path) -> None:
        into.mkdir()
        raise OSError

    with pytest.raises(OSError), built_once(tmp_path, "state", fail):
        raise AssertionError
    build = Builder()
    with built_once(tmp_path, "state", build) as made:
        assert (made / "file").read_text() == "whole"
    assert build.built == 1
