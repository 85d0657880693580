"""A filter in words, one chip for each part that is in force: pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from privata.orders.search.filters import RATES, REFUNDS, OrderFilter
from privata.ui.statuses import look


class Chip(NamedTuple):
    """A part of a filter: what it is, its value, and the filter without it."""

    name: str
    value: str
    without: OrderFilter


def chips(chosen: OrderFilter) -> list[Chip]:
    """Every part in force, in the order of the page."""
    statuses = ", ".join(look("order", status).label for status in chosen.statuses)
    changed = f"since {chosen.updated_after}" if chosen.updated_after else ""
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("Search", chosen.text, {"text": ""}),
        ("Status", statuses, {"statuses": ()}),
        (
            "Pair",
            chosen.pair,
            {"source": "", "target": "", "source_network": "", "target_network": ""},
        ),
        ("Provider", ", ".join(chosen.providers), {"providers": ()}),
        ("Date", chosen.dates, {"span": "", "since": "", "until": ""}),
        ("Changed", changed, {"updated_after": ""}),
        ("Value", chosen.value, {"usd_min": None, "usd_max": None}),
        ("Rate", RATES.get(chosen.rate, ""), {"rate": ""}),
        ("Refund", REFUNDS[chosen.refund][0] if chosen.refund else "", {"refund": ""}),
    ]
    return [Chip(name, value, chosen.having(**less)) for name, value, less in found if value]
