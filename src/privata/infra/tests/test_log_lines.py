"""Lines are written in groups, in order, and none is lost that can be saved."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
from typing import Final

import pytest

from privata.infra import log_lines
from privata.infra.log_lines import GroupedLines

HOUR: Final = 3600.0


class _Stream(io.StringIO):
    """Counts what would be calls of the system, and tells of each."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.wrote = threading.Event()

    def write(self, text: str) -> int:
        self.writes += 1
        done = super().write(text)
        self.wrote.set()
        return done


def _logger(stream: _Stream) -> tuple[logging.Logger, GroupedLines]:
    handler = GroupedLines(stream)
    logger = logging.Logger("lines", logging.DEBUG)  # noqa: LOG001  # with this handler alone
    logger.addHandler(handler)
    return logger, handler


def test_many_lines_are_few_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line was handed to the system by itself, hundreds a second."""
    monkeypatch.setattr(log_lines, "HELD_S", HOUR)
    stream = _Stream()
    logger, handler = _logger(stream)
    for number in range(100):
        logger.info("line %d", number)
    assert stream.getvalue() == "line 0\n", "a quiet program says it at once"
    handler.flush()
    assert stream.writes == 2
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(100)]


def test_trouble_is_written_at_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "HELD_S", HOUR)
    stream = _Stream()
    logger, _ = _logger(stream)
    for word in ("first", "before"):
        logger.info(word)
    logger.warning("trouble")
    assert stream.getvalue() == "first\nbefore\ntrouble\n"


def test_no_more_than_some_lines_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "HELD_S", HOUR)
    monkeypatch.setattr(log_lines, "MOST_LINES", 10)
    stream = _Stream()
    logger, _ = _logger(stream)
    for number in range(11):
        logger.info("line %d", number)
    assert len(stream.getvalue().splitlines()) == 11


def test_a_line_that_waits_is_written_without_another() -> None:
    stream = _Stream()
    logger, _ = _logger(stream)
    logger.info("first")
    stream.wrote.clear()
    logger.info("second")
    assert stream.wrote.wait(30)
    assert stream.getvalue() == "first\nsecond\n"


def test_a_line_that_cannot_be_put_together_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream = _Stream()
    logger, _ = _logger(stream)
    logger.info("%d", "no number")
    logger.info("next")
    assert stream.getvalue() == "next\n"


ENDS: Final = """
import logging
from privata.infra import log_lines, telemetry
log_lines.HELD_S = 3600
telemetry.configure_logging("info", "text")
logging.getLogger("one").info("first")
logging.getLogger("one").info("last words")
{end}
"""


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "raise ValueError"])
def test_the_end_of_a_program_writes_what_waits(end: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ENDS.format(end=end)], capture_output=True, text=True, check=False
    )
    assert "first" in ran.stderr
    assert "one: last words" in ran.stderr
