"""As root and as an ordinary user, in homes that others can enter or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from privata.infra.embedded import acquire, binaries, destroy, layout, osuser
from privata.infra.embedded.tests.conftest import (
    NOBODY,
    Program,
    ask,
    data_of,
    eventually,
    in_use,
)

ROOT = os.geteuid() == 0


@pytest.mark.parametrize("name", ["plain", "with space, comma", "quo'te\"s $HOME `id` %41 ü"])
def test_any_name_of_a_home(name: str, fresh_home: Path) -> None:
    with acquire(fresh_home / name, fast=True) as server:
        assert ask(server.owner_url, "SELECT current_user") == "privata_owner"
    eventually(lambda: not in_use(fresh_home / name))
    destroy(fresh_home / name)


def test_an_ordinary_user(open_directory: Path, program: Callable[..., Program]) -> None:
    home = open_directory / "home"
    one = program(home, ordinary=True)
    assert one.said["socket"] == str(home / "postgres" / "run")
    assert data_of(home).stat().st_uid == (NOBODY if ROOT else os.geteuid())
    assert ask(one.said["url"], "SELECT 1") == 1
    one.end()
    eventually(lambda: not in_use(home))


def test_a_home_that_other_users_can_enter_keeps_everything(open_directory: Path) -> None:
    home = open_directory / "home"
    with acquire(home, fast=True) as server:
        assert ask(server.owner_url, "SELECT 1") == 1
        data = home / "postgres" / "data"
        assert data.stat().st_mode & 0o777 == 0o700
        assert data.stat().st_uid != 0
        assert (data.stat().st_uid != os.geteuid()) == ROOT
        assert not (home / "postgres" / "location").exists()
    eventually(lambda: not in_use(home))
    destroy(home)


def test_a_home_that_other_users_cannot_enter(
    open_directory: Path, program: Callable[..., Program]
) -> None:
    """Run by root, its data go to the state directory; otherwise nothing is special about it."""
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    state = open_directory / "state"
    words = (closed / "home", "--durable", "--state-root", str(state))
    one = program(*words)
    ask(one.said["url"], "CREATE TABLE kept AS SELECT 42 AS value")
    one.end()
    eventually(lambda: not in_use(closed / "home"))
    expected = state if ROOT else closed / "home"
    assert data_of(closed / "home").is_relative_to(expected)
    two = program(*words)
    assert ask(two.said["url"], "SELECT value FROM kept") == 42
    two.end()
    eventually(lambda: not in_use(closed / "home"))
    destroy(closed / "home")


def test_a_copy_of_the_programs_runs(tmp_path: Path) -> None:
    programs = binaries.installed()
    binaries._copy(programs.parent, tmp_path / "kept")
    copied = tmp_path / "kept" / programs.relative_to(programs.parents[2])
    account = osuser.Account(os.geteuid(), os.getegid(), switch=False)
    assert account.can_run(copied / "postgres")
    assert account.can_run(copied / "initdb")


def test_which_paths_fit_a_socket() -> None:
    room = layout.MAX_SOCKET_PATH - len(f"//{layout.SOCKET_NAME}")
    assert layout.fits_socket(Path("/" + "x" * room))
    assert not layout.fits_socket(Path("/" + "x" * (room + 1)))
    assert not layout.fits_socket(Path("/" + "ü" * (room // 2 + 1)))
    assert not layout.fits_socket(Path("/a,b"))
