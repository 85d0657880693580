"""`python -m bench [ROW ...]`: measure the rows and print the table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from bench import (
    api,
    backlog,
    delivery,
    estimate,
    hot_path,
    latency,
    polling,
    search,
    storage,
    streams,
)
from bench.harness import Harness, open_harness
from bench.report import Row, machine, print_row

#: The rows in the order of the table. A row's module has `async def run(harness) -> Row`.
ROWS: dict[str, Callable[[Harness], Coroutine[Any, Any, Row]]] = {
    "delivery": delivery.run,
    "statements": hot_path.run_statements,
    "latency": latency.run,
    "neighbour": latency.run_neighbour,
    "slow": latency.run_slow,
    "resume": hot_path.run_resume,
    "guard": backlog.run_guard,
    "backlog": backlog.run,
    "api": api.run,
    "search": search.run,
    "storage": storage.run,
    "streams": streams.run,
    "polling": polling.run,
    "estimate": estimate.run,
}


def main() -> None:
    wanted = sys.argv[1:] or list(ROWS)
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        sys.exit(f"There is no row {', '.join(unknown)}; there are: {', '.join(ROWS)}.")
    # An orderly end, which stops the server and removes its home.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with open_harness() as harness:
        print(machine(harness.postgres_version))
        for name in wanted:
            print_row(uvloop.run(ROWS[name](harness)))


if __name__ == "__main__":
    main()
