"""Starts programs of Privata as forks of one process that has imported the program already.

Run as `python -m tests.forking FD` by `tests.programs`, which sends it what to start. Importing is
most of what a start costs and the same in each; a fork is a process of its own like any other, with
its own signals, environment and exit code. What reads a setting when it is imported stays out: each
program imports that itself, with its own environment.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from privata.infra.settings import settings

#: What a server or a command imports before it knows any setting.
_PRELOADED = (
    *("privata.cli", "privata.serving", "privata.startup", "privata.worker.main"),
    *("django.contrib.auth.hashers", "django.contrib.messages.api", "django.core.handlers.asgi"),
    *("django.core.management", "django.db.backends.postgresql.base", "django.db.models"),
    *("django.forms", "django.template.backends.jinja2", "django.urls", "django.views.generic"),
)

#: The most that a request takes: an environment and arguments.
_MOST_BYTES = 1 << 20

#: Standard input, output and error of the program, and where its exit code is told.
_DESCRIPTORS = 4


def main() -> None:
    """Serve until the other end is closed; in a forked process, run what was asked for."""
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        sys.argv = [asked["module"], *asked["arguments"]]
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """What the process in which this returns is to run; None when there is no more to start."""
    for name in _PRELOADED:
        import_module(name)
    assert settings.cache_info().currsize == 0, "a module of these reads settings"
    assert threading.active_count() == 1, "a thread would be missing in the forks"
    # A collection would write to the memory of every object, which forks share until they write.
    gc.collect()
    gc.freeze()
    # A write to this pipe, by each end of a child, ends the waiting for requests.
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), ended], [], [])
        if ended in ready:
            with suppress(BlockingIOError):
                os.read(ended, 4096)
            _tell_of_ends(running)
        if control.fileno() not in ready:
            continue
        message, given, _, _ = socket.recv_fds(control, _MOST_BYTES, _DESCRIPTORS)
        if not message:
            return None
        asked: dict[str, Any] = json.loads(message)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            for descriptor in (ended, wake, *running.values()):
                os.close(descriptor)
            _become(asked, given)
            return asked
        *standard, status = given
        for descriptor in standard:
            os.close(descriptor)
        running[pid] = status
        os.write(status, f"{pid}\n".encode())


def _tell_of_ends(running: dict[int, int]) -> None:
    """Write the exit codes of the processes that ended, each to who asked for it."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        descriptor = running.pop(pid)
        with suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(descriptor, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(descriptor)


def _become(asked: dict[str, Any], given: list[int]) -> None:
    """Be a process as the one that asked would have started it."""
    for number, descriptor in enumerate(given[:3]):
        os.dup2(descriptor, number)
    for descriptor in given:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(Path(asked["directory"]))


if __name__ == "__main__":
    main()
