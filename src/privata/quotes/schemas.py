"""Shapes of the quote routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from privata.core.money import parse_amount
from privata.infra.wire import Wire
from privata.quotes.rules import MAX_MARKUP_BPS


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("must be a decimal string such as 0.25")  # noqa: TRY004  # pydantic's way
    return parse_amount(value)


Ticker = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="e.g. BTC, any case")]
Network = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="e.g. TRC20, any case")]
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount, json_schema_input_type=str),
    Field(description="a decimal number, e.g. 0.25"),
]


class PairQuery(Wire):
    """Which pair."""

    source: Ticker = Field(alias="from")
    target: Ticker = Field(alias="to")
    from_network: Network | None = None
    to_network: Network | None = None


class EstimateQuery(PairQuery):
    """What to price."""

    amount: Amount
    side: Literal["send", "receive"] = Field(
        "send", description="whether amount is what is sent or what is to be received"
    )
    rate_type: Literal["float", "fixed"] = "float"
    markup_bps: int = Field(0, ge=0, le=MAX_MARKUP_BPS, description="the partner's own fee")
    include: Literal["best", "all"] = Field("best", description="all: every provider's offer")


class Currency(BaseModel):
    ticker: str
    network: str
    name: str
    decimals: int
    extra_id: str | None


class Currencies(BaseModel):
    currencies: list[Currency]


class Side(BaseModel):
    ticker: str
    network: str


class Pair(BaseModel):
    source: Side = Field(serialization_alias="from")
    to: Side


class Pairs(BaseModel):
    pairs: list[Pair]


class PairLimits(BaseModel):
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    min: str
    max: str


class Estimate(BaseModel):
    """A quote: use its id within `expires_at` for one order."""

    quote_id: str
    provider: str
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    amount_from: str
    amount_to: str
    rate: str
    side: str
    rate_type: str
    markup_bps: int
    usd_value: str | None
    refund_capability: str
    sandbox: bool
    expires_at: str


class Estimates(Estimate):
    """The best quote; with `include=all` also every other, best first."""

    offers: list[Estimate] | None = None
