"""Starts that cannot go on, and the line they end with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from privata.core.errors import StartupError
from privata.infra.embedded import acquire, destroy, failures
from privata.infra.embedded.tests.conftest import Program, data_of, eventually, in_use


def _refusal(home: Path) -> str:
    with pytest.raises(StartupError) as refused:
        acquire(home, fast=True)
    assert "\n" not in refused.value.message
    return refused.value.message


def test_a_data_directory_of_another_major_version(fresh_home: Path) -> None:
    acquire(fresh_home, fast=True).release()
    eventually(lambda: not in_use(fresh_home))
    (data_of(fresh_home) / "PG_VERSION").write_text("16\n")
    assert "is of PostgreSQL 16, and this is PostgreSQL 18" in _refusal(fresh_home)


def test_a_directory_that_is_no_database(fresh_home: Path) -> None:
    data = fresh_home / "postgres" / "data"
    data.mkdir(parents=True)
    assert "is not a data directory of PostgreSQL" in _refusal(fresh_home)


@pytest.mark.parametrize("parent", ["/proc", "file"])
def test_a_home_that_cannot_be_made(parent: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = _refusal(tmp_path / parent / "privata-home")
    assert said.startswith("cannot keep the embedded PostgreSQL in")
    assert "set PRIVATA_HOME" in said


def test_a_home_the_user_may_not_write(
    open_directory: Path, program: Callable[..., Program]
) -> None:
    home = open_directory / "home"
    home.mkdir()
    home.chmod(0o555)
    said = program(home, ordinary=True).said["error"]
    assert said.startswith(f"cannot keep the embedded PostgreSQL in {home}")
    assert "Permission denied" in said


def test_no_room(fresh_home: Path, program: Callable[..., Program]) -> None:
    """A limit on the size of files stands for the full disk: it needs no rights to set up."""
    said = program(fresh_home, "--largest-file", "2000000").said["error"]
    assert "creating the database failed: no room for" in said
    assert str(fresh_home / "postgres" / "server.log") in said
    eventually(lambda: not in_use(fresh_home))
    with acquire(fresh_home, fast=True) as server:
        assert server.socket_directory.exists()


def test_no_room_on_a_later_start(fresh_home: Path, program: Callable[..., Program]) -> None:
    acquire(fresh_home, fast=True).release()
    eventually(lambda: not in_use(fresh_home))
    said = program(fresh_home, "--largest-file", "6000").said["error"]
    assert "no room for" in said


def test_a_long_home_gets_a_short_socket(open_directory: Path) -> None:
    long = open_directory / ("x" * 120)
    with acquire(long, fast=True) as server:
        assert server.socket_directory.parent == Path(tempfile.gettempdir())
        assert server.socket_directory.stat().st_mode & 0o777 == 0o700
        with acquire(long, fast=True) as again:
            assert again.owner_url == server.owner_url
    eventually(lambda: not server.socket_directory.exists())
    eventually(lambda: not in_use(long))
    destroy(long)


def test_data_that_were_kept_elsewhere_and_are_gone(fresh_home: Path, tmp_path: Path) -> None:
    control = fresh_home / "postgres"
    control.mkdir(parents=True)
    (control / "location").write_text(f"{tmp_path / 'gone'}\n")
    with pytest.raises(StartupError, match="which is gone"):
        acquire(fresh_home)


def test_the_reason_comes_out_of_the_log() -> None:
    text = (
        "2026-01-01 [1] LOG:  starting PostgreSQL 18\n"
        '2026-01-01 [1] FATAL:  data directory "/d" has wrong ownership\n'
        "2026-01-01 [1] HINT:  The server must be started by its owner.\n"
        "2026-01-01 [1] LOG:  database system is shut down\n"
    )
    error = failures.from_log(text, doing="starting", data=Path("/d"), log=Path("/l"))
    assert error.message == (
        'starting failed: data directory "/d" has wrong ownership '
        "(The server must be started by its owner.); the log is /l"
    )


def test_a_write_cut_short_means_no_room() -> None:
    text = (
        '[1] FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes\n'
        "[1] HINT:  Check free disk space.\n"
        "[1] PANIC:  cannot abort transaction 1, it was already committed\n"
    )
    error = failures.from_log(text, doing="starting", data=Path("/d"), log=Path("/l"))
    assert error.message == (
        "starting failed: no room for /d (No space left on device); the log is /l"
    )


def test_a_silent_program_is_reported_too() -> None:
    error = failures.from_log("", doing="starting", data=Path("/d"), log=Path("/l"))
    assert error.message == "starting failed: it wrote nothing; the log is /l"
