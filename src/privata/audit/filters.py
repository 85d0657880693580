"""What the audit log may be narrowed to, as it stands in the address: pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from privata.core.tenancy import Environment

MAX_TEXT = 254

_ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")


class Query(Protocol):
    """The way a query string is read; Django's QueryDict is one."""

    def get(self, key: str, default: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filters in force; empty ones let everything through. `to` includes its day."""

    actor: str = ""
    action: str = ""
    target: str = ""
    address: str = ""
    since: str = ""
    to: str = ""
    environment: str = ""

    @property
    def active(self) -> bool:
        """Whether anything is hidden by these filters."""
        return self != AuditFilter()

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the filters in force."""
        found = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return [(name, value) for name, value in found if value]

    def query(self, **changes: str) -> str:
        """These filters as a query string with its question mark; a change to "" leaves one out."""
        kept = dict(self.pairs()) | changes
        return "?" + urlencode({name: value for name, value in kept.items() if value})


def parse_filter(query: Query) -> AuditFilter:
    """The filters of an address. Values that make no sense are left out, never an error page."""
    action = _text(query, "action")
    environment = _text(query, "environment")
    return AuditFilter(
        actor=_text(query, "actor"),
        action=action if _ACTION.fullmatch(action) else "",
        target=_text(query, "target"),
        address=_network(_text(query, "address")),
        since=_day(_text(query, "since")),
        to=_day(_text(query, "to")),
        environment=environment if environment in list(Environment) else "",
    )


def where(organization_id: UUID, wanted: AuditFilter) -> tuple[str, list[Any]]:
    """The condition of a statement, and its values from `$1` on. The organization comes first."""
    parts, values = ["organization_id = $1"], [organization_id]

    def add(condition: str, value: Any) -> None:
        values.append(value)
        parts.append(condition.replace("?", f"${len(values)}"))

    if wanted.actor:
        # By its beginning or as an id; not by a pattern, so that % and _ mean themselves.
        add("(strpos(lower(actor_label), lower(?)) > 0 OR actor_id = ?)", wanted.actor)
    if wanted.action:
        add("(action = ? OR starts_with(action, ? || '.'))", wanted.action)
    if wanted.target:
        add("strpos(lower(target), lower(?)) > 0", wanted.target)
    if wanted.address:
        add("ip <<= ?::inet", ipaddress.ip_network(wanted.address))
    if wanted.since:
        add("at >= ?", _midnight(wanted.since))
    if wanted.to:
        add("at < ?", _midnight(wanted.to) + timedelta(days=1))
    if wanted.environment:
        add("environment = ?", wanted.environment)
    return " AND ".join(parts), values


def _text(query: Query, name: str) -> str:
    return str(query.get(name, "")).replace("\0", "").strip()[:MAX_TEXT]


def _network(text: str) -> str:
    """An address or a block; bits after the prefix are forgiven."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return ""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if single else network)


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    # The day after the last one cannot be said.
    return "" if day == date.max else day.isoformat()


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
