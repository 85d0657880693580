"""Which deliveries, as SQL: the one WHERE of lists, pages, counts and of what is retried at once.

Only what is asked for stands in a statement, so each kind of question has a plan of its own. `$1`
and `$2` are the organization and the environment, as `state_sql` wants them.
"""

# What is put together here are constants of ours and the numbers of parameters.

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from privata.core.cursors import Cursor
from privata.webhooks.endpoints.reading import Partition
from privata.webhooks.state_sql import RETRYABLE, UNDELIVERED_LISTED, is_in, is_possible
from privata.webhooks.states import DeliveryState


@dataclass(frozen=True, slots=True)
class DeliverySearch:
    """Deliveries of a place; what is None or empty asks for nothing.

    `states` are the wanted ones. `type` is an event type, or a group of them as `order.*`. `text`
    is the whole id of an order or an event. `codes` is a range of status codes. A row is
    `older` or `newer` than a place in the log when it was created before or after it.
    """

    partition: Partition
    states: frozenset[DeliveryState] | None = None
    undelivered: bool = False
    retryable: bool = False
    since: datetime | None = None
    until: datetime | None = None
    type: str = ""
    codes: tuple[int, int] | None = None
    outcomes: tuple[str, ...] = ()
    ids: tuple[UUID, ...] | None = None
    event_seq: int | None = None
    order_id: str = ""
    text: str = ""
    older: Cursor | None = None
    newer: Cursor | None = None

    def having(self, **changes: object) -> DeliverySearch:
        """The same search with changes."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the fields' own types


@dataclass(slots=True)
class Where:
    """A condition that grows, with its parameters; `endpoint` is that of the only endpoint."""

    values: list[object]
    parts: list[str] = field(default_factory=list)
    endpoint: str | None = None

    def also(self, condition: str, *values: object) -> None:
        """`condition` has a `{}` for each of the values."""
        first = len(self.values) + 1
        self.parts.append(condition.format(*(f"${first + i}" for i in range(len(values)))))
        self.values.extend(values)

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts)


_DELIVERY: Final = "\nFROM webhook_every_delivery AS d"
_ENDPOINT: Final = """
JOIN webhook_endpoint AS e ON e.organization_id = d.organization_id AND e.id = d.endpoint_id"""

# For a page in the order of the key. What state a row is in depends on both tables, so the planner
# takes nearly all rows to fail, and reads them all and sorts them. OFFSET 0 lets it look at the
# endpoint only row by row, behind the deliveries in their order.
_ENDPOINT_OF_ROW: Final = """
CROSS JOIN LATERAL (
    SELECT e.* FROM webhook_endpoint AS e
    WHERE e.organization_id = d.organization_id AND e.id = d.endpoint_id OFFSET 0) AS e"""
_EVENT: Final = """
JOIN shared_event AS t ON t.organization_id = d.organization_id AND t.seq = d.event_seq"""

# An id is made when its row is, at `created_at` or, as clocks are read twice, a moment later. It is
# compared as well, because the key has it, and the months are cut along it.
_LEEWAY: Final = "interval '1 hour'"
_OF_ORDER: Final = """d.event_seq IN (SELECT t.seq
    FROM shared_event_key AS k
    JOIN shared_event AS t ON t.organization_id = $1 AND t.seq = k.seq
    WHERE k.organization_id = $1 AND k.id BETWEEN key_floor({0}) AND key_ceiling({0})
      AND t.environment = $2 AND t.order_id = {0})"""
_OF_TEXT: Final = """d.event_seq IN (SELECT t.seq
    FROM shared_event_key AS k
    JOIN shared_event AS t ON t.organization_id = $1 AND t.seq = k.seq
    WHERE k.organization_id = $1 AND k.id BETWEEN key_floor({0}) AND key_ceiling({0})
      AND t.environment = $2 AND (t.order_id = {0} OR t.event_id = {0}))"""


def tables(search: DeliverySearch, *, event: bool = False, page: bool = False) -> str:
    """FROM the delivery `d`, its endpoint `e` and, where it is asked for, its event `t`; `page`:
    the first few in an order are asked for, and not all."""
    endpoint = _ENDPOINT_OF_ROW if page else _ENDPOINT
    return f"{_DELIVERY}{endpoint}{_EVENT if event or search.type else ''}"


def where(search: DeliverySearch) -> Where:
    """The condition of a search."""
    partition = search.partition
    found = Where(list(partition.scope), ["d.organization_id = $1 AND d.environment = $2"])
    if partition.endpoint_id is not None:
        found.also("d.endpoint_id = {}", partition.endpoint_id)
        found.endpoint = f"${len(found.values)}"
    if search.ids is not None:
        found.also("d.id = ANY ({}::uuid[])", list(search.ids))
    if search.event_seq is not None:
        found.also("d.event_seq = {}", search.event_seq)
    if search.order_id:
        found.also(_OF_ORDER, search.order_id)
    if search.text:
        _text(found, search.text)
    _times(found, search)
    _what(found, search)
    return found


def _text(found: Where, text: str) -> None:
    try:
        found.also("d.id = {}", UUID(text))
    except ValueError:
        found.also(_OF_TEXT, text.lower())


def _times(found: Where, search: DeliverySearch) -> None:
    if search.since is not None:
        found.also("d.created_at >= {0} AND d.id >= id_floor({0})", search.since)
    if search.until is not None:
        found.also("d.created_at < {}", search.until)
        found.also(f"d.id < id_floor({{}}::timestamptz + {_LEEWAY})", search.until)
    if search.older is not None:
        found.also("d.id < {}::uuid", search.older.id)
    if search.newer is not None:
        found.also("d.id > {}::uuid", search.newer.id)


def _what(found: Where, search: DeliverySearch) -> None:
    if search.type.endswith(".*"):
        found.also("starts_with(t.type, {})", search.type[:-1])
    elif search.type:
        found.also("t.type = {}", search.type)
    if search.codes is not None:
        found.also("d.last_status_code BETWEEN {} AND {}", *search.codes)
    if search.outcomes:
        found.also("d.last_outcome = ANY ({}::text[])", list(search.outcomes))
    # These hold braces of nothing: they have no parameters of their own.
    if search.states is not None:
        found.parts.append(is_in(search.states))
        possible = is_possible(search.states, found.endpoint)
        if possible is not None:
            found.parts.append(possible)
    if search.undelivered:
        found.parts.append(UNDELIVERED_LISTED)
    if search.retryable:
        found.parts.append(RETRYABLE)
