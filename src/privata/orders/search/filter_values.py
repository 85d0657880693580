"""Reading single values of a filter; each raises `ValueError` with a sentence to show: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from privata.core.instants import read_instant
from privata.core.lifecycle import OrderStatus

Parse = Callable[[str], str]

#: Longer texts match no order; they are cut where a page reads them.
MAX_TEXT: Final = 256

#: Values of a field that takes several; more are not read.
MOST_VALUES: Final = 20

_TICKER = re.compile(r"[A-Z0-9]{1,16}")
_PROVIDER = re.compile(r"[a-z0-9_]{1,32}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DOLLARS = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?")

_STATUSES = frozenset(status.value for status in OrderStatus)


def text(given: str) -> str:
    """What is looked for; PostgreSQL takes no NUL in text, and nothing searched for holds one."""
    return given.replace("\0", "").strip()[:MAX_TEXT]


def status(given: str) -> str:
    """A status of an order."""
    return known(given, sorted(_STATUSES))


def known(given: str, allowed: Iterable[str]) -> str:
    """One of the allowed words."""
    words = list(allowed)
    if given not in words:
        raise ValueError(f"must be one of {', '.join(words)}")
    return given


def ticker(given: str) -> str:
    """An asset or a network, in any case."""
    if not _TICKER.fullmatch(given.upper()):
        raise ValueError("must be a ticker such as BTC")
    return given.upper()


def provider(given: str) -> str:
    """The name of a provider."""
    if not _PROVIDER.fullmatch(given):
        raise ValueError("must be the name of a provider")
    return given


def dollars(given: str) -> str:
    """An amount of US dollars as a decimal string."""
    if not _DOLLARS.fullmatch(given):
        raise ValueError("must be an amount such as 250 or 99.50")
    return f"{Decimal(given):f}"


def date_or_time(given: str) -> str:
    """A date, or a time with its zone; kept as it was written."""
    moment(given)
    moment(given, end=True)
    return given


def moment(given: str, *, end: bool = False) -> datetime:
    """The moment a date or time names, in UTC; of a date the first one, or the next date's."""
    try:
        if _DATE.fullmatch(given):
            day = date.fromisoformat(given) + timedelta(days=int(end))
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        return read_instant(given)
    except (ValueError, OverflowError):
        pass  # a day or an hour that does not exist: the same answer as for nonsense
    raise ValueError("must be a date such as 2026-11-21 or a time such as 2026-11-21T14:00:00Z")
