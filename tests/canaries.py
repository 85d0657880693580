"""No secret stands in any log of the test run.

The helpers of the tests `plant` each secret that they make or are given: keys, passwords, links,
session tokens. What the run writes into logs is looked through for them: the records of this
process as our handler writes them, what programs print on standard error, and the log files of
servers. A test in whose logs one is found fails.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

import pytest

from privata.infra.telemetry import formatter

#: Shorter ones would be found in everything.
SHORTEST: Final = 12

#: What a secret can be part of: looked up as a whole, so that thousands cost no more than one.
_WORDS: Final = re.compile(rf"[\w.~+/=-]{{{SHORTEST},}}")
_PARTS: Final = re.compile(r"[\w-]+")

#: Sections of a report with what programs logged; pytest's own view of records is no log of ours.
_SECTIONS: Final = ("Captured stderr",)

_planted: set[str] = set()
_lines: list[str] = []


def plant(secret: str) -> str:
    """Let no log hold this from now on; the secret itself."""
    if len(secret) >= SHORTEST:
        _planted.add(secret)
    return secret


def found_in(text: str) -> set[str]:
    """The planted secrets that stand in the text."""
    words = set(_WORDS.findall(text))
    parts = {part for word in words for part in _PARTS.findall(word)}
    return _planted & (words | parts)


def check_file(log: Path) -> None:
    """Fail if a server's log holds a secret."""
    found = found_in(log.read_text(errors="replace"))
    assert not found, f"{log} holds secrets: {sorted(one[:8] for one in found)}"


class _Listener(logging.Handler):
    """Writes every record of this process as both of our formats would."""

    def __init__(self) -> None:
        super().__init__()
        self._forms = [formatter("text"), formatter("json")]

    def emit(self, record: logging.LogRecord) -> None:
        _lines.extend(form.format(record) for form in self._forms)


def listen() -> None:
    """Begin with the run."""
    logging.getLogger().addHandler(_Listener())


def judge(item: pytest.Item, report: pytest.TestReport) -> None:
    """Fail the end of a test after which a secret stands in a log."""
    told = [text for name, text in report.sections if name.startswith(_SECTIONS)]
    found = found_in("\n".join([*told, *_lines]))
    _lines.clear()
    if found:
        beginnings = ", ".join(sorted(f"{one[:8]}…" for one in found))
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: secrets stand in the logs: {beginnings}"
