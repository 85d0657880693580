"""Loaded by the fuzzer: every call comes from another address, so that none is locked out for the
wrong keys of the one before. The server trusts the header (`PRIVATA_TRUSTED_PROXIES`)."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

import schemathesis

_FIRST = int(ipaddress.ip_address("10.0.0.1"))
_calls = itertools.count(_FIRST)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give the call an address of its own."""
    case.headers["X-Forwarded-For"] = str(ipaddress.ip_address(next(_calls)))
