"""Programs that some samples are run with; without one, its tests are left out and that is said."""

from __future__ import annotations

import shutil

import pytest

_PROGRAMS = {"curl_program": "curl", "node_program": "node"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of a program that is not there."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for fixture, program in _PROGRAMS.items():
        needy = [item for item in items if fixture in getattr(item, "fixturenames", ())]
        if not needy or shutil.which(program):
            continue
        items[:] = [item for item in items if item not in needy]
        config.hook.pytest_deselected(items=needy)
        if reporter is not None:
            reporter.write_line(f"No {program} found: {len(needy)} tests of its samples not run")


@pytest.fixture
def curl_program() -> str:
    """Path of curl."""
    return shutil.which("curl") or ""


@pytest.fixture
def node_program() -> str:
    """Path of Node."""
    return shutil.which("node") or ""
