"""Shapes of `/me`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema


class Organization(BaseModel):
    id: str
    name: str
    status: str


class Key(BaseModel):
    id: str
    prefix: str
    scopes: list[str]


class Limits(BaseModel):
    """Requests per minute for the whole organization, and the maximum number of open streams."""

    reads_per_minute: int
    writes_per_minute: int
    offers_per_minute: int
    streams: int


Usd = Annotated[
    str,
    Field(pattern=r"^(0|[1-9][0-9]*)\.[0-9]{2}$", description="US dollars, rounded down to cents"),
]


class Balances(BaseModel):
    """What the organization has earned. Test keys see the simulated sandbox balance."""

    currency: Literal["USD"]
    pending: Usd = Field(description="earned but not yet available")
    available: Usd = Field(description="available for payout")
    payout_in_flight: Usd = Field(description="reserved for payouts in progress")
    paid: Usd = Field(description="paid out so far")


class Me(BaseModel):
    """The organization, the API key, and what the key can do."""

    organization: Organization
    environment: str
    plan: str
    key: Key
    limits: Limits
    balances: Balances | SkipJsonSchema[None] = Field(
        default=None, description="only for keys with the `payouts:read` scope"
    )
