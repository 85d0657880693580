"""Runs one task of a command; what it needs is imported then."""

from __future__ import annotations

from typing import Any


def once(work: Any) -> Any:
    """`startup.run_once`."""
    from privata.startup import run_once

    return run_once(work)
