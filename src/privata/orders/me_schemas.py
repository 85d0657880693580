"""Shapes of `/me` and `/me/orders`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from privata.infra.wire import Wire
from privata.orders import schemas
from privata.orders.filter_values import MAX_TEXT
from privata.orders.filters import RATES, REFUNDS, SPANS

#: Orders of one answer.
MAX_LIMIT = 100
DEFAULT_LIMIT = 50

Words = Annotated[str, Field(max_length=512)]
Ticker = Annotated[str, Field(description="in any case", max_length=16)]
Dollars = Annotated[str, Field(description="US dollars, e.g. 250 or 99.50", max_length=24)]
Moment = Annotated[str, Field(description="a date (UTC) or a time with its zone", max_length=40)]


class OrdersQuery(Wire):
    """Which orders, newest first. All filters hold together."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(
        None, max_length=128, description="next_cursor of the answer before, with the same filters"
    )
    q: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="exactly an order id, partner_order_ref, deposit address or transaction hash",
    )
    status: Words | None = Field(None, description="one or more, separated by commas")
    refund: Literal["needed", "done", "any"] | None = Field(
        None, description="needed: refund_required or manual_review; done: refunded; any: either"
    )
    provider: Words | None = Field(None, description="one or more, separated by commas")
    source: Ticker | None = Field(None, alias="from")
    from_network: Ticker | None = Field(None, description="needs from")
    target: Ticker | None = Field(None, alias="to")
    to_network: Ticker | None = Field(None, description="needs to")
    rate_type: Literal["float", "fixed"] | None = None
    span: Literal["24h", "7d", "30d", "90d"] | None = Field(
        None, description="made within this time; instead of since and until"
    )
    since: Moment | None = Field(None, description="made at or after this date or time")
    until: Moment | None = Field(None, description="made before this time, or not after this date")
    updated_after: Moment | None = Field(
        None, description="changed at or after this date or time; made whenever"
    )
    usd_min: Dollars | None = None
    usd_max: Dollars | None = None


assert set(RATES) == {"float", "fixed"}
assert set(REFUNDS) == {"needed", "done", "any"}
assert set(SPANS) == {"24h", "7d", "30d", "90d"}


class OrdersPage(BaseModel):
    """A page of orders. Only `next_cursor: null` means that there are no more."""

    orders: list[schemas.Order]
    next_cursor: str | None


class Organization(BaseModel):
    id: str
    name: str
    status: str


class Key(BaseModel):
    id: str
    prefix: str
    scopes: list[str]


class Limits(BaseModel):
    """Calls a minute of the whole organization, and event streams open at once."""

    reads_per_minute: int
    writes_per_minute: int
    offers_per_minute: int
    streams: int


Usd = Annotated[
    str, Field(pattern=r"^(0|[1-9][0-9]*)\.[0-9]{2}$", description="US dollars, cut to cents")
]


class Balances(BaseModel):
    """What the organization earned. A test key always sees zeros: test orders earn nothing."""

    currency: Literal["USD"]
    pending: Usd = Field(description="earned, and not available yet")
    available: Usd = Field(description="can be paid out")
    payout_in_flight: Usd = Field(description="set aside for payouts that are under way")
    paid: Usd = Field(description="paid out so far")


class Me(BaseModel):
    """Whom a key acts for, and what it may do."""

    organization: Organization
    environment: str
    plan: str
    key: Key
    limits: Limits
    balances: Balances | SkipJsonSchema[None] = Field(
        default=None, description="only for keys with `payouts:read`"
    )
