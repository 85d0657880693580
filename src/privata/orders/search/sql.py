"""The SQL of a search of orders, newest first, as text and arguments: pure.

However rare a match is, no step of a search reads more than a bounded number of rows. A step
**walks** an index of the organization's orders by time, of at most so many rows, and keeps what
passes every filter. Which index is walked (the **guide**) decides how far one must go: the right
one is that of the rarest condition. That is not guessed from statistics, which describe the whole
table and not one organization; it is looked up: where is the thousandth row of each (`scouting`)?
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from privata.core.cursors import Cursor
from privata.core.ids import ORDER_ID
from privata.core.tenancy import Environment
from privata.orders.search.filters import OrderFilter

#: How many rows of a guide are looked at to tell how rare it is.
SCOUTED: Final = 1_000

#: Columns free text is compared with, besides the id, and how: a partner's reference means what it
#: says; addresses and hashes are compared in the form of the migration 0003.
LOOKED_UP: Final[dict[str, str]] = {
    "partner_order_ref": "{0}",
    "deposit_address": "lookup_form({0})",
    "tx_in_hash": "lookup_form({0})",
    "tx_out_hash": "lookup_form({0})",
}

#: A condition on a row: SQL with a `{}` for each argument, and the arguments.
Condition = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose orders: part of every statement."""

    organization_id: UUID
    environment: Environment


@dataclass(frozen=True, slots=True)
class Guide:
    """An index to walk. Each of `arms` is walked by itself, and the walks are merged by time.

    One that is not `ordered` cannot be walked by time: it is usable only when it has few rows. Its
    index is `sorted_by` another column.
    """

    name: str
    arms: tuple[tuple[Condition, ...], ...]
    ordered: bool = True
    sorted_by: str = "created_at"


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, between `newer_than` and `older_than` where they are given.

    `upward` looks from the old end of the range, and finds its oldest rows, oldest first.
    """

    scope: Scope
    chosen: OrderFilter
    now: datetime
    older_than: Cursor | None = None
    newer_than: Cursor | None = None
    upward: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its arguments."""

    sql: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class _Arguments:
    values: list[Any] = field(default_factory=list)

    def put(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def sql(self, conditions: list[Condition]) -> str:
        shown = [text.format(*(self.put(value) for value in given)) for text, given in conditions]
        return " AND ".join(shown) or "true"


def guides(chosen: OrderFilter) -> list[Guide]:
    """The indexes that could be walked for a filter; the plain one is all there is without any."""
    if chosen.text:
        return [Guide("text", _lookups(chosen.text))]
    found = []
    if chosen.wanted is not None:
        found.append(Guide("status", tuple((_equal("status", one),) for one in chosen.wanted)))
    if chosen.providers:
        found.append(Guide("provider", tuple((_equal("provider", p),) for p in chosen.providers)))
    sides = [("from_asset", chosen.source), ("to_asset", chosen.target)]
    given = tuple(_equal(column, ticker) for column, ticker in sides if ticker)
    if given:
        found.append(Guide("pair", (given,)))
    if chosen.usd_min is not None or chosen.usd_max is not None:
        found.append(Guide("usd", (tuple(_usd(chosen)),), False, "usd_value"))
    if chosen.updated_after:
        found.append(Guide("updated", (tuple(_updated(chosen)),), False, "updated_at"))
    return found if any(one.ordered for one in found) else [*found, Guide("recent", ((),))]


def scouting(search: Search, among: list[Guide]) -> Statement:
    """One row with a column for each guide: where its `SCOUTED`th row lies; null: it has fewer."""
    put = _Arguments()
    looks = []
    for guide in among:
        if guide.ordered:
            order = f"created_at {_direction(search)}"
            rows = _merged(search, guide, put, order, SCOUTED + 1)
            looks.append(
                f"(SELECT created_at FROM {rows} ORDER BY {order} OFFSET {SCOUTED} LIMIT 1)"  # noqa: S608
            )
        else:
            where = put.sql([*_scope(search.scope), *guide.arms[0]])
            # Ordered by its own column, or another index might be read to its end for these few.
            looks.append(
                f"(SELECT now() FROM (SELECT FROM orders o WHERE {where}"  # noqa: S608
                f" ORDER BY {guide.sorted_by} OFFSET {SCOUTED} LIMIT 1) AS beyond)"
            )
    return Statement(f"SELECT {', '.join(looks)}", tuple(put.values))


def sparsest(search: Search, among: list[Guide], seen: list[datetime | None]) -> Guide:
    """The guide that leads farthest in the fewest rows, by what `scouting` brought."""
    known = list(zip(among, seen, strict=True))
    for guide, at in known:
        if at is None:
            return guide
    ordered = [(at, n) for n, (guide, at) in enumerate(known) if guide.ordered and at is not None]
    return among[(max(ordered) if search.upward else min(ordered))[1]]


def step(search: Search, guide: Guide, columns: str, *, walk: int, limit: int) -> Statement:
    """The first `limit` matching rows among the first `walk` rows of the guide."""
    put = _Arguments()
    walked = _walk(search, guide, put, walk)
    where = put.sql(_filters(search.chosen))
    return Statement(
        f"SELECT {columns} FROM {walked} WHERE {where} ORDER BY {_order(search)} LIMIT {limit:d}",  # noqa: S608
        tuple(put.values),
    )


def count(search: Search, guide: Guide, *, walk: int) -> Statement:
    """How many of the first `walk` rows of the guide match."""
    put = _Arguments()
    walked = _walk(search, guide, put, walk)
    where = put.sql(_filters(search.chosen))
    return Statement(f"SELECT count(*)::int FROM {walked} WHERE {where}", tuple(put.values))  # noqa: S608


def edge(search: Search, guide: Guide, *, walk: int) -> Statement:
    """Where a walk of so many rows ends; no row when the guide ended before."""
    put = _Arguments()
    order = _order(search)
    rows = _merged(search, guide, put, order, walk)
    return Statement(
        f"SELECT created_at, id FROM {rows} ORDER BY {order} OFFSET {walk - 1:d} LIMIT 1",  # noqa: S608
        tuple(put.values),
    )


def _walk(search: Search, guide: Guide, put: _Arguments, walk: int) -> str:
    order = _order(search)
    rows = _merged(search, guide, put, order, walk)
    if not guide.ordered:
        # OFFSET 0 keeps the planner from walking another index for the order's sake.
        return f"(SELECT * FROM {rows} OFFSET 0) AS o"  # noqa: S608
    return f"(SELECT * FROM {rows} ORDER BY {order} LIMIT {walk:d}) AS o"  # noqa: S608


def _merged(search: Search, guide: Guide, put: _Arguments, order: str, most: int) -> str:
    """The rows of a guide within the range, as something to select from.

    Each of several arms is put in order by itself, and has its own limit so that it stays one scan
    that is read only as far as the merge above it asks: more than `most` of one arm are never
    needed for the first `most` of all.
    """
    within = [*_scope(search.scope), *_range(search)]
    arms = [f"SELECT * FROM orders o WHERE {put.sql([*within, *arm])}" for arm in guide.arms]  # noqa: S608
    if len(arms) > 1:
        arms = [f"(SELECT * FROM ({arm} ORDER BY {order} LIMIT {most:d}) AS arm)" for arm in arms]  # noqa: S608
    return f"({' UNION ALL '.join(arms)}) AS o"


def _scope(scope: Scope) -> list[Condition]:
    return [
        ("o.organization_id = {}", (scope.organization_id,)),
        ("o.environment = {}", (scope.environment.value,)),
    ]


def _range(search: Search) -> list[Condition]:
    found: list[Condition] = []
    begins, ends = search.chosen.begins(search.now), search.chosen.ends()
    if begins is not None:
        found.append(("o.created_at >= {}", (begins,)))
    if ends is not None:
        found.append(("o.created_at < {}", (ends,)))
    # The first condition is implied by the second; an index can be entered by it.
    for cursor, sign in ((search.older_than, "<"), (search.newer_than, ">")):
        if cursor is not None:
            found.append((f"o.created_at {sign}= {{}}", (cursor.at,)))
            edge_sign = f"{sign}=" if cursor.included else sign
            key = (cursor.at, cursor.id)
            found.append((f"(o.created_at, o.id) {edge_sign} ({{}}, {{}})", key))
    return found


def _filters(chosen: OrderFilter) -> list[Condition]:
    """Every condition but the range of time, which each walk holds itself."""
    found: list[Condition] = []
    if chosen.wanted is not None:
        found.append(("o.status = ANY ({}::text[])", (list(chosen.wanted),)))
    if chosen.providers:
        found.append(("o.provider = ANY ({}::text[])", (list(chosen.providers),)))
    for column, wanted in (
        ("from_asset", chosen.source),
        ("from_network", chosen.source_network),
        ("to_asset", chosen.target),
        ("to_network", chosen.target_network),
        ("rate_type", chosen.rate),
    ):
        if wanted:
            found.append(_equal(column, wanted))
    return found + _usd(chosen) + _updated(chosen)


def _usd(chosen: OrderFilter) -> list[Condition]:
    bounds = ((">=", chosen.usd_min), ("<=", chosen.usd_max))
    return [(f"o.usd_value {sign} {{}}", (bound,)) for sign, bound in bounds if bound is not None]


def _updated(chosen: OrderFilter) -> list[Condition]:
    since = chosen.changed_since()
    return [] if since is None else [("o.updated_at >= {}", (since,))]


def _lookups(text: str) -> tuple[tuple[Condition, ...], ...]:
    """One arm per column, none of which brings what an earlier one brought."""
    if ORDER_ID.fullmatch(text.lower()):
        return ((_equal("id", text.lower()),),)
    arms = []
    earlier: list[Condition] = []
    for column, form in LOOKED_UP.items():
        there, wanted = form.format(f"o.{column}"), form.format("{}::text")
        # Their indexes leave out what is empty, which the planner sees only when it is said.
        filled = (f"o.{column} IS NOT NULL", ())
        arms.append(((f"{there} = {wanted}", (text,)), filled, *earlier))
        earlier.append((f"{there} IS DISTINCT FROM {wanted}", (text,)))
    return tuple(arms)


def _equal(column: str, value: str) -> Condition:
    return (f"o.{column} = {{}}", (value,))


def _direction(search: Search) -> str:
    return "ASC" if search.upward else "DESC"


def _order(search: Search) -> str:
    direction = _direction(search)
    return f"o.created_at {direction}, o.id {direction}"
