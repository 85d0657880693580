"""Shapes of `/me/orders`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from privata.core.lifecycle import OrderStatus
from privata.infra.http.wire import NextCursor, Wire
from privata.orders import schemas
from privata.orders.search.filter_values import MAX_TEXT, MOST_VALUES
from privata.orders.search.filters import RATES, REFUNDS, SPANS

#: Orders of one answer.
MAX_LIMIT = 100
DEFAULT_LIMIT = 50

#: So far back goes who polls by `updated_after`. A change carries the time at which it began, and
#: shows with the commit: a few statements of at most half a minute later, by another clock.
CHANGES_OVERLAP_MINUTES: Final = 2


def _plain(value: str) -> str:
    """Nothing is guessed: an empty value may be one that a program forgot to fill in."""
    if not value:
        raise ValueError("must not be empty; omit it instead")
    if value != value.strip():
        raise ValueError("must not start or end with a space")
    return value


def _several(value: str) -> str:
    words = value.split(",")
    for word in words:
        _plain(word)
    if len(words) > MOST_VALUES:
        raise ValueError(f"must have at most {MOST_VALUES} values")
    return value


# `filters` reads the values, for the pages too, and has better sentences about what is wrong with
# one. Here they are only told to the document, so that clients made of it know their types.
def _list_of(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_VALUES}, mode="validation"
    )


_STATUSES = _list_of({"type": "string", "enum": [status.value for status in OrderStatus]})
_PROVIDERS = _list_of({"type": "string", "pattern": "^[a-z0-9_]{1,32}$"})

Several = Annotated[str, Field(max_length=1024), AfterValidator(_several)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_plain)]
Ticker = Annotated[
    str,
    AfterValidator(_plain),
    Field(description="case-insensitive", json_schema_extra={"pattern": "^[A-Za-z0-9]{1,16}$"}),
]
Dollars = Annotated[
    str,
    AfterValidator(_plain),
    Field(
        description="US dollars, such as 250 or 99.50",
        json_schema_extra={"pattern": r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?$"},
    ),
]
Moment = Annotated[
    str,
    AfterValidator(_plain),
    Field(max_length=64),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": one} for one in ("date", "date-time")]},
        mode="validation",
    ),
]


class OrdersQuery(Wire):
    """Which orders, newest first. All filters hold together."""

    lists = frozenset({"status", "provider"})

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: NextCursor | None = Field(
        None, description="next_cursor from the previous page; keep the same filters"
    )
    q: Text | None = Field(
        None,
        description="an exact order ID, partner_order_ref, deposit address, or transaction hash;"
        " case and `0x` matter only where the network requires it",
    )
    status: Annotated[Several, _STATUSES] | None = Field(
        None, description="one or more, separated by commas"
    )
    refund: Literal["needed", "done", "any"] | None = Field(
        None, description="needed: refund_required or manual_review; done: refunded; any: all three"
    )
    provider: Annotated[Several, _PROVIDERS] | None = Field(
        None, description="one or more, separated by commas"
    )
    source: Ticker | None = Field(None, alias="from")
    from_network: Ticker | None = Field(None, description="requires from")
    target: Ticker | None = Field(None, alias="to")
    to_network: Ticker | None = Field(None, description="requires to")
    rate_type: Literal["float", "fixed"] | None = None
    span: Literal["24h", "7d", "30d", "90d"] | None = Field(
        None, description="created within this period; replaces since and until"
    )
    since: Moment | None = Field(
        None, description="created at or after this date (UTC) or time with offset"
    )
    until: Moment | None = Field(
        None, description="created before this time with offset, or on or before this date (UTC)"
    )
    updated_after: Moment | None = Field(
        None,
        description="changed at or after this date (UTC) or time with offset. When you poll, go"
        f" back {CHANGES_OVERLAP_MINUTES} minutes each time: a change becomes visible shortly after"
        " the time it carries",
    )
    usd_min: Dollars | None = None
    usd_max: Dollars | None = None


assert set(RATES) == {"float", "fixed"}
assert set(REFUNDS) == {"needed", "done", "any"}
assert set(SPANS) == {"24h", "7d", "30d", "90d"}


class OrdersPage(BaseModel):
    """A page of orders. Only `next_cursor: null` marks the end."""

    orders: list[schemas.Order]
    next_cursor: str | None
