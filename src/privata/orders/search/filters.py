"""What a search of orders may be narrowed to, as it stands in an address or a query: pure.

One description for the list, the API, exports and saved views. Each field is read by a function
that raises `ValueError` with a sentence to show. A page leaves wrong values out and says so, the
API refuses them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from privata.core.lifecycle import OrderStatus
from privata.orders.search import filter_values as values

#: Date presets: key in the address, words, and how far back.
SPANS: dict[str, tuple[str, timedelta]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
}

_S = OrderStatus

#: The statuses people ask for together.
GROUPS: dict[str, tuple[OrderStatus, ...]] = {
    "In progress": (_S.WAITING_DEPOSIT, _S.CONFIRMING, _S.EXCHANGING, _S.SENDING),
    "Needs action": (_S.REFUND_REQUIRED, _S.MANUAL_REVIEW),
    "Completed": (_S.COMPLETED,),
    "Unsuccessful": (_S.EXPIRED, _S.FAILED, _S.REFUNDED),
}

#: Where a refund stands: key in the address, words, and the statuses that say so.
REFUNDS: dict[str, tuple[str, tuple[OrderStatus, ...]]] = {
    "needed": ("Needs action", (_S.REFUND_REQUIRED, _S.MANUAL_REVIEW)),
    "done": ("Refunded", (_S.REFUNDED,)),
    "any": ("Any refund", (_S.REFUND_REQUIRED, _S.MANUAL_REVIEW, _S.REFUNDED)),
}

RATES = {"float": "Floating", "fixed": "Fixed"}


class Query(Protocol):
    """The two ways a query string is read; Django's QueryDict is one."""

    def get(self, key: str, default: str, /) -> Any: ...
    def getlist(self, key: str) -> list[Any]: ...


class QueryText:
    """A query string as it was kept: of a saved view, or of an export."""

    def __init__(self, text: str) -> None:
        self.words: dict[str, list[str]] = {}
        for name, value in parse_qsl(text.removeprefix("?")):
            self.words.setdefault(name, []).append(value)

    def get(self, key: str, default: str = "", /) -> str:
        return self.words.get(key, [default])[-1]

    def getlist(self, key: str) -> list[str]:
        return self.words.get(key, [])


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The filters in force. Within `statuses` and `providers` any one passes."""

    statuses: tuple[str, ...] = ()
    refund: str = ""
    text: str = ""
    source: str = ""
    source_network: str = ""
    target: str = ""
    target_network: str = ""
    providers: tuple[str, ...] = ()
    rate: str = ""
    span: str = ""
    since: str = ""
    until: str = ""
    updated_after: str = ""
    usd_min: Decimal | None = None
    usd_max: Decimal | None = None

    @property
    def active(self) -> bool:
        """Whether anything is hidden by these filters."""
        return self != OrderFilter()

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The statuses that pass; None: every one. Empty when two filters exclude each other."""
        if not self.refund:
            return self.statuses or None
        allowed = [status.value for status in REFUNDS[self.refund][1]]
        return tuple(one for one in allowed if not self.statuses or one in self.statuses)

    @property
    def pair(self) -> str:
        """The pair in words, or empty."""
        if not self.source and not self.target:
            return ""
        return f"{_asset(self.source, self.source_network)} to " + _asset(
            self.target, self.target_network
        )

    @property
    def dates(self) -> str:
        """The range of dates in words, or empty."""
        if self.since and self.until:
            return f"{self.since} to {self.until}"
        if self.since or self.until:
            return f"since {self.since}" if self.since else f"until {self.until}"
        return f"last {SPANS[self.span][0]}" if self.span else ""

    @property
    def value(self) -> str:
        """The range of values in words, or empty."""
        low, high = self.usd_min, self.usd_max
        if low is not None and high is not None:
            return f"${low:,} to ${high:,}"
        if low is not None or high is not None:
            return f"from ${low:,}" if low is not None else f"up to ${high:,}"
        return ""

    def begins(self, now: datetime) -> datetime | None:
        """The first moment that passes."""
        if self.since:
            return values.moment(self.since)
        return now - SPANS[self.span][1] if self.span else None

    def ends(self) -> datetime | None:
        """The first moment that does not pass any more; a date passes as a whole."""
        return values.moment(self.until, end=True) if self.until else None

    def changed_since(self) -> datetime | None:
        """The first moment of a last change that passes."""
        return values.moment(self.updated_after) if self.updated_after else None

    def query(self, **more: str) -> str:
        """These filters as a query string with its question mark; empty ones are left out."""
        pairs = [("status", status) for status in self.statuses]
        pairs += [("provider", provider) for provider in self.providers]
        pairs += [(name, value) for name, value in self.fields() if value]
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}"

    def fields(self) -> list[tuple[str, str]]:
        """Names and values besides statuses and providers, as a form sends them."""
        return [
            ("q", self.text),
            ("from", self.source),
            ("from_network", self.source_network),
            ("to", self.target),
            ("to_network", self.target_network),
            ("rate_type", self.rate),
            ("refund", self.refund),
            ("span", self.span),
            ("since", self.since),
            ("until", self.until),
            ("updated_after", self.updated_after),
            ("usd_min", "" if self.usd_min is None else f"{self.usd_min:f}"),
            ("usd_max", "" if self.usd_max is None else f"{self.usd_max:f}"),
        ]

    def having(self, **changes: Any) -> OrderFilter:
        """The same filters with these fields instead."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """A filter and what was wrong with it: (field, sentence). What is wrong is not in force."""

    chosen: OrderFilter
    problems: tuple[tuple[str, str], ...] = ()


def parse_filter(query: Query) -> OrderFilter:
    """The filter of a query string; what makes no sense is left out."""
    return read_filter(query).chosen


def filter_of(text: str) -> OrderFilter:
    """The filter of a query string that was kept."""
    return parse_filter(QueryText(text))


def read_filter(query: Query) -> ReadFilter:
    """The filter of a query string, and every problem in it.

    `status` and `provider` may stand several times, or hold several values between commas.
    """
    read = _Reader(query)
    chosen = OrderFilter(
        statuses=read.many("status", values.status),
        providers=read.many("provider", values.provider),
        refund=read.one("refund", lambda text: values.known(text, REFUNDS)),
        text=read.one("q", values.text),
        source=read.one("from", values.ticker),
        source_network=read.one("from_network", values.ticker),
        target=read.one("to", values.ticker),
        target_network=read.one("to_network", values.ticker),
        rate=read.one("rate_type", lambda text: values.known(text, RATES)),
        span=read.one("span", lambda text: values.known(text, SPANS)),
        since=read.one("since", values.date_or_time),
        until=read.one("until", values.date_or_time),
        updated_after=read.one("updated_after", values.date_or_time),
        usd_min=read.number("usd_min"),
        usd_max=read.number("usd_max"),
    )
    return _agreeing(chosen, read.problems)


class _Reader:
    """Reads one value after the other and notes what is wrong."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.problems: list[tuple[str, str]] = []

    def one(self, name: str, parse: values.Parse) -> str:
        given = str(self.query.get(name, "")).strip()
        return self._parsed(name, given, parse) if given else ""

    def many(self, name: str, parse: values.Parse) -> tuple[str, ...]:
        given = ",".join(str(value) for value in self.query.getlist(name)).split(",")
        read = [self._parsed(name, one.strip(), parse) for one in given if one.strip()]
        return tuple(one for one in dict.fromkeys(read) if one)[: values.MOST_VALUES]

    def number(self, name: str) -> Decimal | None:
        text = self.one(name, values.dollars)
        return Decimal(text) if text else None

    def _parsed(self, name: str, given: str, parse: values.Parse) -> str:
        try:
            return parse(given)
        except ValueError as error:
            self.problems.append((name, str(error)))
            return ""


def _agreeing(chosen: OrderFilter, problems: list[tuple[str, str]]) -> ReadFilter:
    """Leaves out what makes no sense beside another field."""
    changes: dict[str, Any] = {}
    for side, network, names in (
        (chosen.source, "source_network", ("from_network", "from")),
        (chosen.target, "target_network", ("to_network", "to")),
    ):
        if getattr(chosen, network) and not side:
            problems.append((names[0], f"requires {names[1]}"))
            changes[network] = ""
    if chosen.span and (chosen.since or chosen.until):
        problems.append(("span", "cannot be combined with since or until"))
        changes["span"] = ""
    begins, ends = chosen.since and values.moment(chosen.since), chosen.ends()
    if begins and ends and begins >= ends:
        problems.append(("until", "must be after since"))
        changes["until"] = ""
    low, high = chosen.usd_min, chosen.usd_max
    if low is not None and high is not None and low > high:
        problems.append(("usd_max", "must be at least usd_min"))
        changes["usd_max"] = None
    return ReadFilter(replace(chosen, **changes), tuple(problems))


def _asset(ticker: str, network: str) -> str:
    return f"{ticker} ({network})" if network else ticker or "any"


def described(chosen: OrderFilter) -> Mapping[str, Any]:
    """The filters in force by name, for the audit log."""
    shown: dict[str, Any] = {name: value for name, value in chosen.fields() if value}
    if chosen.statuses:
        shown["status"] = list(chosen.statuses)
    if chosen.providers:
        shown["provider"] = list(chosen.providers)
    return shown
