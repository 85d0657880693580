"""Which errors pass by themselves, and that an outage does not fill the log."""

from __future__ import annotations

import logging
import subprocess
import sys

import asyncpg
import psycopg
import psycopg_pool
import pytest
from django.db.utils import OperationalError

from privata.infra.database.connecting import connect
from privata.infra.database.faults import PassingFault, passing_fault
from privata.infra.faults import FIRST_PAUSE_S, LAST_PAUSE_S, FaultLog, Outage, in_one_line


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (asyncpg.AdminShutdownError("x"), PassingFault.UNREACHABLE),
        (asyncpg.CannotConnectNowError("x"), PassingFault.UNREACHABLE),
        (asyncpg.ConnectionDoesNotExistError("x"), PassingFault.LOST),
        (asyncpg.TooManyConnectionsError("x"), PassingFault.FULL),
        (asyncpg.DiskFullError("x"), PassingFault.SHORT),
        (asyncpg.ReadOnlySQLTransactionError("x"), PassingFault.READ_ONLY),
        (asyncpg.TargetServerAttributeNotMatched("x"), PassingFault.READ_ONLY),
        (asyncpg.LockNotAvailableError("x"), PassingFault.TOO_SLOW),
        (asyncpg.QueryCanceledError("x"), PassingFault.TOO_SLOW),
        (asyncpg.DeadlockDetectedError("x"), PassingFault.CONFLICT),
        (asyncpg.SerializationError("x"), PassingFault.CONFLICT),
        (asyncpg.InterfaceError("connection is closed"), PassingFault.LOST),
        (asyncpg.InternalClientError("an answer that does not fit"), PassingFault.LOST),
        (asyncpg.InvalidPasswordError("x"), PassingFault.UNREACHABLE),
        (asyncpg.IdleInTransactionSessionTimeoutError("x"), PassingFault.TOO_SLOW),
        (ConnectionResetError(), PassingFault.LOST),
        (psycopg.errors.AdminShutdown(), PassingFault.UNREACHABLE),
        (psycopg.errors.ReadOnlySqlTransaction(), PassingFault.READ_ONLY),
        (psycopg.OperationalError("connection refused"), PassingFault.UNREACHABLE),
        (psycopg.InterfaceError("the connection is closed"), PassingFault.LOST),
        (psycopg_pool.PoolTimeout(), PassingFault.POOL),
        (asyncpg.UniqueViolationError("x"), None),
        (asyncpg.UndefinedTableError("x"), None),
        (asyncpg.InterfaceError("another operation is in progress"), None),
        (asyncpg.DataError("a value that is none"), None),
        (psycopg.errors.UndefinedTable(), None),
        (psycopg.ProgrammingError("x"), None),
        (FileNotFoundError("a template"), None),
        (TimeoutError(), None),
        (ValueError("x"), None),
        (None, None),
    ],
    ids=repr,
)
def test_kinds(error: BaseException | None, fault: PassingFault | None) -> None:
    assert passing_fault(error) is fault


def test_what_an_error_was_raised_from_counts() -> None:
    wrapped = OperationalError("x")
    wrapped.__cause__ = psycopg.errors.LockNotAvailable()
    assert passing_fault(wrapped) is PassingFault.TOO_SLOW
    assert passing_fault(ExceptionGroup("x", [wrapped])) is PassingFault.TOO_SLOW
    wrapped.__cause__ = wrapped
    assert passing_fault(wrapped) is None


async def test_errors_of_the_system_count_where_a_driver_met_them() -> None:
    with pytest.raises(OSError, match="No such file") as met:
        await connect("postgresql://nobody@/none?host=/nowhere")
    assert passing_fault(met.value) is PassingFault.UNREACHABLE


def test_programs_without_pages_need_not_import_their_driver() -> None:
    code = "import sys, privata.infra.faults; sys.exit('psycopg' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_outage_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each request wrote two traces: 14 MB in 28 seconds."""
    now = 100.0
    log = FaultLog(lambda: now)
    error = asyncpg.AdminShutdownError("terminating connection\nDETAIL: by the administrator")
    for _ in range(28_000):
        log.note(PassingFault.UNREACHABLE, error, "req_1")
        now += 0.001
    assert 3 <= len(caplog.records) <= 6
    assert all(one.exc_info is None and "\n" not in one.getMessage() for one in caplog.records)
    assert "999 more" in caplog.messages[1]
    log.note(PassingFault.READ_ONLY, error, "req_2")
    assert "req_2" in caplog.messages[-1], "each kind has its lines"
    caplog.clear()
    now += 3 * LAST_PAUSE_S
    log.note(PassingFault.UNREACHABLE, error, "req_3")
    assert "more like it" in caplog.text, "none is forgotten"
    now += FIRST_PAUSE_S
    log.note(PassingFault.UNREACHABLE, error, "req_4")
    assert "req_4" in caplog.text, "a new outage begins anew"


def test_loops_tell_of_an_outage_once(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage()
    outage.over()
    assert not caplog.records
    with caplog.at_level(logging.INFO):
        for loop in ("dispatch", "follow_orders", "dispatch"):
            outage.note(loop, ConnectionRefusedError("no database"))
        assert len(caplog.records) == 1
        assert "dispatch" in caplog.text
        outage.over()
        outage.over()
    assert len(caplog.records) == 2


def test_an_error_in_one_line() -> None:
    assert in_one_line(TimeoutError()) == "TimeoutError"
    assert in_one_line(ValueError("a\nb")) == "ValueError: a"
