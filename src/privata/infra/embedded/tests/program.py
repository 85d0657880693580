"""A program that uses an embedded server until its standard input ends; started by the tests.

Prints one line of JSON: `url` (the owner's), `socket`, or `error` when the start was refused.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from pathlib import Path

from privata.core.errors import StartupError
from privata.infra.embedded import acquire, binaries


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--largest-file", type=int)
    parser.add_argument("--state-root", type=Path)
    parser.add_argument("--leave", action="store_true", help="end at once, without a release")
    asked = parser.parse_args()
    if asked.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked.largest_file, asked.largest_file))
    if asked.state_root is not None:
        binaries.STATE_ROOT = asked.state_root
    try:
        server = acquire(asked.home, fast=not asked.durable)
    except StartupError as error:
        print(json.dumps({"error": error.message}), flush=True)
        return 1
    answer = {"url": server.owner_url, "socket": str(server.socket_directory)}
    print(json.dumps(answer), flush=True)
    if not asked.leave:
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
