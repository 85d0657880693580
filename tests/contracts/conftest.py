"""Programs that some samples are run with; without one, its tests are skipped."""

from __future__ import annotations

import shutil

import pytest

_PROGRAMS = {"curl_program": "curl", "node_program": "node"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of a program that is not there."""
    for fixture, program in _PROGRAMS.items():
        if shutil.which(program):
            continue
        for item in items:
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=f"no {program} found"))


@pytest.fixture
def curl_program() -> str:
    """Path of curl."""
    return shutil.which("curl") or ""


@pytest.fixture
def node_program() -> str:
    """Path of Node."""
    return shutil.which("node") or ""
