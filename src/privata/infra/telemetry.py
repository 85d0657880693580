"""Logs: one line each, as text for people or JSON for machines. Never a secret, never a body.

Every logger, also those of libraries, ends at one handler, whose lines go through `redaction`.

A record can carry facts, `log.info("delivery attempt", extra=facts(attempt=2))`: fields of their
own in JSON, `attempt=2` after the message in text.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType

from privata.core.clock import iso
from privata.infra.redaction import cleaned, escaped, masked

#: What the further lines of a trace begin with: no line of a log does.
_TRACE = "    | "

#: The attribute of a record that holds its facts.
_FACTS = "privata_facts"

log = logging.getLogger("privata")

Fact = str | int | float | bool | None


def facts(**named: Fact) -> Mapping[str, object]:
    """The `extra` of a record that carries these; None is left out."""
    return {_FACTS: {name: value for name, value in named.items() if value is not None}}


class JsonLines(logging.Formatter):
    """One JSON object per record, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Fact] = {
            "at": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": cleaned(record.name),
            "message": cleaned(record.getMessage()),
        }
        for name, value in _clean(_facts_of(record)).items():
            line.setdefault(name, value)
        trace = _trace(self, record)
        if trace:
            line["trace"] = "\n".join(trace)
        return json.dumps(line)


class TextLines(logging.Formatter):
    """A line per record, and the lines of a trace indented below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.message = masked(" ".join([record.getMessage(), *_pairs(_facts_of(record))]))
        record.asctime = self.formatTime(record, self.datefmt)
        first = escaped(self.formatMessage(record))
        return "\n".join([first, *(f"{_TRACE}{line}" for line in _trace(self, record))])


def _facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    found: dict[str, Fact] = getattr(record, _FACTS, {})
    return found


def _clean(named: dict[str, Fact]) -> dict[str, Fact]:
    """The facts without secrets; looked at together, for a line a delivery is many lines."""
    whole = " ".join(value for value in named.values() if isinstance(value, str))
    if cleaned(whole) == whole:
        return named
    return {
        name: cleaned(value) if isinstance(value, str) else value for name, value in named.items()
    }


def _pairs(named: dict[str, Fact]) -> list[str]:
    """`name=value`; a value of several words stands in quotes."""
    return [
        f"{name}={json.dumps(value)}" if isinstance(value, str) and " " in value
        else f"{name}={value}"
        for name, value in named.items()
    ]  # fmt: skip


def formatter(form: str) -> logging.Formatter:
    """The formatter of `PRIVATA_LOG_FORMAT`."""
    return JsonLines() if form == "json" else TextLines()


def configure_logging(level: str, form: str) -> None:
    """Set up the logs of the whole program, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    _one_handler()
    # The server's own access log repeats ours.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    # Three lines for each page: a connection was asked for, given, given back. And one for each try
    # to reach a database that is away, which `infra.faults` and `infra.readiness` tell of.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def _one_handler() -> None:
    """Lead everything else that would be written to standard error through the root's handler:
    loggers that brought their own, warnings, and exceptions that nobody caught."""
    for one in list(logging.root.manager.loggerDict.values()):
        if isinstance(one, logging.Logger):
            one.handlers.clear()
            one.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the program died", exc_info=(kind, error, trace))


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and what.exc_type is not SystemExit:
        name = what.thread.name if what.thread else "?"
        log.error("a thread died: %s", name, exc_info=what.exc_value)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    if what.exc_value is not None:
        log.error("ignored in %r: %s", what.object, what.err_msg or "", exc_info=what.exc_value)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    """The trace of the record's exception and stack, line by line, each one clean."""
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return [cleaned(line) for part in parts for line in part.split("\n")]
