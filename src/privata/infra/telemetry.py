"""Logs: one line each, as text for people or JSON for machines. Never a secret, never a body.

Every logger, also those of libraries, ends at one handler, whose lines go through `redaction`.

A record can carry facts, `log.info("delivery attempt", extra=facts(attempt=2))`: fields of their
own in JSON, `attempt=2` after the message in text. Ids, numbers and words of ours (`UUID`, `int`,
a `StrEnum`) hold no secret by their type; text is looked through.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Final
from uuid import UUID

import msgspec

from privata.core.clock import iso
from privata.infra.log_lines import GroupedLines
from privata.infra.redaction import cleaned, escaped, masked

#: What the further lines of a trace begin with: no line of a log does.
_TRACE = "    | "

#: The attribute of a record that holds its facts.
_FACTS = "privata_facts"

log = logging.getLogger("privata")

Fact = str | int | float | bool | UUID | StrEnum | None


def facts(**named: Fact) -> Mapping[str, object]:
    """The `extra` of a record that carries these; None is left out."""
    return {_FACTS: {name: value for name, value in named.items() if value is not None}}


class JsonLines(logging.Formatter):
    """One JSON object per record, in ASCII."""

    def __init__(self) -> None:
        super().__init__()
        self._second, self._clock = -1, ""

    def format(self, record: logging.LogRecord) -> str:
        message, named = record.getMessage(), _facts_of(record)
        if not _is_clean(message, named):
            message, named = cleaned(message), _clean(named)
        line: dict[str, Fact] = {
            "at": self._at(record),
            "level": record.levelname.lower(),
            "logger": _clean_name(record.name),
            "message": message,
        }
        if named:
            line = {**line, **named, **line}  # what every line has stays what it is
        trace = _trace(self, record)
        if trace:
            line["trace"] = "\n".join(trace)
        written = _JSON.encode(line)
        return written.decode() if written.isascii() else json.dumps(line, default=str)

    def _at(self, record: logging.LogRecord) -> str:
        """The moment, but for its milliseconds put together once a second."""
        second, rest = divmod(record.created, 1)
        if second != self._second:
            whole = datetime.fromtimestamp(second, UTC)
            self._second, self._clock = int(second), iso(whole).removesuffix("000Z")
        return f"{self._clock}{int(rest * 1000):03}Z"


_JSON: Final = msgspec.json.Encoder(enc_hook=str)


class TextLines(logging.Formatter):
    """A line per record, and the lines of a trace indented below it."""

    def __init__(self) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._second, self._clock = -1, ""

    def format(self, record: logging.LogRecord) -> str:
        message, named = record.getMessage(), _facts_of(record)
        parts = [message, *[f"{name}={_value(value)}" for name, value in named.items()]]
        if not _is_clean(message, named):
            parts = [masked(part) for part in parts]
        said = " ".join(parts)
        first = escaped(f"{self._at(record)} {record.levelname:<7} {record.name}: {said}")
        trace = _trace(self, record)
        return "\n".join([first, *(f"{_TRACE}{line}" for line in trace)]) if trace else first

    def _at(self, record: logging.LogRecord) -> str:
        """The time of day, put together once a second."""
        second = int(record.created)
        if second != self._second:
            self._second, self._clock = second, self.formatTime(record, self.datefmt)
        return self._clock


def _facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    found: dict[str, Fact] = getattr(record, _FACTS, {})
    return found


def _holds_text(value: Fact) -> bool:
    """Whether anything could stand in it."""
    return isinstance(value, str) and not isinstance(value, StrEnum)


def _is_clean(message: str, named: dict[str, Fact]) -> bool:
    """Whether neither the message nor a fact has to change; looked at together, for a line a
    delivery is many lines."""
    texts = [message]
    for name, value in named.items():
        if _holds_text(value):
            texts.append(f"{name}={value}")
    whole = " ".join(texts)
    return cleaned(whole) == whole


def _clean(named: dict[str, Fact]) -> dict[str, Fact]:
    return {
        name: cleaned(str(value)) if _holds_text(value) else value for name, value in named.items()
    }


#: Loggers are few, and each writes many lines.
_clean_name: Final = functools.lru_cache(maxsize=256)(cleaned)


def _value(value: Fact) -> str:
    """As it stands after the `=`; a value of several words stands in quotes."""
    text = str(value)
    return json.dumps(text) if " " in text else text


def formatter(form: str) -> logging.Formatter:
    """The formatter of `PRIVATA_LOG_FORMAT`."""
    return JsonLines() if form == "json" else TextLines()


def configure_logging(level: str, form: str) -> None:
    """Set up the logs of the whole program, on standard error."""
    handler = GroupedLines(sys.stderr)
    handler.setFormatter(formatter(form))
    # No line of ours names them, and to find them out costs each record a part of its time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
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
    if not record.exc_info and not record.stack_info:
        return []
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return [cleaned(line) for part in parts for line in part.split("\n")]
