"""The one handler: lines of a quiet program at once, those of a busy one in groups.

A worker writes a line for each delivery. To hand every line to the system by itself costs more than
to put it together, so a line that comes within `HELD_S` of the last write waits until then, with
those that follow it. What tells of trouble, from `warning` up, is written at once with all that was
said before it, and so is everything when the program ends. A program that is killed with SIGKILL
loses what it said in its last `HELD_S`.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final, TextIO

#: Seconds a line waits for others at most.
HELD_S: Final = 0.1

#: Lines that are written together at most.
MOST_LINES: Final = 1000


class GroupedLines(logging.StreamHandler[TextIO]):
    """Writes to a stream, in the order in which the lines came."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._written_at = float("-inf")
        self._held = threading.Event()
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or hold it for a moment. The caller holds the handler's lock."""
        try:
            self._lines.append(self.format(record))
        except Exception:  # as every handler: what cannot be logged stops nobody
            self.handleError(record)
            return
        quiet = time.monotonic() - self._written_at >= HELD_S
        if quiet or record.levelno >= logging.WARNING or len(self._lines) >= MOST_LINES:
            self._write(record)
        elif len(self._lines) == 1:
            self._have_written()

    def flush(self) -> None:
        """Write what is held; the interpreter does so when it ends."""
        with self._guard():
            self._write(None)

    def _write(self, record: logging.LogRecord | None) -> None:
        lines, self._lines = self._lines, []
        self._written_at = time.monotonic()
        if not lines:
            return
        try:
            self.stream.write("\n".join(lines) + self.terminator)
            self.stream.flush()
        except Exception:  # as above
            if record is not None:
                self.handleError(record)

    def _have_written(self) -> None:
        """Let the thread write in a moment; it is started by the first line that waits."""
        self._held.set()
        if self._writer is None:
            self._writer = threading.Thread(target=self._keep_writing, name="log", daemon=True)
            self._writer.start()

    def _keep_writing(self) -> None:
        while True:
            self._held.wait()
            time.sleep(HELD_S)
            # In this order: a line that comes in between sets it again, or is written here.
            self._held.clear()
            self.flush()

    def _guard(self) -> threading.RLock:
        assert self.lock is not None
        return self.lock
